'use strict';

const native = require('./native.cjs');
const { AssertionError, errorFromText, errorFromThrown } = require('./errors.js');
const { FlatWriter } = require('./flat-writer.js');
const { openPort } = require('./port.js');
const { strictDocument } = require('./strict-json.js');

/** So many writes are submitted together at most. */
const MAX_WRITES = 64;

/** The version that stands for a failure. */
const FAILED = -2;

/**
 * Writes of single documents on their way to native code. Those of one synchronous step go together, each
 * with its own check and its own outcome.
 */
class WriteQueue {
    #native;
    #writer;
    #answerOf;
    #block;
    #isWriting = false;
    #submitSoon = () => this.submit();

    /**
     * @param {object} handle
     * @param {(key: string, document: object | null, version: number, sequence: number) => unknown} answerOf
     *     makes the answer for what was written; the document is null for a deletion
     */
    constructor(handle, answerOf) {
        this.#native = native.openWriter(handle);
        this.#writer = new FlatWriter((names) => native.defineStructure(this.#native, names));
        this.#answerOf = answerOf;
        this.#block = new Block(answerOf);
    }

    /**
     * Writes a document under the check that `checkOf` makes of the `_rev` that it brings.
     *
     * @returns {Promise<unknown>}
     */
    put(key, document, checkOf) {
        if (this.#isWriting) {
            const prepared = strictDocument(document);
            return this.putPrepared(key, prepared, checkOf(prepared.rev));
        }
        return this.#add(key, (writer) => {
            const copy = writer.document(document);
            if (copy !== undefined) {
                return { copy, check: checkOf(writer.rev) };
            }
            const general = strictDocument(document);
            writer.text(general.text);
            return { copy: general.document, check: checkOf(general.rev) };
        });
    }

    /** Writes what `strictDocument` gave. */
    putPrepared(key, { document, text }, check) {
        return this.#addLater(key, (writer) => {
            writer.text(text);
            return { copy: document, check };
        });
    }

    delete(key, check) {
        return this.#addLater(key, (writer) => {
            writer.null();
            return { copy: null, check };
        });
    }

    /** Getters of a document that is being written may write as well, behind it. */
    #addLater(key, write) {
        return this.#isWriting ? Promise.resolve().then(() => this.#add(key, write)) : this.#add(key, write);
    }

    #add(key, write) {
        const copy = this.#write(key, write);
        const block = this.#block;
        if (block.length === 0) {
            queueMicrotask(this.#submitSoon);
        }
        const promise = block.add(key, copy);
        if (block.length === MAX_WRITES || !this.#writer.hasRoom) {
            this.submit();
        }
        return promise;
    }

    #write(key, write) {
        const writer = this.#writer;
        const { length, strings } = writer;
        this.#isWriting = true;
        try {
            writer.string(wellFormed(key));
            const checkAt = writer.number(0);
            writer.number(0);
            const { copy, check } = write(writer);
            writer.numbers[checkAt] = check.kind;
            writer.numbers[checkAt + 1] = check.value;
            return copy;
        } catch (error) {
            writer.cut(length, strings);
            throw error;
        } finally {
            this.#isWriting = false;
        }
    }

    /** Submits what waits for the end of this synchronous step. */
    submit() {
        const block = this.#block;
        if (block.length === 0 || this.#isWriting) {
            return;
        }
        const { kinds, numbers, strings } = this.#writer;
        this.#block = new Block(this.#answerOf);
        openPort().start(block, (id) => {
            native.commitEach(this.#native, id, block.length, kinds, numbers, strings);
        });
        this.#writer.cut(0, '');
    }
}

/** Writes that are submitted together, and their promises. */
class Block {
    #answerOf;
    #keys = [];
    #documents = [];
    #resolve = [];
    #reject = [];

    constructor(answerOf) {
        this.#answerOf = answerOf;
    }

    get length() {
        return this.#keys.length;
    }

    add(key, document) {
        this.#keys.push(key);
        this.#documents.push(document);
        return new Promise((resolve, reject) => {
            this.#resolve.push(resolve);
            this.#reject.push(reject);
        });
    }

    /** Settles all that did not fail: from `at` on there are pairs of version and sequence number. */
    settle(pairs, at) {
        for (let i = 0; i < this.#keys.length; i += 1) {
            const version = pairs[at + 2 * i];
            if (version !== FAILED) {
                const sequence = pairs[at + 2 * i + 1];
                this.#resolve[i](this.#answerOf(this.#keys[i], this.#documents[i], version, sequence));
            }
        }
    }

    /** The write `index` failed. */
    fail(index, text) {
        this.#reject[index](errorFromText(text));
    }

    /** Nothing of it was submitted. */
    reject(error) {
        this.#reject.forEach((reject) => reject(errorFromThrown(error)));
    }
}

/** Half a surrogate pair would become another character on its way. */
function wellFormed(key) {
    if (!key.isWellFormed()) {
        const message = 'A document key must be well-formed Unicode: this one holds half of a surrogate pair';
        throw new AssertionError(message, { key: key.toWellFormed() });
    }
    return key;
}

module.exports = { WriteQueue };
