'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const kixx = require('kixx-datastore');
const { STORAGE, namesLeft, storageOptions } = require('./storage.js');
const { cleanup, newDirectory } = require('./temp.js');

const notRegistered = () => {};

/** A test of the JSON files themselves: registered where they are under test. */
const testFiles = STORAGE === 'files' ? test : notRegistered;

/** A test of what lies in a directory and outlives `close()`: not registered for the memory storage. */
const testKept = STORAGE === 'memory' ? notRegistered : test;

/** A loaded Datastore, in a new directory unless one is given; closed when the test is over. */
async function openStore(t, options = {}, loadOptions = undefined) {
    const store = makeStore(t, options);
    await store.load(loadOptions);
    return store;
}

/** The same, not loaded yet. `store.directory` may not exist on the class, so use `directoryOf`. */
function makeStore(t, options = {}) {
    const given = options.fileSystem === undefined ? { ...storageOptions, ...options } : options;
    const directory = given.storage === 'memory' ? undefined : options.directory ?? newDirectory(t);
    const store = new kixx.Datastore({ ...given, directory });
    directories.set(store, directory);
    cleanup(t, () => store.close());
    return store;
}

const directories = new WeakMap();

/** The directory of a store that came from here. */
function directoryOf(store) {
    return directories.get(store);
}

/**
 * Closes `store` and opens its directory again. In memory nothing outlives `close()`, so there the store goes
 * on as it is: what only reopening can show is a `testKept`.
 */
async function reopen(t, store, options = {}) {
    if (STORAGE === 'memory') {
        return store;
    }
    await store.close();
    return openStore(t, { ...options, directory: directoryOf(store) });
}

/** Another handle on the documents of `store`; in memory, which nobody can open again, over its engine. */
async function otherHandle(t, store, options = {}) {
    if (STORAGE !== 'memory') {
        return openStore(t, { ...options, directory: directoryOf(store) });
    }
    return new kixx.Datastore({ ...options, db: store._db });
}

/** Puts documents into a directory that nobody has open, with the revisions that they bring. */
async function putDocuments(directory, documents) {
    const store = new kixx.Datastore({ ...storageOptions, directory, durability: 'os' });
    await Promise.all(Object.entries(documents).map(([key, document]) => store._db.setItem(key, document)));
    await store.close();
}

const CODES = {
    NotFoundError: 'NOT_FOUND',
    ConflictError: 'CONFLICT',
    AssertionError: 'ASSERTION',
    ClosedError: 'CLOSED',
    LockedError: 'LOCKED',
    CorruptError: 'CORRUPT',
    StorageError: 'STORAGE',
    TooOldError: 'TOO_OLD',
};

/** A check for `assert.rejects` and `assert.throws`: class, name, code, and the details given. */
function errorOf(name, details = {}) {
    return (error) => {
        const shown = `expected ${ name }, got ${ error?.stack ?? error }`;
        assert.ok(error instanceof Error, shown);
        assert.ok(error instanceof kixx[name], shown);
        assert.equal(error.name, name, shown);
        assert.equal(error.code, CODES[name], shown);
        if ('key' in details) {
            assert.equal(error.key, details.key, shown);
        }
        for (const text of [].concat(details.message ?? [])) {
            assert.ok(error.message.includes(text), `"${ text }" is not in the message: ${ error.message }`);
        }
        return true;
    };
}

/** All items of a range, as `queryKeys` or `queryView` give them. */
async function allItems(store, view, options = {}) {
    const page = { limit: Infinity, ...options };
    const result = view === undefined ? await store.queryKeys(page) : await store.queryView(view, page);
    return result.items;
}

/** Every document of the store by key. */
async function allDocuments(store) {
    const items = await allItems(store, undefined, { includeDocuments: true });
    return new Map(items.map((item) => [item.documentKey, item.document]));
}

module.exports = {
    kixx, CODES, STORAGE, testFiles, testKept, namesLeft, openStore, makeStore, directoryOf, reopen,
    otherHandle, putDocuments, errorOf, allItems, allDocuments,
};
