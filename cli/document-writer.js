'use strict';

const { ConflictError } = require('../lib/errors.js');
const { absent, anything } = require('../lib/checks.js');
const { revision } = require('../lib/options.js');
const { documentKey } = require('../lib/query-options.js');
const { strictDocument } = require('../lib/strict-json.js');

/** Documents that are committed at once, and characters of them. */
const BATCH_DOCUMENTS = 1_000;
const BATCH_LENGTH = 4_000_000;

/**
 * Stores many documents, a batch at a time. New ones keep the revision that they bring.
 *
 * `conflict` says what happens where there is a document already: `error` ends it with a ConflictError, and
 * the batch is not stored; `skip` leaves it; `overwrite` replaces it, at its next revision.
 */
class DocumentWriter {
    #store;
    #conflict;
    #batch = new Map();
    #length = 0;
    /** How many documents were stored, of these how many in place of others, and how many were left out. */
    counts = { imported: 0, overwritten: 0, skipped: 0 };

    /**
     * @param {import('../lib/store.js').Store} store
     * @param {'error' | 'skip' | 'overwrite'} conflict
     */
    constructor(store, conflict) {
        this.#store = store;
        this.#conflict = conflict;
    }

    async add(key, document) {
        const name = documentKey(key);
        const prepared = strictDocument(document);
        const rev = revision(prepared.rev, 'document._rev');
        if (this.#batch.has(name)) {
            await this.flush();
        }
        this.#batch.set(name, { key: name, prepared, check: absent, exact: rev ?? 0 });
        this.#length += prepared.text.length;
        if (this.#batch.size >= BATCH_DOCUMENTS || this.#length >= BATCH_LENGTH) {
            await this.flush();
        }
    }

    async flush() {
        const batch = [...this.#batch.values()];
        this.#batch.clear();
        this.#length = 0;
        let done = batch.length === 0;
        while (!done) {
            done = await this.#commit(batch);
        }
    }

    /** False if somebody stored one of the documents just now: then what is there counts anew. */
    async #commit(batch) {
        const existing = this.#conflict === 'error' ? [] : batch.filter(({ key }) => this.#store.has(key));
        const known = new Set(existing);
        const added = batch.filter((operation) => !known.has(operation));
        const replaced = this.#conflict === 'overwrite' ? existing : [];
        const replacing = replaced.map(({ key, prepared }) => ({ key, prepared, check: anything }));
        try {
            if (added.length + replacing.length > 0) {
                await this.#store.commitMany([...added, ...replacing]);
            }
        } catch (error) {
            if (error instanceof ConflictError && this.#conflict !== 'error') {
                return false;
            }
            throw error;
        }
        this.counts.imported += added.length + replacing.length;
        this.counts.overwritten += replacing.length;
        this.counts.skipped += existing.length - replaced.length;
        return true;
    }
}

module.exports = { DocumentWriter };
