'use strict';

const { AssertionError, ClosedError } = require('./errors.js');
const { Observer } = require('./observer.js');

/**
 * The states of a store: not loaded, loaded, closed. Subclasses say in `_load`, `_flush` and `_close` what
 * that means for them.
 */
class Lifecycle {
    /** Whether calls may go ahead without `load()`. */
    ready = false;
    #loading;
    #closing;
    #writes = 0;
    #onIdle;

    constructor(observed) {
        /** Who is told about calls. */
        this.observer = new Observer(observed);
    }

    /** Loads once; after a failure the next call tries again. Every call before it waits for it. */
    load(options = { quarantine: false }) {
        if (this.#closing !== undefined) {
            return Promise.reject(closed());
        }
        if (this.ready) {
            return Promise.resolve();
        }
        this.#loading ??= this.#load(options);
        return this.#loading;
    }

    async #load(options) {
        try {
            await this.observer.call('load', () => this._load(options));
            this.ready = this.#closing === undefined;
        } finally {
            this.#loading = undefined;
        }
    }

    /** For calls that answer at once and so cannot load first. */
    assertReady(method) {
        this.assertOpen();
        if (!this.ready) {
            const first = 'await load() or loadDocuments() first';
            throw new AssertionError(`${ method } needs the documents: ${ first }`);
        }
    }

    /** For calls that need no documents. */
    assertOpen() {
        if (this.#closing !== undefined) {
            throw closed();
        }
    }

    /** Resolves once everything that was acknowledged would survive a power cut. */
    async flush() {
        if (!this.ready) {
            await this.load();
        }
        await this.observer.call('flush', () => this._flush());
    }

    /** Refuses new calls at once, waits for those that are under way, and lets go. Later calls do nothing. */
    close() {
        this.#closing ??= this.observer.call('close', () => this.#close());
        return this.#closing;
    }

    async #close() {
        const loading = this.#loading;
        this.ready = false;
        if (loading !== undefined) {
            await loading.catch(() => undefined);
            // The calls that waited for it begin now.
            await new Promise(setImmediate);
        }
        if (this.#writes > 0) {
            await new Promise((resolve) => {
                this.#onIdle = resolve;
            });
        }
        await this._close();
    }

    /** Runs a write that has more than one step; `close()` waits for it. */
    async writing(work) {
        this.#writes += 1;
        try {
            return await work();
        } finally {
            this.#writes -= 1;
            if (this.#writes === 0) {
                this.#onIdle?.();
            }
        }
    }
}

function closed() {
    return new ClosedError('The datastore is closed');
}

module.exports = { Lifecycle };
