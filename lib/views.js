'use strict';

const { createHash, randomUUID } = require('node:crypto');
const { setImmediate } = require('node:timers');
const native = require('./native.cjs');
const { AssertionError, errorFromThrown } = require('./errors.js');
const { describe, quote } = require('./describe.js');
const { isObject } = require('./options.js');
const { NO_NUMBERS, PageReader, pageNumbers } = require('./page-reader.js');
const { openPort } = require('./port.js');
const { batchMapper } = require('./view-map.js');

const NATIVE_CODE = /\{\s*\[native code\]\s*\}\s*$/;

/** How often the thread catches up before it answers itself. */
const MAX_ATTEMPTS = 3;

/** The smallest question to a thread. */
const NEARLY_NOTHING = {
    start: null, end: null, descending: 0, offset: 0, limit: 1, includeDocuments: false,
};

/**
 * The views of one handle. They may be registered before the store is loaded.
 */
class Views {
    #handle;
    #observer;
    // Whether rows are written to a disk, which no event loop should wait for.
    #isWritten;
    #reader;
    // By id: the wrapped map function, and how many queries wait for a thread to catch up.
    #views = new Map();

    constructor(handle, observer, { storage }) {
        this.#handle = handle;
        this.#observer = observer;
        this.#isWritten = storage === 'disk';
    }

    /** The store is loaded: native code may have the views. */
    attach(reader) {
        this.#reader = reader;
        for (const [id, view] of this.#views) {
            this.#register(id, view);
        }
    }

    set(id, view) {
        if (!isObject(view) || typeof view.map !== 'function') {
            const came = isObject(view) ? `{ map: ${ describe(view.map) } }` : describe(view);
            throw new AssertionError(`A view must be an object with a map function, got ${ came }`);
        }
        const registered = { signature: signatureOf(view), waiting: 0, names: undefined };
        registered.mapBatch = batchMapper(viewId(id), view, (structure) => registered.names(structure));
        if (this.#reader !== undefined) {
            this.#register(id, registered);
        }
        this.#views.set(id, registered);
    }

    #register(id, view) {
        view.names = call(native.setView, this.#handle, id, view.signature, inTurns(view.mapBatch));
    }

    has(id) {
        return this.#views.has(viewId(id));
    }

    delete(id) {
        if (this.#reader !== undefined) {
            call(native.deleteView, this.#handle, viewId(id));
        }
        return this.#views.delete(viewId(id));
    }

    /**
     * A page of rows. A few changed documents are mapped here and now; for more, or where their rows are
     * written to a disk, it is the promise of an answer from a thread, which calls the map function batch by
     * batch.
     */
    query(id, query) {
        const view = this.#view(id);
        return this.#page(id, query)
            ?? this.#catchUpAndPage(id, view, query)
            ?? this.#waitForPage(id, view, query);
    }

    async #waitForPage(id, view, query) {
        view.waiting += 1;
        try {
            return await this.#observer.call('buildView', () => this.#catchUpOnThread(id, query), id);
        } finally {
            view.waiting -= 1;
        }
    }

    /** The thread catches up and the page is read here, unless others keep writing in between. */
    async #catchUpOnThread(id, query) {
        for (let i = 0; i < MAX_ATTEMPTS; i += 1) {
            await this.#ask(id, NEARLY_NOTHING);
            const page = this.#page(id, query);
            if (page !== undefined) {
                return page;
            }
        }
        const text = await this.#ask(id, query);
        if (text === null) {
            throw new AssertionError(`The view ${ quote(id) } was replaced again and again meanwhile`);
        }
        const page = new PageReader(text, NO_NUMBERS);
        const documentKeys = page.column();
        page.values();
        const documents = query.includeDocuments ? page.column() : undefined;
        const { total, next } = page;
        return { items: items(page, documentKeys, documents), exclusiveEndIndex: next, total };
    }

    #ask(id, { start, end, descending, offset, limit, includeDocuments }) {
        const documents = includeDocuments ? 1 : 0;
        return openPort().submit((promise) => {
            native.queryView(this.#handle, promise, id, start, end, descending, offset, limit, documents);
        });
    }

    /** A page of rows, with the map function called from here as often as it takes. */
    queryNow(id, query) {
        this.#view(id);
        let page = this.#page(id, query);
        while (page === undefined) {
            while (this.#mapBatch(id)) {
                // Until there is nothing to map.
            }
            page = this.#page(id, query);
        }
        return page;
    }

    /** One batch is all that may keep the event loop, and none when a thread is at it already. */
    #catchUpAndPage(id, view, query) {
        if (view.waiting > 0 || this.#isWritten) {
            return undefined;
        }
        this.#mapBatch(id);
        return this.#page(id, query);
    }

    /** Whether there was something to map. The view is looked up each time: a map function may replace it. */
    #mapBatch(id) {
        const { mapBatch } = this.#view(id);
        const batch = call(native.viewNext, this.#handle, id);
        if (batch === null) {
            return false;
        }
        call(native.viewApply, this.#handle, id, mapBatch(batch));
        return true;
    }

    #view(id) {
        const view = this.#views.get(viewId(id));
        if (view === undefined) {
            throw new AssertionError(`There is no view ${ quote(id) }: register it with setView() first`);
        }
        return view;
    }

    /** undefined when the view has to catch up first. */
    #page(id, { start, end, descending, offset, limit, includeDocuments }) {
        const text = call(
            native.viewPage, this.#handle, pageNumbers, id, start, end, descending, offset, limit,
        );
        if (text === null) {
            return undefined;
        }
        const page = new PageReader(text);
        const { total, next } = page;
        const documentKeys = page.column();
        const sequences = page.values();
        if (!includeDocuments) {
            return { items: items(page, documentKeys), exclusiveEndIndex: next, total };
        }
        const documents = this.#reader.pageDocuments(documentKeys, sequences);
        return documents && { items: items(page, documentKeys, documents), exclusiveEndIndex: next, total };
    }
}

/**
 * The function that native code calls: it maps one batch in each turn of the event loop, so that whatever
 * else waits has its turn in between.
 *
 * Native code never lets a function go while its handle lives, and a map function may know the datastore
 * whose handle that is: then neither would ever be collected. So this one is weak; a query has the view.
 */
function inTurns(mapBatch) {
    const reference = new WeakRef(mapBatch);
    const waiting = [];
    function next() {
        const { batch, reply } = waiting.shift();
        reply(reference.deref()?.(batch) ?? JSON.stringify('the view was dropped'));
        if (waiting.length > 0) {
            setImmediate(next);
        }
    }
    return (batch, reply) => {
        waiting.push({ batch, reply });
        if (waiting.length === 1) {
            setImmediate(next);
        }
    };
}

/**
 * What tells a map function from others, for rows that are kept: its version, or else its source. That of a
 * function that is not JavaScript tells nothing, so its rows are not kept.
 */
function signatureOf({ map, version }) {
    if (version !== undefined) {
        if (!(typeof version === 'string' && version !== '') && !Number.isFinite(version)) {
            const came = describe(version);
            throw new AssertionError(`The version of a view must be a string or a number, got ${ came }`);
        }
        return `version ${ version }`;
    }
    const source = Function.prototype.toString.call(map);
    if (NATIVE_CODE.test(source)) {
        return `unknown ${ randomUUID() }`;
    }
    return `source ${ createHash('sha256').update(source).digest('hex') }`;
}

function viewId(id) {
    if (typeof id !== 'string' || id === '') {
        throw new AssertionError(`The id of a view must be a non-empty string, got ${ describe(id) }`);
    }
    return id;
}

function items(page, documentKeys, documents) {
    if (documents === undefined) {
        return documentKeys.map((documentKey) => ({ key: page.value(), value: page.value(), documentKey }));
    }
    return documentKeys.map((documentKey, i) => (
        { key: page.value(), value: page.value(), documentKey, document: documents[i] }
    ));
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
