'use strict';

const native = require('./native.cjs');
const { AssertionError, errorFromThrown } = require('./errors.js');
const { describe, quote } = require('./describe.js');
const { isObject } = require('./options.js');
const { openPort } = require('./port.js');
const { batchMapper } = require('./view-map.js');

/**
 * The views of one handle. They may be registered before the store is loaded.
 */
class Views {
    #handle;
    #reader;
    #mappers = new Map();

    constructor(handle) {
        this.#handle = handle;
    }

    /** The store is loaded: native code may have the views. */
    attach(reader) {
        this.#reader = reader;
        for (const [id, mapBatch] of this.#mappers) {
            native.setView(this.#handle, id, mapBatch);
        }
    }

    set(id, view) {
        if (!isObject(view) || typeof view.map !== 'function') {
            const came = isObject(view) ? `{ map: ${ describe(view.map) } }` : describe(view);
            throw new AssertionError(`A view must be an object with a map function, got ${ came }`);
        }
        const mapBatch = batchMapper(viewId(id), view);
        if (this.#reader !== undefined) {
            call(native.setView, this.#handle, id, mapBatch);
        }
        this.#mappers.set(id, mapBatch);
    }

    has(id) {
        return this.#mappers.has(viewId(id));
    }

    delete(id) {
        if (this.#reader !== undefined) {
            call(native.deleteView, this.#handle, viewId(id));
        }
        return this.#mappers.delete(viewId(id));
    }

    /** A page of rows. Waits for a thread only when documents changed since the last query. */
    async query(id, query) {
        this.#mapper(id);
        const page = this.#page(id, query);
        if (page !== undefined) {
            return page;
        }
        const { start, end, descending, offset, limit, includeDocuments } = query;
        const text = await openPort().submit((promise) => {
            const documents = includeDocuments ? 1 : 0;
            native.queryView(this.#handle, promise, id, start, end, descending, offset, limit, documents);
        });
        const { total, next, rows, documents } = JSON.parse(text);
        return { items: items(rows, documents), exclusiveEndIndex: next, total };
    }

    /** A page of rows, with the map function called from here as often as it takes. */
    queryNow(id, query) {
        const mapBatch = this.#mapper(id);
        for (;;) {
            const page = this.#page(id, query);
            if (page !== undefined) {
                return page;
            }
            let batch = call(native.viewNext, this.#handle, id);
            while (batch !== null) {
                call(native.viewApply, this.#handle, id, mapBatch(batch));
                batch = call(native.viewNext, this.#handle, id);
            }
        }
    }

    #mapper(id) {
        const mapBatch = this.#mappers.get(viewId(id));
        if (mapBatch === undefined) {
            throw new AssertionError(`There is no view ${ quote(id) }: register it with setView() first`);
        }
        return mapBatch;
    }

    /** undefined when the view has to catch up first. */
    #page(id, { start, end, descending, offset, limit, includeDocuments }) {
        const moment = this.#reader.moment();
        const text = call(native.viewPage, this.#handle, id, start, end, descending, offset, limit);
        if (text === null) {
            return undefined;
        }
        const { total, next, rows, sequences } = JSON.parse(text);
        const keys = includeDocuments ? rows.map((row) => row[1]) : undefined;
        const documents = includeDocuments ? this.#reader.pageDocuments(keys, sequences, moment) : undefined;
        return { items: items(rows, documents), exclusiveEndIndex: next, total };
    }
}

function viewId(id) {
    if (typeof id !== 'string' || id === '') {
        throw new AssertionError(`The id of a view must be a non-empty string, got ${ describe(id) }`);
    }
    return id;
}

function items(rows, documents) {
    if (documents === undefined) {
        return rows.map(([key, documentKey, value]) => ({ key, value, documentKey }));
    }
    return rows.map(([key, documentKey, value], i) => ({ key, value, documentKey, document: documents[i] }));
}

/** A native call whose errors become ours. */
function call(callee, ...args) {
    try {
        return callee(...args);
    } catch (error) {
        throw errorFromThrown(error);
    }
}

module.exports = { Views, call };
