'use strict';

const { NOT_VALIDATED } = require('./cached-document.js');

/** How many documents are kept unless the `cache` option says otherwise. */
const DEFAULT_MAX_DOCUMENTS = 10_000;

/** Bounds the memory of large documents: characters of JSON text, all entries together. */
const MAX_TOTAL_SIZE = 32 * 1024 * 1024;

/**
 * Bytes that a parsed document takes in V8 for each character of its text, and an entry besides: measured,
 * by documents of about 260 characters.
 */
const BYTES_PER_CHARACTER = 3;
const BYTES_PER_ENTRY = 150;

/** One document that is larger would push out too many others. */
const MAX_ENTRY_SIZE = MAX_TOTAL_SIZE / 16;

/**
 * Entries by key, evicted by SIEVE (Zhang et al., NSDI 2024): a use only marks its entry, and a hand goes
 * from the oldest entry to the newest ones, evicts the first without a mark, and takes the marks of the
 * others. An entry is any object with `key`, `size`, and room for `generation`, `isUsed`, `older` and
 * `newer`.
 */
class DocumentCache {
    #entries = new Map();
    // A ring: its `older` is the newest entry, its `newer` the oldest one.
    #ring = { isUsed: false, older: null, newer: null };
    #hand = this.#ring;
    #maxDocuments;
    #totalSize = 0;

    constructor(maxDocuments = DEFAULT_MAX_DOCUMENTS) {
        this.#maxDocuments = maxDocuments;
        this.clear();
    }

    get documents() {
        return this.#entries.size;
    }

    /** About how much memory the entries take, in bytes. */
    get bytes() {
        return this.#totalSize * BYTES_PER_CHARACTER + this.#entries.size * BYTES_PER_ENTRY;
    }

    /** The entry of a key, or undefined. */
    get(key) {
        const entry = this.#entries.get(key);
        // Writing costs more than reading where the entry is in no cache of the processor.
        if (entry !== undefined && !entry.isUsed) {
            entry.isUsed = true;
        }
        return entry;
    }

    /** The entry of a key has to be looked at again. */
    invalidate(key) {
        const entry = this.#entries.get(key);
        if (entry !== undefined) {
            entry.generation = NOT_VALIDATED;
        }
    }

    has(key) {
        return this.#entries.has(key);
    }

    /** Puts an entry in the place of the one with the same key. */
    put(entry) {
        const replaced = this.#entries.get(entry.key);
        if (replaced !== undefined) {
            entry.isUsed = replaced.isUsed;
            this.#remove(replaced);
        }
        if (entry.size > MAX_ENTRY_SIZE) {
            return;
        }
        while (this.#entries.size >= this.#maxDocuments || this.#totalSize + entry.size > MAX_TOTAL_SIZE) {
            this.#evict();
        }
        this.#entries.set(entry.key, entry);
        this.#insert(entry);
        this.#totalSize += entry.size;
    }

    delete(key) {
        const entry = this.#entries.get(key);
        if (entry !== undefined) {
            this.#remove(entry);
        }
    }

    clear() {
        this.#entries.clear();
        this.#ring.older = this.#ring;
        this.#ring.newer = this.#ring;
        this.#hand = this.#ring;
        this.#totalSize = 0;
    }

    /** There must be an entry. */
    #evict() {
        let entry = this.#hand;
        while (entry === this.#ring || entry.isUsed) {
            entry.isUsed = false;
            entry = entry.newer;
        }
        this.#hand = entry;
        this.#remove(entry);
    }

    #remove(entry) {
        if (this.#hand === entry) {
            this.#hand = entry.newer;
        }
        entry.older.newer = entry.newer;
        entry.newer.older = entry.older;
        this.#entries.delete(entry.key);
        this.#totalSize -= entry.size;
    }

    #insert(entry) {
        const ring = this.#ring;
        entry.older = ring.older;
        entry.newer = ring;
        ring.older.newer = entry;
        ring.older = entry;
    }
}

module.exports = { DocumentCache, DEFAULT_MAX_DOCUMENTS };
