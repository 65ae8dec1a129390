'use strict';

const { formFor } = require('./document-form.js');

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
    sequence;
    make;
    // The values of the document, as its form has them.
    v0; v1; v2; v3; v4; v5; v6; v7; v8; v9;
    v10; v11; v12; v13; v14; v15; v16; v17; v18; v19;
    rest;
    key;
    size;
    // For the cache: its neighbours by age.
    older = null;
    newer = null;

    constructor(key, sequence, size, make) {
        this.key = key;
        this.sequence = sequence;
        this.size = size;
        this.make = make;
    }

    /** Of text that was read. */
    static fromText(key, sequence, text) {
        const entry = new CachedDocument(key, sequence, text.length, parse);
        entry.v0 = text;
        return entry;
    }

    /**
     * Of a document, which stays the caller's. `size` is the length of its text, more or less. Throws a
     * RangeError when it is nested too deeply to be copied.
     */
    static fromDocument(key, sequence, document, size) {
        const form = formFor(document);
        const entry = new CachedDocument(key, sequence, size, form.make);
        form.keep(entry, document);
        return entry;
    }

    /** A fresh copy of the document. */
    answer() {
        return this.make(this);
    }
}

/** A document that is nested too deeply to be copied stays text: the parser does not recurse. */
function parse(entry) {
    const document = JSON.parse(entry.v0);
    try {
        const form = formFor(document);
        form.keep(entry, document);
        entry.make = form.make;
    } catch {
        // It stays text.
    }
    return document;
}

module.exports = { CachedDocument, NOT_VALIDATED };
