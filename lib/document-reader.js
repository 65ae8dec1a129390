'use strict';

const native = require('./native.cjs');
const { errorFromThrown } = require('./errors.js');
const { CachedDocument } = require('./cached-document.js');
const { copy } = require('./copy.js');
const { DocumentCache } = require('./document-cache.js');
const { FlatDocuments } = require('./flat-documents.js');

/** Pages with more documents than this that the cache does not know leave the cache alone. */
const MAX_CACHED_PAGE = 1_000;

/** How many documents cross the border in one text at most. */
const MAX_FETCH = 4_096;

/** How often several documents are read one by one before they are read in one call. */
const MAX_ATTEMPTS = 3;

const UNKNOWN_SEQUENCE = -1;

/** Equal to nothing. */
const NO_HEAD = [NaN, NaN];
const NO_MOMENT = { low: NaN, high: NaN };

/**
 * Reads documents of a loaded store, through the document cache. Every answer is a fresh copy.
 *
 * The store shows its newest sequence number, the head, in memory that all threads share. While it is
 * the one at which an entry was validated, nothing changed at all. Otherwise native code is asked
 * whether the entry's document still is the one that the entry's sequence number names.
 */
class DocumentReader {
    #handle;
    #head;
    #cache;
    #get;
    #flat;
    #sequence = UNKNOWN_SEQUENCE;
    /** How many documents the cache did not have. To count those that it had would slow them down. */
    misses = 0;

    constructor(handle, maxDocuments) {
        this.#handle = handle;
        // Where the runtime forbids arrays on foreign memory there is no head: native code is always asked.
        this.#head = native.head(handle) ?? NO_HEAD;
        const reader = native.openReader(handle);
        this.#get = reader.get;
        this.#flat = new FlatDocuments(reader);
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
        const low = this.#head[0];
        const high = this.#head[1];
        if (entry !== undefined && entry.isValidAt(low, high)) {
            this.#sequence = entry.sequence;
            return entry.answer();
        }
        return this.#readThrough(key, entry, low, high);
    }

    #readThrough(key, entry, low, high) {
        const answer = this.#ask(key, entry === undefined ? UNKNOWN_SEQUENCE : entry.sequence);
        if (answer === undefined) {
            entry.validate(low, high);
            this.#sequence = entry.sequence;
            return entry.answer();
        }
        this.misses += 1;
        if (answer === null) {
            this.#cache?.delete(key);
            return null;
        }
        return this.#take(key, answer, low, high);
    }

    /** The document that native code answered just now, as text or in flat form. */
    #take(key, answer, low, high) {
        const { isText, sequence } = this.#flat;
        this.#sequence = sequence;
        if (isText) {
            if (this.#cache !== undefined) {
                this.#keep(CachedDocument.fromText(key, sequence, answer), low, high);
            }
            return JSON.parse(answer);
        }
        const document = this.#flat.build(answer);
        if (this.#cache !== undefined) {
            this.#keepCopy(key, sequence, document, this.#flat.size, { low, high });
        }
        return document;
    }

    #ask(key, sequence) {
        try {
            return this.#get(key, sequence);
        } catch (error) {
            throw errorFromThrown(error);
        }
    }

    #keep(entry, low, high) {
        entry.validate(low, high);
        this.#cache.put(entry);
    }

    /** The documents of several keys at one moment, null where there is none. */
    readMany(keys) {
        for (let i = 0; i < MAX_ATTEMPTS; i += 1) {
            const { low, high } = this.moment();
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

    /** Take this before a page is read, and give it to `pageDocuments`. */
    moment() {
        return { low: this.#head[0], high: this.#head[1] };
    }

    /**
     * The documents of the page that native code answered last, in the same synchronous step; undefined
     * when another thread wrote one of them meanwhile.
     */
    pageDocuments(keys, sequences, moment) {
        const documents = new Array(keys.length);
        const missing = [];
        for (let i = 0; i < keys.length; i += 1) {
            const entry = this.#cache?.get(keys[i]);
            if (entry !== undefined && entry.sequence === sequences[i]) {
                entry.validate(moment.low, moment.high);
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
                documents[index] = document;
                if (keep) {
                    this.#keepCopy(keys[index], sequences[index], document, size, moment);
                }
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

    #keepCopy(key, sequence, document, size, { low, high }) {
        try {
            this.#keep(CachedDocument.fromDocument(key, sequence, copy(document), size), low, high);
        } catch {
            // Nested too deeply to be copied.
        }
    }

    /** After an own write: keeps a document hot that was hot before. */
    refresh(key, document, sequence, size) {
        const entry = this.#cache?.get(key);
        // Equal: a batch may put a key twice, and the later document is the one that stays.
        if (entry !== undefined && entry.sequence <= sequence) {
            this.#keepCopy(key, sequence, document, size, NO_MOMENT);
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
