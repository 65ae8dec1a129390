'use strict';

const native = require('./native.cjs');
const { AssertionError, errorFromText, errorFromThrown } = require('./errors.js');
const { sizeOf } = require('./flat-kinds.js');
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
 *
 * @typedef {{ key: string, document: object | null, size: number }} Write null for a deletion; the size is
 *     about the length of the document's text
 */
class WriteQueue {
    #native;
    #writer;
    #answerOf;
    #block;
    #isWriting = false;
    // What is to be done behind the document that is being written.
    #later = [];
    #submitSoon = () => this.submit();

    /**
     * @param {object} handle
     * @param {(write: Write, version: number, sequence: number) => unknown} answerOf makes the answer for
     *     what was written
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
        return this.#behind(() => this.#add(key, (writer) => {
            writer.text(text);
            return { copy: document, check };
        }));
    }

    delete(key, check) {
        return this.#behind(() => this.#add(key, (writer) => {
            writer.null();
            return { copy: null, check };
        }));
    }

    /** Calls `work`, which promises something, with everything submitted that was written before. */
    inOrder(work) {
        return this.#behind(() => {
            this.submit();
            return work();
        });
    }

    /** Getters of a document that is being written may write as well: right behind it. */
    #behind(work) {
        if (!this.#isWriting) {
            return work();
        }
        return new Promise((resolve, reject) => {
            this.#later.push(() => {
                try {
                    resolve(work());
                } catch (error) {
                    reject(error);
                }
            });
        });
    }

    #add(key, write) {
        const writer = this.#writer;
        if (this.#block.length === MAX_WRITES || !writer.hasRoom) {
            this.submit();
        }
        const block = this.#block;
        if (block.length === 0) {
            queueMicrotask(this.#submitSoon);
        }
        // What a write has left that failed, or for which the stack was too short, is not the block's.
        writer.cut(block.values, block.strings);
        try {
            return block.add(key, this.#write(key, write), writer);
        } finally {
            if (this.#later.length > 0) {
                this.#later.splice(0).forEach((work) => work());
            }
        }
    }

    /** What will be answered. */
    #write(key, write) {
        const writer = this.#writer;
        this.#isWriting = true;
        try {
            writer.string(wellFormed(key));
            const checkAt = writer.number(0);
            writer.number(0);
            const { copy, check } = write(writer);
            writer.numbers[checkAt] = check.kind;
            writer.numbers[checkAt + 1] = check.value;
            return copy;
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
        const { kinds, numbers } = this.#writer;
        const next = new Block(this.#answerOf);
        openPort().start(block, (id) => {
            native.commitEach(this.#native, id, block.length, kinds, numbers, block.strings);
        });
        // Calls may fail where the stack is short. From here on there are none.
        this.#block = next;
        block.strings = '';
        this.#writer.strings = '';
    }
}

/** Writes that are submitted together, and their promises. */
class Block {
    /** So much of what the writer holds is the block's: values, and strings. */
    values = 0;
    strings = '';
    #answerOf;
    #writes = [];

    constructor(answerOf) {
        this.#answerOf = answerOf;
    }

    get length() {
        return this.#writes.length;
    }

    /** Takes in the write that ends where the writer is: as a whole, or not at all. */
    add(key, document, writer) {
        const { length, strings } = writer;
        const size = sizeOf(length - this.values, strings.length - this.strings.length);
        const write = { key, document, size, resolve: undefined, reject: undefined };
        const promise = new Promise((resolve, reject) => {
            write.resolve = resolve;
            write.reject = reject;
        });
        this.#writes.push(write);
        this.values = length;
        this.strings = strings;
        return promise;
    }

    /** Settles all that did not fail: from `at` on there are pairs of version and sequence number. */
    settle(pairs, at) {
        for (let i = 0; i < this.#writes.length; i += 1) {
            const version = pairs[at + 2 * i];
            if (version !== FAILED) {
                const write = this.#writes[i];
                write.resolve(this.#answerOf(write, version, pairs[at + 2 * i + 1]));
            }
        }
    }

    /** The write `index` failed. */
    fail(index, text) {
        this.#writes[index].reject(errorFromText(text));
    }

    /** Nothing of it was submitted. */
    reject(error) {
        this.#writes.forEach(({ reject }) => reject(errorFromThrown(error)));
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
