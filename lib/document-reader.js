'use strict';

const native = require('./native.cjs');
const { errorFromThrown } = require('./errors.js');
const { CachedDocument, NOT_VALIDATED } = require('./cached-document.js');
const { DocumentCache } = require('./document-cache.js');
const { FlatDocuments } = require('./flat-documents.js');
const { TEXT } = require('./flat-kinds.js');

/** Pages with more documents than this that the cache does not know leave the cache alone. */
const MAX_CACHED_PAGE = 1_000;

/** How many documents cross the border in one text at most. */
const MAX_FETCH = 4_096;

/** How often several documents are read one by one before they are read in one call. */
const MAX_ATTEMPTS = 3;

const UNKNOWN_SEQUENCE = -1;

/** Where src/node/reader.rs leaves the numbers of an answer. */
const SEQUENCE_AT = 0;
const VALUES_AT = 1;

/** With more commits to catch up on than this, every entry is looked at again instead. */
const MAX_CATCH_UP = 4_096;

const TWO_TO_32 = 2 ** 32;

/** Equal to nothing. */
const NO_HEAD = [NaN, NaN];

/**
 * Reads documents of a loaded store, through the document cache. Every answer is a fresh copy.
 *
 * The store shows its newest sequence number, the head, in memory that all threads share. While it is the
 * one that the cache has caught up with, nothing changed. Otherwise native code is asked whether the
 * entry's document still is the one that the entry's sequence number names. After as many questions as
 * there were commits, the cache catches up: it asks which keys changed, and all other entries are good again.
 */
class DocumentReader {
    #handle;
    #head;
    #cache;
    #get;
    // Where the reader leaves the sequence number and the values of the document that it answers.
    #numbers;
    #kinds;
    #flat;
    #sequence = UNKNOWN_SEQUENCE;
    // The head that the cache has caught up with: entries of this generation were true there.
    #low;
    #high;
    #generation = 0;
    // How often native code was asked for a document since then, while it was behind.
    #asked = 0;
    /** How many documents the cache did not have. To count those that it had would slow them down. */
    misses = 0;

    constructor(handle, maxDocuments) {
        this.#handle = handle;
        // Where the runtime forbids arrays on foreign memory there is no head: native code is always asked.
        this.#head = native.head(handle) ?? NO_HEAD;
        [this.#low, this.#high] = this.#head;
        const reader = native.openReader(handle);
        this.#get = reader.get;
        this.#numbers = new Float64Array(reader.numbers);
        this.#kinds = new Uint8Array(reader.kinds);
        this.#flat = new FlatDocuments(reader.names, this.#kinds, this.#numbers.subarray(VALUES_AT));
        this.#cache = maxDocuments > 0 ? new DocumentCache(maxDocuments) : undefined;
    }

    /** About how much memory the cache takes, in bytes. */
    get cachedBytes() {
        return this.#cache?.bytes ?? 0;
    }

    get cachedDocuments() {
        return this.#cache?.documents ?? 0;
    }

    /** The commit that wrote the document which `read` answered last, in the same synchronous step. */
    get sequence() {
        return this.#sequence;
    }

    /** The document, or null. */
    read(key) {
        const entry = this.#cache?.get(key);
        if (entry !== undefined && entry.generation === this.#generation && this.#isCaughtUp()) {
            this.#sequence = entry.sequence;
            return entry.answer();
        }
        return this.#readThrough(key, entry);
    }

    #isCaughtUp() {
        return this.#head[0] === this.#low && this.#head[1] === this.#high;
    }

    #readThrough(key, entry) {
        const low = this.#head[0];
        const high = this.#head[1];
        const answer = this.#ask(key, entry === undefined ? UNKNOWN_SEQUENCE : entry.sequence);
        if (this.#cache !== undefined) {
            // First, since the answer is as new as the head that was read.
            this.#catchUp(low, high);
        }
        if (answer === undefined) {
            entry.generation = this.#generation;
            this.#sequence = entry.sequence;
            return entry.answer();
        }
        this.misses += 1;
        if (answer === null) {
            this.#cache?.delete(key);
            return null;
        }
        return this.#take(key, answer);
    }

    /** A document was asked for. To ask for the keys that changed pays once that happened often enough. */
    #catchUp(low, high) {
        const known = this.#high * TWO_TO_32 + this.#low;
        const commits = high * TWO_TO_32 + low - known;
        if (commits === 0) {
            return;
        }
        this.#asked += 1;
        const areFew = commits > 0 && commits <= MAX_CATCH_UP;
        if (areFew && this.#asked < commits) {
            return;
        }
        const changed = areFew ? this.#keysChangedSince(known) : null;
        if (changed === null) {
            this.#generation += 1;
        } else {
            changed.forEach((key) => this.#cache.invalidate(key));
        }
        this.#low = low;
        this.#high = high;
        this.#asked = 0;
    }

    /** Null when that is not known any more. */
    #keysChangedSince(sequence) {
        try {
            return JSON.parse(native.keysChangedSince(this.#handle, sequence));
        } catch (error) {
            throw errorFromThrown(error);
        }
    }

    /** The document that native code answered just now, as text or in flat form. */
    #take(key, answer) {
        const sequence = this.#numbers[SEQUENCE_AT];
        this.#sequence = sequence;
        if (this.#kinds[0] === TEXT) {
            if (this.#cache !== undefined) {
                this.#keep(CachedDocument.fromText(key, sequence, answer), this.#generation);
            }
            return JSON.parse(answer);
        }
        const document = this.#flat.build(answer);
        return this.#cache === undefined
            ? document
            : this.#keepDocument(key, sequence, document, this.#flat.size);
    }

    #ask(key, sequence) {
        try {
            return this.#get(key, sequence);
        } catch (error) {
            throw errorFromThrown(error);
        }
    }

    #keep(entry, generation) {
        entry.generation = generation;
        this.#cache.put(entry);
    }

    /** The documents of several keys at one moment, null where there is none. */
    readMany(keys) {
        for (let i = 0; i < MAX_ATTEMPTS; i += 1) {
            const low = this.#head[0];
            const high = this.#head[1];
            const documents = keys.map((key) => this.read(key));
            if (this.#head[0] === low && this.#head[1] === high) {
                return documents;
            }
            // Another thread wrote in between, and two moments must not mix.
        }
        try {
            return JSON.parse(native.getMany(this.#handle, keys));
        } catch (error) {
            throw errorFromThrown(error);
        }
    }

    /**
     * The documents of the page that native code answered last, in the same synchronous step; undefined
     * when another thread wrote one of them meanwhile.
     */
    pageDocuments(keys, sequences) {
        const documents = new Array(keys.length);
        const missing = [];
        for (let i = 0; i < keys.length; i += 1) {
            const entry = this.#cache?.get(keys[i]);
            if (entry !== undefined && entry.sequence === sequences[i]) {
                entry.generation = this.#generation;
                documents[i] = entry.answer();
            } else {
                missing.push(i);
            }
        }
        this.misses += missing.length;
        const keep = this.#cache !== undefined && missing.length <= MAX_CACHED_PAGE;
        let complete = true;
        for (let i = 0; i < missing.length && complete; i += MAX_FETCH) {
            complete = this.#fetch(missing.slice(i, i + MAX_FETCH), (index, document, size) => {
                documents[index] = keep
                    ? this.#keepDocument(keys[index], sequences[index], document, size)
                    : document;
            });
        }
        if (keys.length > MAX_CACHED_PAGE) {
            native.forgetPage(this.#handle);
        }
        return complete ? documents : undefined;
    }

    /** Whether all are there. Large documents may not fit into one string, so a failed fetch is split. */
    #fetch(indices, take) {
        let text;
        try {
            text = native.pageDocuments(this.#handle, Uint32Array.from(indices));
        } catch (error) {
            if (indices.length === 1) {
                throw errorFromThrown(error);
            }
            const middle = indices.length >> 1;
            return this.#fetch(indices.slice(0, middle), take) && this.#fetch(indices.slice(middle), take);
        }
        if (text === null) {
            return false;
        }
        const documents = JSON.parse(text);
        for (let i = 0; i < indices.length; i += 1) {
            take(indices[i], documents[i], text.length / indices.length);
        }
        return true;
    }

    /** Keeps a copy of a document that is as new as the head that was read. */
    #keepDocument(key, sequence, document, size) {
        try {
            this.#keep(CachedDocument.fromDocument(key, sequence, document, size), this.#generation);
        } catch {
            // Nested too deeply to be copied.
        }
        return document;
    }

    /** After an own write: keeps a document hot that was hot before. */
    refresh(key, document, sequence, size) {
        const entry = this.#cache?.get(key);
        // Equal: a batch may put a key twice, and the later document is the one that stays.
        if (entry === undefined || entry.sequence > sequence) {
            return;
        }
        try {
            // Others may have written since, and the cache may have caught up with that already.
            this.#keep(CachedDocument.fromDocument(key, sequence, document, size), NOT_VALIDATED);
        } catch {
            // Nested too deeply to be copied.
        }
    }

    /** After an own deletion. */
    forget(key) {
        this.#cache?.delete(key);
    }

    /** The store is about to be closed. */
    clear() {
        this.#cache?.clear();
        if (this.#head instanceof Uint32Array) {
            native.forgetHead(this.#head);
            this.#head = NO_HEAD;
        }
    }
}

module.exports = { DocumentReader };
