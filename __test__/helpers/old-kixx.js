'use strict';

// The file-based JavaScript Kixx Datastore, as its documentation and its recorded answers tell it: plain
// files that are overwritten in place, order by locale, indexes that are built anew for every query, null
// for a missing document, no `total`. `shadow.test.js` replays the recorded answers against it.

const fs = require('node:fs');
const path = require('node:path');
const { LockingQueue } = require('../../index.cjs');

class WrappedError extends Error {
    name = 'WrappedError';
    code = 'ASSERTION';
}

class ConflictError extends Error {
    name = 'ConflictError';
    code = 'CONFLICT';
}

class OldEngine {
    #directory;
    #documents = new Map();
    #views = new Map();

    constructor(directory) {
        this.#directory = directory;
    }

    async loadDocuments() {
        await fs.promises.mkdir(this.#directory, { recursive: true });
        const names = await fs.promises.readdir(this.#directory);
        await Promise.all(names.filter((name) => name.endsWith('.json')).map(async (name) => {
            const text = await fs.promises.readFile(path.join(this.#directory, name), 'utf8');
            this.#documents.set(decodeURIComponent(path.basename(name, '.json')), JSON.parse(text));
        }));
    }

    hasView(id) {
        return this.#views.has(id);
    }

    setView(id, view) {
        this.#views.set(id, view);
    }

    getItem(key) {
        return { key, document: structuredClone(this.#documents.get(key) ?? null) };
    }

    async setItem(key, document) {
        await fs.promises.writeFile(this.#file(key), JSON.stringify(document, null, 2));
        this.#documents.set(key, document);
        return { key, document };
    }

    async deleteItem(key) {
        await fs.promises.rm(this.#file(key), { force: true });
        this.#documents.delete(key);
        return { key };
    }

    queryKeys(options) {
        return this.#page([...this.#documents.keys()].map((key) => ({ key, documentKey: key })), options);
    }

    queryView(id, options) {
        const view = this.#views.get(id);
        if (view === undefined) {
            throw new WrappedError(`The view "${ id }" is not registered`);
        }
        const rows = [];
        for (const [documentKey, document] of this.#documents) {
            view.map(document, (key, value) => rows.push({ key, value, documentKey }));
        }
        return this.#page(rows, options);
    }

    #file(key) {
        return path.join(this.#directory, `${ encodeURIComponent(key) }.json`);
    }

    #page(rows, { inclusiveStartIndex: start, limit, descending, includeDocuments, key, ...bounds }) {
        const direction = descending ? -1 : 1;
        const [first, last] = key ? [key, key] : [bounds.startKey, bounds.endKey];
        const isInside = (row) => (first === undefined || direction * compare(row.key, first) >= 0)
            && (last === undefined || direction * compare(row.key, last) <= 0);
        const order = (a, b) => direction * (compare(a.key, b.key) || compare(a.documentKey, b.documentKey));
        const range = rows.sort(order).filter(isInside);
        const items = range.slice(start, start + limit).map((row) => (includeDocuments
            ? { ...row, document: structuredClone(this.#documents.get(row.documentKey)) } : row));
        return { exclusiveEndIndex: start + limit < range.length ? start + limit : null, items };
    }
}

/** Only what the old class had. */
class OldDatastore {
    #engine;
    #locks = new LockingQueue();

    constructor({ directory }) {
        this.#engine = new OldEngine(directory);
    }

    get _db() {
        return this.#engine;
    }

    async load() {
        await this.#engine.loadDocuments();
        return this;
    }

    async getItem(key) {
        return this.#engine.getItem(nonEmpty(key)).document;
    }

    async setItem(key, document, options) {
        return this.#write(nonEmpty(key), () => document, options);
    }

    async updateItem(key, update, options) {
        return this.#write(nonEmpty(key), update, options);
    }

    async deleteItem(key) {
        await this.#locks.getLock(nonEmpty(key));
        try {
            await this.#engine.deleteItem(key);
            return key;
        } finally {
            this.#locks.releaseLock(key);
        }
    }

    async queryKeys(options) {
        return this.#engine.queryKeys(paging(options));
    }

    async queryView(id, options) {
        return this.#engine.queryView(id, paging(options));
    }

    async #write(key, update, { checkConsistency = true } = {}) {
        await this.#locks.getLock(key);
        try {
            const { document: current } = this.#engine.getItem(key);
            const document = structuredClone(await update(structuredClone(current)));
            const isStale = document._rev !== undefined && document._rev !== current?._rev;
            if (checkConsistency && current !== null && isStale) {
                throw new ConflictError(`The document with key "${ key }" has been modified`);
            }
            document._rev = current === null ? 0 : current._rev + 1;
            await this.#engine.setItem(key, document);
            return structuredClone(document);
        } finally {
            this.#locks.releaseLock(key);
        }
    }
}

function paging({ inclusiveStartIndex = 0, limit = 10, ...options } = {}) {
    return { ...options, inclusiveStartIndex, limit };
}

function nonEmpty(key) {
    if (typeof key !== 'string' || key === '') {
        throw new WrappedError('The key must be a non-empty string');
    }
    return key;
}

function compare(a, b) {
    return typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
}

module.exports = { OldDatastore };
