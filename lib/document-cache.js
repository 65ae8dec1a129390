'use strict';

/** How many documents are kept unless the `cache` option says otherwise. */
const DEFAULT_MAX_DOCUMENTS = 10_000;

/** Bounds the memory of large documents: characters of JSON text, all entries together. */
const MAX_TOTAL_SIZE = 32 * 1024 * 1024;

/** One document that is larger would push out too many others. */
const MAX_ENTRY_SIZE = MAX_TOTAL_SIZE / 16;

/** No half of a head reads like this: the entry has to be looked at again. */
const NOT_VALIDATED = -1;

/**
 * Parsed documents by key, the least recently used go first. Whether an entry is still true is decided
 * by its user: `sequence` names the commit that wrote it, `low` and `high` the head of the store at
 * which it was last known to be true.
 */
class DocumentCache {
    #entries = new Map();
    // A ring: its `older` is the newest entry, its `newer` the oldest one.
    #ring = new Entry('', null, 0, 0);
    #maxDocuments;
    #totalSize = 0;

    constructor(maxDocuments = DEFAULT_MAX_DOCUMENTS) {
        this.#maxDocuments = maxDocuments;
        this.#ring.older = this.#ring;
        this.#ring.newer = this.#ring;
    }

    get documents() {
        return this.#entries.size;
    }

    /** The entry of a key, which becomes the newest; or undefined. */
    get(key) {
        const entry = this.#entries.get(key);
        if (entry !== undefined && this.#ring.older !== entry) {
            entry.older.newer = entry.newer;
            entry.newer.older = entry.older;
            this.#insert(entry);
        }
        return entry;
    }

    has(key) {
        return this.#entries.has(key);
    }

    /** Puts a document that nobody else holds. `size` is the length of its JSON text, more or less. */
    put(key, document, sequence, size) {
        this.delete(key);
        const entry = new Entry(key, document, sequence, size);
        if (size > MAX_ENTRY_SIZE) {
            return entry;
        }
        this.#entries.set(key, entry);
        this.#insert(entry);
        this.#totalSize += size;
        while (this.#entries.size > this.#maxDocuments || this.#totalSize > MAX_TOTAL_SIZE) {
            this.delete(this.#ring.newer.key);
        }
        return entry;
    }

    delete(key) {
        const entry = this.#entries.get(key);
        if (entry !== undefined) {
            entry.older.newer = entry.newer;
            entry.newer.older = entry.older;
            this.#entries.delete(key);
            this.#totalSize -= entry.size;
        }
    }

    clear() {
        this.#entries.clear();
        this.#ring.older = this.#ring;
        this.#ring.newer = this.#ring;
        this.#totalSize = 0;
    }

    #insert(entry) {
        const ring = this.#ring;
        entry.older = ring.older;
        entry.newer = ring;
        ring.older.newer = entry;
        ring.older = entry;
    }
}

class Entry {
    constructor(key, document, sequence, size) {
        this.key = key;
        this.document = document;
        this.sequence = sequence;
        this.size = size;
        this.low = NOT_VALIDATED;
        this.high = NOT_VALIDATED;
        this.older = null;
        this.newer = null;
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

module.exports = { DocumentCache, DEFAULT_MAX_DOCUMENTS };
