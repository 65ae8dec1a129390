'use strict';

const assert = require('node:assert/strict');
const kixx = require('../../index.cjs');
const { cleanup, newDirectory } = require('./temp.js');

/** A loaded Datastore, in a new directory unless one is given; closed when the test is over. */
async function openStore(t, options = {}, loadOptions = undefined) {
    const store = makeStore(t, options);
    await store.load(loadOptions);
    return store;
}

/** The same, not loaded yet. `store.directory` may not exist on the class, so use `directoryOf`. */
function makeStore(t, options = {}) {
    const given = { ...storage(options), ...options };
    const directory = given.storage === 'memory' ? undefined : options.directory ?? newDirectory(t);
    const store = new kixx.Datastore({ ...given, directory });
    directories.set(store, directory);
    cleanup(t, () => store.close());
    return store;
}

/** Where the documents are, unless a test says so: suites are run for each storage. */
function storage(options) {
    const name = process.env.KIXX_TEST_STORAGE;
    return name === undefined || options.fileSystem !== undefined ? {} : { storage: name };
}

const directories = new WeakMap();

/** The directory of a store that came from here. */
function directoryOf(store) {
    return directories.get(store);
}

/** Closes `store` and opens its directory again. */
async function reopen(t, store, options = {}) {
    await store.close();
    return openStore(t, { ...options, directory: directoryOf(store) });
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
    kixx, CODES, openStore, makeStore, directoryOf, reopen, errorOf, allItems, allDocuments,
};
