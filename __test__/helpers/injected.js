'use strict';

// An engine, a file system and a locking queue that an application might bring along.

const path = require('node:path');
const { LockingQueue } = require('kixx-datastore');

/** An engine as the JavaScript Kixx has it: it checks nothing, and knows neither `total` nor `close`. */
class MapEngine {
    documents = new Map();
    views = new Map();
    log = [];
    failing = undefined;

    async loadDocuments() {
        this.log.push('load');
    }

    getItem(key) {
        return { key, document: this.documents.get(key) ?? null };
    }

    async setItem(key, document) {
        await null;
        if (this.failing?.includes(key)) {
            throw new Error(`${ key } is out of order`);
        }
        this.log.push(`set ${ key } ${ document._rev }`);
        this.documents.set(key, document);
        return { key, document };
    }

    async deleteItem(key) {
        this.log.push(`delete ${ key }`);
        this.documents.delete(key);
        return { key };
    }

    queryKeys(options) {
        this.asked = options;
        const { startKey, endKey, key, descending, inclusiveStartIndex, limit, includeDocuments } = options;
        const above = (candidate) => startKey === undefined || candidate >= startKey;
        const below = (candidate) => endKey === undefined || candidate <= endKey;
        const inside = (candidate) => (
            key === undefined ? above(candidate) && below(candidate) : candidate === key
        );
        const keys = [...this.documents.keys()].filter(inside).sort();
        return this.page(descending ? keys.reverse() : keys, inclusiveStartIndex, limit, (documentKey) => {
            const item = { key: documentKey, documentKey };
            return includeDocuments ? { ...item, document: this.documents.get(documentKey) } : item;
        });
    }

    queryView(id, options) {
        this.asked = options;
        const rows = [];
        for (const [documentKey, document] of this.documents) {
            this.views.get(id).map(document, (key, value) => rows.push({ key, value, documentKey }));
        }
        return this.page(rows, options.inclusiveStartIndex, options.limit, (row) => row);
    }

    page(all, start, limit, item) {
        const end = start + limit;
        return { exclusiveEndIndex: end < all.length ? end : null, items: all.slice(start, end).map(item) };
    }

    setView(id, view) {
        this.views.set(id, view);
    }

    hasView(id) {
        return this.views.has(id);
    }
}

/** A file system in memory whose calls fail on demand. */
class MapFileSystem {
    files = new Map();
    log = [];
    failing = new Set();

    async #run(name, file, work) {
        this.log.push(`${ name } ${ path.basename(file) }`);
        await null;
        if (this.failing.has(name)) {
            throw Object.assign(new Error(`no ${ name } today`), { code: 'EIO' });
        }
        return work();
    }

    readDocumentDirectory(directory) {
        return this.#run('list', directory, () => (
            [...this.files.keys(), path.join(directory, 'notes.txt'), path.join(directory, 'sub')]
        ));
    }

    readDocumentFile(file) {
        return this.#run('read', file, () => {
            const content = this.files.get(file);
            return typeof content === 'string' ? JSON.parse(content) : content ?? null;
        });
    }

    writeDocumentFile(file, document) {
        return this.#run('write', file, () => this.files.set(file, document));
    }

    removeDocumentFile(file) {
        return this.#run('remove', file, () => this.files.delete(file));
    }
}

class LoggingQueue extends LockingQueue {
    log = [];

    async getLock(key) {
        await super.getLock(key);
        this.log.push(`get ${ key }`);
    }

    releaseLock(key) {
        this.log.push(`release ${ key }`);
        super.releaseLock(key);
    }
}

module.exports = { LoggingQueue, MapEngine, MapFileSystem };
