'use strict';

const native = require('./native.cjs');
const { AssertionError, errorFromText, errorFromThrown, withCallerStack } = require('./errors.js');
const { sizeOf } = require('./flat-kinds.js');
const { FlatWriter } = require('./flat-writer.js');
const { openPort } = require('./port.js');
const { strictDocument } = require('./strict-json.js');

/**
 * @typedef {{ key: string, document: object | null, size: number }} Written null for a deletion; the size is
 *     about the length of the document's text
 */

/** So many writes are submitted together at most. */
const MAX_WRITES = 64;

/** The version that stands for a failure. */
const FAILED = -2;

/** What a write does when its block has an outcome. */
const takeAnswer = (block) => block.takeAnswer();

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
    // What is to be done behind the document that is being written.
    #later = [];
    #submitSoon = () => this.submit();

    /**
     * @param {object} handle
     * @param {(written: Written, version: number, sequence: number) => unknown} answerOf makes the answer for
     *     what was written
     */
    constructor(handle, answerOf) {
        this.#native = native.openWriter(handle);
        this.#writer = new FlatWriter((names) => native.defineStructure(this.#native, names));
        this.#answerOf = answerOf;
        this.#block = new Block(answerOf);
    }

    /**
     * Writes a document under the check that `checkOf` makes of the `_rev` that it brings. `answered(block)`
     * has to return `block.takeAnswer()`: its name is what the stack of an error shows.
     *
     * @returns {Promise<unknown>}
     */
    put(key, document, checkOf, answered = takeAnswer) {
        if (this.#isWriting) {
            const prepared = strictDocument(document);
            return this.putPrepared(key, prepared, checkOf(prepared.rev), answered);
        }
        return this.#add(key, answered, (writer) => {
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
    putPrepared(key, { document, text }, check, answered = takeAnswer) {
        return this.#behind(() => this.#add(key, answered, (writer) => {
            writer.text(text);
            return { copy: document, check };
        }));
    }

    delete(key, check) {
        return this.#behind(() => this.#add(key, takeAnswer, (writer) => {
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

    #add(key, answered, write) {
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
        this.#isWriting = true;
        try {
            writer.string(wellFormed(key));
            const checkAt = writer.number(0);
            writer.number(0);
            const { copy, check } = write(writer);
            writer.numbers[checkAt] = check.kind;
            writer.numbers[checkAt + 1] = check.value;
            return block.add(key, copy, writer, answered);
        } finally {
            this.#isWriting = false;
            if (this.#later.length > 0) {
                this.#later.splice(0).forEach((work) => work());
            }
        }
    }

    /** Submits what waits for the end of this synchronous step. */
    submit() {
        const block = this.#block;
        if (block.length === 0 || this.#isWriting) {
            return;
        }
        const writer = this.#writer;
        const next = new Block(this.#answerOf);
        openPort().start(block, (id) => {
            native.commitEach(this.#native, id, block.length, writer.kinds, writer.numbers, block.strings);
        });
        // Calls may fail where the stack is short. From here on there are none.
        this.#block = next;
        block.strings = '';
        writer.strings = '';
    }
}

/**
 * Writes that are submitted together. All of them wait for one promise, whose reactions are called in the
 * order in which they were added: each takes the next answer. So a write in flight is little more than its
 * promise and its document, and the garbage collector has less to copy.
 */
class Block {
    length = 0;
    /** So much of what the writer holds is the block's: values, and strings. */
    values = 0;
    strings = '';
    #answerOf;
    // Of each write.
    #keys = [];
    #documents = [];
    #sizes = [];
    #outcome;
    #settle;
    #answered = 0;
    // When it was submitted: from `#from` on there are pairs. When it was not: the error.
    #pairs;
    #from;
    // By the index of a write: what failed.
    #failures;
    #refusal;

    constructor(answerOf) {
        this.#answerOf = answerOf;
        this.#outcome = new Promise((resolve) => {
            this.#settle = resolve;
        });
    }

    /** Takes in the write that ends where the writer is: as a whole, or not at all. */
    add(key, document, { length, strings }, answered) {
        const at = this.length;
        this.#keys[at] = key;
        this.#documents[at] = document;
        this.#sizes[at] = sizeOf(length - this.values, strings.length - this.strings.length);
        const promise = this.#outcome.then(answered);
        this.length = at + 1;
        this.values = length;
        this.strings = strings;
        return promise;
    }

    /** From `at` on there are pairs of version and sequence number; then `fail` tells what failed. */
    settle(pairs, at) {
        // Where the stack was too short to refuse it, it was submitted again.
        this.#refusal = undefined;
        this.#pairs = pairs;
        this.#from = at;
        this.#settle(this);
    }

    /** The write `index` failed. */
    fail(index, text) {
        this.#failures ??= new Map();
        this.#failures.set(index, text);
    }

    /** Nothing of it was submitted. */
    reject(error) {
        this.#refusal = error;
        this.#settle(this);
    }

    /** The answer to the next write; throws if that failed. */
    takeAnswer() {
        if (this.#refusal !== undefined) {
            throw withCallerStack(errorFromThrown(this.#refusal), this.takeAnswer);
        }
        const i = this.#answered;
        this.#answered = i + 1;
        const at = this.#from + 2 * i;
        const version = this.#pairs[at];
        if (version === FAILED) {
            throw withCallerStack(errorFromText(this.#failures.get(i)), this.takeAnswer);
        }
        const write = { key: this.#keys[i], document: this.#documents[i], size: this.#sizes[i] };
        return this.#answerOf(write, version, this.#pairs[at + 1]);
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
