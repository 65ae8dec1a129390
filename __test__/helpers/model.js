'use strict';

const { collate } = require('./collate.js');

/** An error that a store with the same history would give. */
class ModelError extends Error {
    constructor(name, key) {
        super(name);
        this.name = name;
        this.key = key;
    }
}

const byCodeUnit = (a, b) => (a < b ? -1 : Number(a > b));

/** The contract in the plainest way: a Map of JSON texts, everything computed anew at each call. */
class Model {
    documents = new Map();
    views = new Map();

    getItem(key) {
        return this.documents.has(key) ? JSON.parse(this.documents.get(key)) : null;
    }

    setItem(key, document, { checkConsistency = true } = {}) {
        const current = this.getItem(key);
        const stale = document._rev !== undefined && document._rev !== current?._rev;
        if (checkConsistency && current !== null && stale) {
            throw new ModelError('ConflictError', key);
        }
        const _rev = current === null ? 0 : current._rev + 1;
        this.documents.set(key, JSON.stringify({ ...document, _rev }));
        return this.getItem(key);
    }

    insertItem(key, document) {
        if (this.documents.has(key)) {
            throw new ModelError('ConflictError', key);
        }
        return this.setItem(key, document);
    }

    /** `change` returns the new document; it gets a copy or null. */
    updateItem(key, change, options) {
        return this.setItem(key, change(this.getItem(key)), options);
    }

    deleteItem(key, { rev } = {}) {
        if (rev !== undefined && this.getItem(key)?._rev !== rev) {
            throw new ModelError('ConflictError', key);
        }
        this.documents.delete(key);
        return key;
    }

    /** All or nothing; later operations see earlier ones. */
    batch(operations) {
        const before = new Map(this.documents);
        try {
            return operations.map((operation) => (operation.type === 'set'
                ? this.setItem(operation.key, operation.document, operation)
                : this.deleteItem(operation.key, operation)));
        } catch (error) {
            this.documents = before;
            throw error;
        }
    }

    keys() {
        return [...this.documents.keys()].sort(byCodeUnit);
    }

    queryKeys(options = {}) {
        const rows = this.keys().map((key) => ({ key, documentKey: key }));
        return this.#page(rows, byCodeUnit, options);
    }

    /** The same items as `queryKeys` with no limit. */
    scan(options = {}) {
        return this.queryKeys({ ...options, limit: Infinity, inclusiveStartIndex: 0 }).items;
    }

    queryView(id, options = {}) {
        return this.#page(this.rows(id), collate, options);
    }

    /** All rows of a view, by a full scan. Ties stay in the order of document key, then of emission. */
    rows(id) {
        const rows = [];
        for (const documentKey of this.keys()) {
            rows.push(...this.#map(id, documentKey));
        }
        return rows.sort((a, b) => collate(a.key, b.key));
    }

    #map(id, documentKey) {
        const rows = [];
        try {
            this.views.get(id).map(this.getItem(documentKey), (key, value) => {
                const row = { key: JSON.parse(JSON.stringify(key)), documentKey };
                rows.push(value === undefined ? row : { ...row, value: JSON.parse(JSON.stringify(value)) });
            });
        } catch {
            return [];
        }
        return rows;
    }

    #page(rows, compare, options) {
        const { descending = false, limit = 10, includeDocuments = false } = options;
        const start = options.inclusiveStartIndex ?? options.offset ?? 0;
        let bounds = [options.startKey, options.endKey];
        if (options.key !== undefined) {
            bounds = [options.key, options.key];
        } else if (descending) {
            bounds = inOrder(bounds, compare);
        }
        const [low, high] = bounds;
        const range = rows.filter((row) => (low === undefined || compare(row.key, low) >= 0)
            && (high === undefined || compare(row.key, high) <= 0));
        if (descending) {
            range.reverse();
        }
        const page = range.slice(start, start + limit);
        const items = includeDocuments
            ? page.map((row) => ({ ...row, document: this.getItem(row.documentKey) })) : page;
        const end = start + limit;
        return { items, exclusiveEndIndex: end < range.length ? end : null, total: range.length };
    }
}

/**
 * Bounds of a descending query as [low, high]. Two bounds may come in either order; one alone is where the
 * query starts or ends, and it starts at the high end.
 */
function inOrder([start, end], compare) {
    if (start !== undefined && end !== undefined) {
        return compare(start, end) <= 0 ? [start, end] : [end, start];
    }
    return [end, start];
}

module.exports = { Model, ModelError };
