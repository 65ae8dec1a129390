'use strict';

const { anything } = require('./checks.js');
const { FileSystemStore } = require('./injected-file-system.js');
const { engineOptions, loadOptions, revision } = require('./options.js');
const { documentKey, keyQuery, viewQuery } = require('./query-options.js');
const { Store } = require('./store.js');
const { strictDocument } = require('./strict-json.js');
const { withCallerStack } = require('./errors.js');

const asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose');

/** The store of an engine whose methods nobody replaced; otherwise undefined. */
let storeOf;

/**
 * The engine under a Datastore. Its reads answer at once, and it checks no revisions: a document is
 * stored with the `_rev` that it brings.
 */
class DatastoreEngine {
    #store;

    /**
     * Touches no disk.
     *
     * @param {import('../index.d.ts').EngineOptions} options
     */
    constructor(options) {
        this.#store = options instanceof Store ? options : openStore(engineOptions(options));
    }

    static {
        storeOf = (engine) => {
            const untouched = #store in engine
                && Object.getPrototypeOf(engine) === DatastoreEngine.prototype
                && Object.getOwnPropertyNames(engine).length === 0;
            return untouched ? engine.#store : undefined;
        };
    }

    /** Reads all documents. Resolves with the engine. */
    async loadDocuments(options) {
        await this.#store.load(loadOptions(options));
        return this;
    }

    /** `{ key, document }`, with a fresh copy of the document, or null. */
    getItem(key) {
        const name = documentKey(key);
        this.#store.assertReady('getItem()');
        return { key: name, document: this.#store.read(name) };
    }

    /** Whether there is a document. */
    hasItem(key) {
        const name = documentKey(key);
        this.#store.assertReady('hasItem()');
        return this.#store.has(name);
    }

    /**
     * Stores a document at the revision that it brings, whatever was there; at the next one if it brings
     * none. Resolves with `{ key, document }`.
     */
    async setItem(key, document) {
        const name = documentKey(key);
        const prepared = strictDocument(document);
        const exact = revision(prepared.rev, 'document._rev');
        if (!this.#store.ready) {
            await this.#store.load();
        }
        try {
            const operation = { key: name, prepared, check: anything, exact };
            const [committed] = await this.#store.observer.write('setItem', [name], () => (
                this.#store.commitMany([operation])
            ));
            return { key: name, document: this.#store.stored(name, prepared, committed) };
        } catch (error) {
            throw withCallerStack(error);
        }
    }

    /** Resolves with `{ key }`, also when there was no document. */
    async deleteItem(key) {
        const name = documentKey(key);
        if (!this.#store.ready) {
            await this.#store.load();
        }
        try {
            const work = () => this.#store.delete(name, anything);
            return { key: await this.#store.observer.write('deleteItem', [name], work) };
        } catch (error) {
            throw withCallerStack(error);
        }
    }

    /** A page of keys: `{ items: [{ key, documentKey, document? }], exclusiveEndIndex, total }`. */
    queryKeys(options) {
        const query = keyQuery(options);
        this.#store.assertReady('queryKeys()');
        return this.#store.page(query);
    }

    /**
     * A page of the rows of a view, which is brought up to date first:
     * `{ items: [{ key, value, documentKey, document? }], exclusiveEndIndex, total }`.
     */
    queryView(id, options) {
        const query = viewQuery(options);
        this.#store.assertReady('queryView()');
        return this.#store.queryViewNow(id, query);
    }

    /** Registers a view, or replaces the one with the same id. Also before the documents are loaded. */
    setView(id, view) {
        this.#store.setView(id, view);
    }

    /** Whether a view is registered. */
    hasView(id) {
        return this.#store.hasView(id);
    }

    /** Removes a view; answers whether there was one. */
    deleteView(id) {
        return this.#store.deleteView(id);
    }

    /** Resolves once everything acknowledged would survive a power cut. */
    flush() {
        return this.#store.flush();
    }

    /** Waits for pending writes and lets the directory go. May be called again. */
    close() {
        return this.#store.close();
    }

    [asyncDispose]() {
        return this.close();
    }
}

function openStore(options) {
    return options.fileSystem === undefined ? new Store(options) : new FileSystemStore(options);
}

module.exports = { DatastoreEngine, asyncDispose, openStore, storeOf };
