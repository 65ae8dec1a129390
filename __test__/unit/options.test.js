'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { test } = require('node:test');
const {
    datastoreOptions,
    deleteOptions,
    engineOptions,
    loadOptions,
    writeOptions,
} = require('../../lib/options.js');
const { documentKey, keyQuery, scanQuery, viewQuery } = require('../../lib/query-options.js');

function refused(work, message) {
    assert.throws(work, { name: 'AssertionError', code: 'ASSERTION', message });
}

const noop = () => undefined;
const fileSystem = {
    readDocumentDirectory: noop, readDocumentFile: noop, writeDocumentFile: noop, removeDocumentFile: noop,
};
const db = { getItem: noop, setItem: noop, deleteItem: noop, queryKeys: noop, queryView: noop };
const notNumbers = ['10', NaN, -1, 1.5, true, {}, [], 2 ** 53, -Infinity];

test('engine options have defaults', () => {
    assert.deepEqual(engineOptions({ directory: 'data' }), {
        directory: path.resolve('data'),
        storage: 'files',
        cacheSize: 64 * 2 ** 20,
        durability: 'sync',
        flushInterval: 2000,
        lockTimeout: 10_000,
        exclusive: false,
        readOnly: false,
        directoryMode: 0o700,
        fileMode: 0o600,
        slowCallThreshold: 100,
        maxDocuments: 10_000,
        fileSystem: undefined,
    });
    const given = {
        directory: 'data', durability: 'batched', flushInterval: 5, lockTimeout: 0, exclusive: true,
        storage: 'files', cacheSize: 2 ** 20, readOnly: true, directoryMode: 0o750, fileMode: 0o640,
        slowCallThreshold: 0, fileSystem,
    };
    assert.deepEqual(engineOptions({ ...given, cache: { maxDocuments: 7 }, nobodyKnows: 1 }), {
        ...given, maxDocuments: 7,
    });
    assert.equal(engineOptions({ directory: 'd', cache: false }).maxDocuments, 0);
    assert.equal(engineOptions({ directory: 'd', cache: true }).maxDocuments, 10_000);
    assert.equal(engineOptions({ directory: 'd', cache: {} }).maxDocuments, 10_000);
    assert.equal(engineOptions({ directory: 'd', cache: { maxDocuments: Infinity } }).maxDocuments, Infinity);
});

test('unusable engine options are named', () => {
    refused(() => engineOptions(), /^directory must be a path, got undefined$/);
    refused(() => engineOptions(null), /^options must be an object, got null$/);
    refused(() => engineOptions('data'), /^options must be an object, got the string "data"$/);
    for (const directory of [undefined, null, '', 5, {}, ['data'], Buffer.from('data')]) {
        refused(() => engineOptions({ directory }), /^directory must be a path, got /);
    }
    refused(() => engineOptions({ directory: 'a\0b' }), /^directory must be a path without NUL/);
    for (const durability of ['SYNC', '', 1, null, true]) {
        refused(
            () => engineOptions({ directory: 'd', durability }),
            /^durability must be one of 'sync', 'os', 'batched', got /
        );
    }
    for (const flushInterval of [0, Infinity, 2 ** 31, null, ...notNumbers]) {
        refused(
            () => engineOptions({ directory: 'd', flushInterval }),
            /^flushInterval must be a whole number of milli/
        );
    }
    for (const lockTimeout of [Infinity, 2 ** 31, null, ...notNumbers]) {
        refused(() => engineOptions({ directory: 'd', lockTimeout }), /^lockTimeout must be a whole number/);
    }
    const badModes = { directoryMode: [0o600, 0o1777, 0o077], fileMode: [0o400, 0o1600, 0o066] };
    for (const [name, bad] of Object.entries(badModes)) {
        for (const value of [...bad, null, ...notNumbers]) {
            refused(() => engineOptions({ directory: 'd', [name]: value }), /must be permissions from 0o/);
        }
    }
    for (const value of [0, 'yes', null, {}]) {
        for (const name of ['exclusive', 'readOnly']) {
            refused(() => engineOptions({ directory: 'd', [name]: value }), /must be true or false, got /);
        }
    }
    for (const cache of [0, 10, 'no', null, []]) {
        refused(
            () => engineOptions({ directory: 'd', cache }),
            /^cache must be false or \{ maxDocuments \}, got /
        );
    }
    for (const maxDocuments of [0, null, ...notNumbers]) {
        refused(
            () => engineOptions({ directory: 'd', cache: { maxDocuments } }), /^cache.maxDocuments must be /
        );
    }
    refused(
        () => engineOptions({ directory: 'd', fileSystem: null }), /^fileSystem must be an object, got null$/
    );
    for (const method of Object.keys(fileSystem)) {
        refused(
            () => engineOptions({ directory: 'd', fileSystem: { ...fileSystem, [method]: 1 } }),
            new RegExp(`^fileSystem.${ method } must be a function, got 1$`)
        );
    }
});

test('datastore options', () => {
    assert.equal(datastoreOptions({ directory: 'd' }).missing, 'throw');
    assert.equal(datastoreOptions({ directory: 'd', missing: 'null' }).missing, 'null');
    assert.equal(datastoreOptions({ db }).engine, undefined);
    assert.equal(datastoreOptions({ db, directory: 'd' }).db, db);
    refused(() => datastoreOptions({}), /^directory /);
    refused(
        () => datastoreOptions({ directory: 'd', missing: null }), /^missing must be one of 'throw', 'null'/
    );
    refused(() => datastoreOptions({ directory: 'd', db: null }), /^db must be an object, got null$/);
    refused(
        () => datastoreOptions({ directory: 'd', db: {} }), /^db.getItem must be a function, got undefined$/
    );
    refused(
        () => datastoreOptions({ directory: 'd', lockingQueue: {} }),
        /^lockingQueue.getLock must be a function/
    );
    refused(
        () => datastoreOptions({ directory: 'd', lockingQueue: { getLock: noop } }),
        /^lockingQueue.releaseLock /
    );
});

test('options of single calls', () => {
    assert.equal(writeOptions(), true);
    assert.equal(writeOptions({}), true);
    assert.equal(writeOptions({ checkConsistency: false }), false);
    assert.equal(deleteOptions(), undefined);
    assert.equal(deleteOptions({ rev: 0 }), 0);
    assert.deepEqual(loadOptions(), { quarantine: false });
    refused(() => writeOptions(null), /^options must be an object/);
    refused(() => writeOptions({ checkConsistency: 0 }), /^checkConsistency must be true or false, got 0$/);
    refused(() => loadOptions({ quarantine: 'yes' }), /^quarantine must be true or false/);
    for (const rev of [null, ...notNumbers]) {
        refused(() => deleteOptions({ rev }), /^rev must be a revision/);
    }
});

test('keys are non-empty strings or finite numbers', () => {
    assert.equal(documentKey('a'), 'a');
    assert.equal(documentKey(12.5), '12.5');
    assert.equal(documentKey(0), '0');
    for (const key of ['', undefined, null, NaN, Infinity, true, {}, [], 1n, Symbol('k'), new String('a')]) {
        refused(() => documentKey(key), /^key must be a non-empty string or a finite number, got /);
    }
});

test('key queries', () => {
    assert.deepEqual(keyQuery(), {
        start: null, end: null, given: { startKey: undefined, endKey: undefined, key: undefined },
        descending: 0, offset: 0, limit: 10, includeDocuments: false,
    });
    const query = keyQuery(
        { startKey: 1, endKey: '', descending: true, inclusiveStartIndex: 3, limit: Infinity }
    );
    assert.deepEqual(
        [query.start, query.end, query.descending, query.offset, query.limit], ['1', '', 1, 3, Infinity]
    );
    for (const key of ['', 0, 'x']) {
        const only = keyQuery({ startKey: 'a', endKey: 'b', key });
        assert.deepEqual([only.start, only.end], [String(key), String(key)]);
    }
    for (const bound of ['startKey', 'endKey', 'key']) {
        for (const value of [null, NaN, {}, [], true, 1n]) {
            refused(
                () => keyQuery({ [bound]: value }),
                new RegExp(`^${ bound } must be a string or a finite number, got `)
            );
        }
    }
});

test('pages', () => {
    assert.equal(keyQuery({ offset: 4 }).offset, 4);
    assert.equal(keyQuery({ offset: 4, inclusiveStartIndex: 4 }).offset, 4);
    assert.equal(keyQuery({ inclusiveStartIndex: null, offset: 4 }).offset, 4);
    assert.equal(keyQuery({ inclusiveStartIndex: null }).offset, 0);
    refused(
        () => keyQuery({ offset: 4, inclusiveStartIndex: 0 }),
        /^offset must be the same as inclusiveStartIndex/
    );
    for (const limit of [0, null, ...notNumbers]) {
        refused(() => keyQuery({ limit }), /^limit must be a positive integer or Infinity, got /);
        refused(() => viewQuery({ limit }), /^limit must be /);
    }
    for (const index of ['inclusiveStartIndex', 'offset']) {
        for (const value of [Infinity, ...notNumbers]) {
            refused(
                () => keyQuery({ [index]: value }),
                new RegExp(`^${ index } must be an integer from 0 up, got `)
            );
        }
    }
    for (const flag of ['descending', 'includeDocuments']) {
        for (const value of [0, 1, null, 'true']) {
            refused(() => viewQuery({ [flag]: value }), new RegExp(`^${ flag } must be true or false`));
        }
    }
    refused(() => keyQuery(null), /^options must be an object/);
    refused(() => keyQuery([]), /^options must be an object/);
});

test('view queries take any JSON value', () => {
    const query = viewQuery({ startKey: null, endKey: ['a', { b: new Date(0) }] });
    assert.deepEqual([query.start, query.end], ['null', '["a",{"b":"1970-01-01T00:00:00.000Z"}]']);
    assert.deepEqual([viewQuery({ key: false }).start, viewQuery({ key: false }).end], ['false', 'false']);
    assert.equal(viewQuery().start, null);
    refused(() => viewQuery({ startKey: NaN }), /^startKey is not JSON data: it is NaN$/);
    refused(() => viewQuery({ key: [() => 1] }), /^key\[0\] is not JSON data: it is a function$/);
});

test('scans have no paging', () => {
    assert.equal(scanQuery({ startKey: 'a' }).start, 'a');
    refused(() => scanQuery({ limit: 5 }), /^scan\(\) has no limit/);
    refused(() => scanQuery({ offset: 5 }), /^scan\(\) has no offset/);
});
