'use strict';

const { backupRequest, restoreRequest } = require('./backup/options.js');
const { AssertionError, NotFoundError, withCallerStack } = require('./errors.js');
const { absentCheck, anyCheck, batchOperations, consistentCheck, deletionCheck } = require('./batch.js');
const { anything, conflict } = require('./checks.js');
const { quote } = require('./describe.js');
const { asyncDispose, DatastoreEngine, openStore, storeOf } = require('./engine.js');
const { InjectedDb } = require('./injected-db.js');
const { KeyLocks } = require('./key-locks.js');
const { LockingQueue } = require('./locking-queue.js');
const {
    datastoreOptions,
    deleteOptions,
    fail,
    loadOptions,
    revision,
    writeOptions,
} = require('./options.js');
const { documentKey, keyQuery, viewQuery } = require('./query-options.js');
const { isPlain, strictDocument } = require('./strict-json.js');

/** Not in Bun, where stacks of errors show async functions only. */
const STACKS_SHOW_REACTIONS = process.versions.bun === undefined;

/** What a write does when it has an outcome. The stack of an error shows these names, and then who waited. */
const answered = {
    'Datastore.setItem': (block) => block.takeAnswer(),
    'Datastore.insertItem': (block) => block.takeAnswer(),
};

/**
 * A document datastore: JSON documents by key, each with a revision. Every document that comes out is a
 * fresh copy. Bad arguments reject with an AssertionError, and every call before `load()` loads first.
 */
class Datastore {
    #store;
    #db;
    #locks;
    #missing;

    /**
     * Touches no disk.
     *
     * @param {import('../index.d.ts').DatastoreOptions} options
     */
    constructor(options) {
        const { db, engine, lockingQueue, missing, slowCallThreshold } = datastoreOptions(options);
        if (db === undefined) {
            this.#store = openStore(engine);
            this.#db = new DatastoreEngine(this.#store);
        } else {
            this.#store = storeOf(db) ?? new InjectedDb(db, { slowCallThreshold });
            this.#db = db;
        }
        this.#locks = new KeyLocks(lockingQueue ?? new LockingQueue());
        this.#missing = missing;
    }

    /** The engine underneath: a DatastoreEngine, or the injected `db`. */
    get _db() {
        return this.#db;
    }

    /** Reads all documents. Resolves with the datastore. */
    async load(options) {
        await settled(this.#store.load(loadOptions(options)));
        return this;
    }

    /** The document with its `_rev`. */
    async getItem(key) {
        const name = documentKey(key);
        const store = this.#store;
        if (!store.ready) {
            await settled(store.load());
        }
        const document = store.resident ? store.read(name) : await store.read(name);
        if (document === null && this.#missing === 'throw') {
            throw new NotFoundError(`There is no document ${ quote(name) }`, { key: name });
        }
        return document;
    }

    /** The documents of several keys at one moment: an array, with null where there is none. */
    async getItems(keys) {
        if (!Array.isArray(keys)) {
            fail('keys', 'an array', keys);
        }
        const names = Array.from(keys, (key, i) => documentKey(key, `keys[${ i }]`));
        const store = this.#store;
        if (!store.ready) {
            await settled(store.load());
        }
        return store.readMany(names);
    }

    /** Whether there is a document. */
    async hasItem(key) {
        const name = documentKey(key);
        const store = this.#store;
        if (!store.ready) {
            await settled(store.load());
        }
        return store.has(name);
    }

    /** Stores a document. Resolves with it and its new `_rev`. */
    setItem(key, document, options) {
        // Not async: the garbage collector copies what each write in flight keeps.
        try {
            const name = documentKey(key);
            const checkOf = writeOptions(options) ? consistentCheck : anyCheck;
            return this.#put('setItem', name, document, checkOf, answered['Datastore.setItem']);
        } catch (error) {
            return Promise.reject(withCallerStack(error));
        }
    }

    /** Stores a document where there is none. */
    insertItem(key, document) {
        try {
            const name = documentKey(key);
            return this.#put('insertItem', name, document, absentCheck, answered['Datastore.insertItem']);
        } catch (error) {
            return Promise.reject(withCallerStack(error));
        }
    }

    #put(operation, key, document, checkOf, take) {
        const store = this.#store;
        if (!store.ready || store.locksWrites) {
            return settled(this.#putPrepared(operation, key, document, checkOf));
        }
        const written = store.observer.write(operation, [key], () => store.put(key, document, checkOf, take));
        return STACKS_SHOW_REACTIONS ? written : settled(written);
    }

    async #putPrepared(operation, key, document, checkOf) {
        const store = this.#store;
        const prepared = strictDocument(document);
        const check = checkOf(prepared.rev);
        if (!store.ready) {
            await store.load();
        }
        return await this.#commit(operation, [key], () => store.putPrepared(key, prepared, check));
    }

    /**
     * Stores what `update` makes of the document, or of null. Updates of one key queue up. Inside
     * `update`, do not wait for another update of the same key.
     */
    async updateItem(key, update, options) {
        const name = documentKey(key);
        if (typeof update !== 'function') {
            fail('The second argument of updateItem()', 'a function', update);
        }
        const checkConsistency = writeOptions(options);
        if (this.#locks.isUpdating(name)) {
            const which = `An update of ${ quote(name) } inside an update of the same key`;
            throw new AssertionError(`${ which } would wait for itself`);
        }
        if (!this.#store.ready) {
            await settled(this.#store.load());
        }
        return await settled(this.#store.observer.write('updateItem', [name], () => (
            this.#writing([name], () => this.#update(name, update, checkConsistency))
        )));
    }

    async #update(key, update, checkConsistency) {
        const { document, check } = await this.#store.readForUpdate(key);
        const current = document === null ? null : { version: document._rev };
        const result = await this.#locks.update(key, update, document);
        if (!isPlain(result)) {
            fail(`What the update of ${ quote(key) } returns`, 'a plain object', result);
        }
        const checkOf = (rev) => {
            if (!checkConsistency) {
                return anything;
            }
            const brought = revision(rev, 'document._rev');
            if (current !== null && brought !== undefined && brought !== current.version) {
                this.#store.observer.conflicts += 1;
                throw conflict(key, `revision ${ brought }`, current);
            }
            return check;
        };
        if (this.#store.locksWrites) {
            const prepared = strictDocument(result);
            return await this.#store.putPrepared(key, prepared, checkOf(prepared.rev));
        }
        return await this.#store.put(key, result, checkOf);
    }

    /** Removes a document. Resolves with the key, also when there was none. */
    async deleteItem(key, options) {
        const name = documentKey(key);
        const check = deletionCheck(deleteOptions(options));
        const store = this.#store;
        if (!store.ready) {
            await settled(store.load());
        }
        return await settled(this.#commit('deleteItem', [name], () => store.delete(name, check)));
    }

    /** Several writes, all of them or none. Resolves with one answer per operation. */
    async batch(operations) {
        const checked = batchOperations(operations);
        const store = this.#store;
        if (!store.ready) {
            await settled(store.load());
        }
        if (checked.length === 0) {
            return [];
        }
        const keys = checked.map(({ key }) => key);
        const committed = await settled(this.#commit('batch', keys, () => store.commitMany(checked)));
        return checked.map(({ key, prepared }, i) => (
            prepared === null ? store.removed(key) : store.stored(key, prepared, committed[i])
        ));
    }

    /** A page of keys: `{ items: [{ key, documentKey, document? }], exclusiveEndIndex, total }`. */
    async queryKeys(options) {
        const query = keyQuery(options);
        const store = this.#store;
        if (!store.ready) {
            await settled(store.load());
        }
        return store.observer.call('queryKeys', () => store.page(query));
    }

    /** A page of a view: `{ items: [{ key, value, documentKey, document? }], exclusiveEndIndex, total }`. */
    async queryView(id, options) {
        const query = viewQuery(options);
        const store = this.#store;
        if (!store.ready) {
            await settled(store.load());
        }
        const page = store.observer.call('queryView', () => store.queryView(id, query), id);
        return page instanceof Promise ? await settled(page) : page;
    }

    /** Iterates over a range of keys as it is when the iteration begins, without limit. */
    scan(options) {
        return this.#store.scan(options);
    }

    /** Writes all documents, as they are now, into one file; with `since`, what changed since a backup. */
    async backup(path, options) {
        const request = backupRequest(path, options);
        const store = this.#store;
        if (!store.ready) {
            await settled(store.load());
        }
        return await settled(store.backup(request));
    }

    /** Writes the documents of a backup, or of a full one and its increments: all of them or none. */
    async restore(paths, options) {
        const request = restoreRequest(paths, options);
        const store = this.#store;
        if (!store.ready) {
            await settled(store.load());
        }
        return await settled(store.restore(request));
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
    async flush() {
        await settled(this.#store.flush());
    }

    /** Figures about the store, and the views whose map functions failed. */
    async stats() {
        const store = this.#store;
        if (!store.ready) {
            await settled(store.load());
        }
        return store.stats();
    }

    /** Waits for pending writes and lets the directory go. May be called again. */
    async close() {
        await settled(this.#store.close());
    }

    [asyncDispose]() {
        return this.close();
    }

    /** Commits with the locks of `keys`, if the store wants that. */
    #commit(operation, keys, work) {
        const commit = this.#store.locksWrites ? () => this.#writing(keys, work) : work;
        return this.#store.observer.write(operation, keys, commit);
    }

    /** Runs `work` with the locks of `keys`; `close()` waits for it. */
    #writing(keys, work) {
        return this.#store.writing(() => this.#locks.hold(keys, work));
    }
}

/** Waits, and shows in the stack of an error who waited. */
async function settled(promise) {
    try {
        return await promise;
    } catch (error) {
        throw withCallerStack(error, settled);
    }
}

module.exports = { Datastore };
