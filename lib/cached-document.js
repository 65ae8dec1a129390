'use strict';

const { copierFor } = require('./copier.js');
const { copy } = require('./copy.js');

/** No generation: the entry has to be looked at again. */
const NOT_VALIDATED = -1;

/**
 * An entry of the document cache: one state of one document, as text until it is needed a second time.
 * `sequence` names the commit that wrote it. While `generation` is that of the reader, it is true at the head
 * that the reader has caught up with.
 */
class CachedDocument {
    // What every read needs comes first, in as few cache lines as may be.
    generation = NOT_VALIDATED;
    // For the cache: whether it was used since the cache looked last.
    isUsed = false;
    // For the shape of the document, unless it is rare.
    #copier;
    #document;
    #text;
    #rev;
    // For the cache: its neighbours by age.
    older = null;
    newer = null;

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
        return this.#document === undefined ? this.#parse() : this.#copy(this.#document);
    }

    /** For an answer only: V8 would allocate answers among old objects if many of these copies grew old. */
    #copy(document) {
        const copier = this.#copier ?? copierFor(document);
        if (copier === undefined) {
            return copy(document);
        }
        this.#copier = copier;
        return copier(document);
    }

    /** A document that is nested too deeply to be copied stays text: the parser does not recurse. */
    #parse() {
        const document = JSON.parse(this.#text);
        if (this.#rev !== undefined) {
            document._rev = this.#rev;
        }
        try {
            const answer = this.#copy(document);
            this.#document = document;
            this.#text = undefined;
            return answer;
        } catch {
            return document;
        }
    }
}

module.exports = { CachedDocument, NOT_VALIDATED };
