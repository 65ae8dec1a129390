'use strict';

const { copierFor } = require('./copier.js');
const { copy } = require('./copy.js');

/** From this answer on, a copy function for the document's shape pays. */
const HOT_ANSWERS = 3;

/** No half of a head reads like this: the entry has to be looked at again. */
const NOT_VALIDATED = -1;

/**
 * An entry of the document cache: one state of one document, as text until it is needed a second time.
 * `sequence` names the commit that wrote it; `low` and `high` are the head of the store at which it was
 * last known to be true.
 */
class CachedDocument {
    low = NOT_VALIDATED;
    high = NOT_VALIDATED;
    // For the cache: whether it was used since the cache looked last, and its neighbours by age.
    isUsed = false;
    older = null;
    newer = null;
    #text;
    #document;
    #rev;
    #answers = 0;
    #copier = copy;

    constructor(key, sequence, size) {
        this.key = key;
        this.sequence = sequence;
        this.size = size;
    }

    /** Of text that was read, or of text with another `_rev` than it got when it was written. */
    static fromText(key, sequence, text, rev) {
        const entry = new CachedDocument(key, sequence, text.length);
        entry.#text = text;
        entry.#rev = rev;
        return entry;
    }

    /** Of a document that nobody else holds. `size` is the length of its text, more or less. */
    static fromDocument(key, sequence, document, size) {
        const entry = new CachedDocument(key, sequence, size);
        entry.#document = document;
        return entry;
    }

    /** A fresh copy of the document. */
    answer() {
        this.#answers += 1;
        if (this.#document === undefined) {
            return this.#parse();
        }
        if (this.#answers === HOT_ANSWERS) {
            this.#copier = copierFor(this.#document);
        }
        return this.#copier(this.#document);
    }

    /** A document that is nested too deeply to be copied stays text: the parser does not recurse. */
    #parse() {
        const document = JSON.parse(this.#text);
        if (this.#rev !== undefined) {
            document._rev = this.#rev;
        }
        try {
            const answer = copy(document);
            this.#document = document;
            this.#text = undefined;
            return answer;
        } catch {
            return document;
        }
    }

    /** Whether the entry was true when the head of the store was these two halves. */
    isValidAt(low, high) {
        return this.low === low && this.high === high;
    }

    validate(low, high) {
        this.low = low;
        this.high = high;
    }
}

module.exports = { CachedDocument };
