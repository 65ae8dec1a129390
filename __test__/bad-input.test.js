'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { kixx, openStore, makeStore, directoryOf, reopen, errorOf } = require('./helpers/store.js');
const { cleanup, isCaseInsensitive, newDirectory } = require('./helpers/temp.js');

const cyclic = { n: 1 };
cyclic.self = { back: [cyclic] };

/** What a document cannot hold, with the path that the message names. */
const BAD_VALUES = {
    'a BigInt': [{ n: 1n }, 'document.n'],
    'a function': [{ f() {} }, 'document.f'],
    'a symbol': [{ s: Symbol('s') }, 'document.s'],
    'a Map': [{ a: { m: new Map([['x', 1]]) } }, 'document.a.m'],
    'a Set': [{ tags: ['a', 'b', new Set(['x'])] }, 'document.tags[2]'],
    'a typed array': [{ bytes: new Uint8Array(4) }, 'document.bytes'],
    'a Float64Array': [{ list: [[new Float64Array(1)]] }, 'document.list[0][0]'],
    'a DataView': [{ v: new DataView(new ArrayBuffer(1)) }, 'document.v'],
    'an ArrayBuffer': [{ b: new ArrayBuffer(8) }, 'document.b'],
    'NaN': [{ n: NaN }, 'document.n'],
    'Infinity': [{ list: [1, Infinity] }, 'document.list[1]'],
    '-Infinity': [{ a: [{ b: -Infinity }] }, 'document.a[0].b'],
    'a cycle': [cyclic, 'document.self.back[0]'],
    'a BigInt from toJSON': [{ a: { toJSON: () => 5n } }, 'document.a'],
};

class User {
    name = 'Jane';
}

/** What is no document at all. */
const NO_DOCUMENTS = {
    'undefined': undefined, 'null': null, 'a string': 'text', 'a number': 5, 'true': true, 'a BigInt': 1n,
    'an array': [{ n: 1 }], 'a function': () => ({}), 'a symbol': Symbol('s'), 'a Date': new Date(),
    'a Map': new Map(), 'a class instance': new User(), 'an Error': new Error('x'),
    'a promise': Promise.resolve({}), 'a typed array': new Uint8Array(3),
};

const BAD_KEYS = {
    'undefined': undefined, 'null': null, 'empty': '', 'NaN': NaN, 'Infinity': Infinity,
    '-Infinity': -Infinity, 'true': true, 'an object': {}, 'an array': ['a'],
    'a BigInt': 5n, 'a symbol': Symbol('s'), 'a function': () => 'a', 'a String object': Object('a'),
};

const UNSTORABLE_KEYS = {
    'too long': 'a'.repeat(251),
    'much too long': 'a'.repeat(100000),
    'too long once encoded': ':'.repeat(84),
    '300 characters of Japanese': '日本語'.repeat(100),
    'a lone high surrogate': 'a\ud800',
    'a lone low surrogate': '\udc00a',
    'surrogates in the wrong order': '\udc00\ud800',
};

/** Runs the subtests on one store, and checks after each that nothing at all was stored. */
async function eachOnEmptyStore(t, cases, run) {
    const store = await openStore(t);
    for (const [name, value] of Object.entries(cases)) {
        await t.test(name, async () => {
            await run(store, value);
            assert.equal((await store.queryKeys()).total, 0);
        });
    }
    await store.close();
    assert.deepEqual(fs.readdirSync(directoryOf(store)), []);
}

test('values that JSON cannot hold are refused, with their path', async (t) => {
    await eachOnEmptyStore(t, BAD_VALUES, async (store, [document, message]) => {
        const refused = errorOf('AssertionError', { message });
        await assert.rejects(store.setItem('a', document), refused);
        await assert.rejects(store.insertItem('a', document), refused);
        await assert.rejects(store.updateItem('a', () => document), errorOf('AssertionError'));
        const batch = [{ type: 'set', key: 'b', document: {} }, { type: 'set', key: 'a', document }];
        await assert.rejects(store.batch(batch), errorOf('AssertionError'));
    });
});

test('what is not a plain object is no document', async (t) => {
    await eachOnEmptyStore(t, NO_DOCUMENTS, async (store, document) => {
        const refused = errorOf('AssertionError', { message: 'document' });
        await assert.rejects(store.setItem('a', document), refused);
        await assert.rejects(store.insertItem('a', document), refused);
        if (!(document instanceof Promise)) {
            await assert.rejects(store.updateItem('a', () => document), errorOf('AssertionError'));
        }
        await assert.rejects(store.batch([{ type: 'set', key: 'a', document }]), errorOf('AssertionError'));
    });
});

test('a _rev that is no revision is refused', async (t) => {
    const revisions = { text: '1', fraction: 1.5, 'NaN': NaN, object: {}, 'true': true };
    await eachOnEmptyStore(t, revisions, async (store, _rev) => {
        const refused = errorOf('AssertionError', { message: '_rev' });
        await assert.rejects(store.setItem('a', { _rev }), refused);
        await assert.rejects(store.updateItem('a', () => ({ _rev })), refused);
    });
});

test('what is no key is refused by every call', async (t) => {
    await eachOnEmptyStore(t, BAD_KEYS, async (store, key) => {
        const refused = errorOf('AssertionError', { message: 'key' });
        const calls = [
            () => store.getItem(key), () => store.setItem(key, {}), () => store.insertItem(key, {}),
            () => store.updateItem(key, () => assert.fail('never called')), () => store.deleteItem(key),
            () => store.hasItem(key), () => store.getItems(['a', key]),
            () => store.batch([{ type: 'set', key: 'a', document: {} }, { type: 'delete', key }]),
            () => store.batch([{ type: 'set', key: 'a', document: {} }, { type: 'set', key, document: {} }]),
        ];
        for (const call of calls) {
            await assert.rejects(async () => call(), refused);
        }
    });
});

test('a key that cannot be a file name is refused', async (t) => {
    await eachOnEmptyStore(t, UNSTORABLE_KEYS, async (store, key) => {
        const refused = errorOf('AssertionError');
        await assert.rejects(store.setItem(key, {}), refused);
        await assert.rejects(store.insertItem(key, {}), refused);
        await assert.rejects(store.updateItem(key, () => ({})), refused);
        const batch = [{ type: 'set', key: 'a', document: {} }, { type: 'set', key, document: {} }];
        await assert.rejects(store.batch(batch), refused);
    });
});

const ODD_KEYS = [
    '.', '..', '...', '/', '//', '../../outside', 'a/b', 'a\\b', '%', '%2F', '%zz', '%00', '\u0000',
    'a\u0000b', ' ', 'a ', ' a', '\n', '\t', '-', '~', '*', '?', '<>|"', '\'', '(!)', '.datastore', '.hidden',
    'a.json', '.json', 'con', 'nul', 'a:b', '日本', '😀', 'e\u0301',
    '\ufeff', '\uffff', 'journal', '.tmp', 'a'.repeat(250),
    ':'.repeat(83), '0', '__proto__', 'constructor', 'toString',
];

test('odd keys are stored under their encoded names, and nowhere else', async (t) => {
    const parent = path.dirname(newDirectory(t));
    const store = await openStore(t, { directory: path.join(parent, 'data') });
    await Promise.all(ODD_KEYS.map((key) => store.setItem(key, { key })));
    for (const key of ODD_KEYS) {
        assert.deepEqual(await store.getItem(key), { key, _rev: 0 });
    }
    const again = await reopen(t, store);
    for (const key of ODD_KEYS) {
        assert.deepEqual(await again.getItem(key), { key, _rev: 0 }, `after opening again: ${ key }`);
    }
    await again.close();
    const names = fs.readdirSync(path.join(parent, 'data'));
    assert.deepEqual(names.sort(), ODD_KEYS.map((key) => `${ encodeURIComponent(key) }.json`).sort());
    assert.deepEqual(fs.readdirSync(parent), ['data']);
    const third = await reopen(t, again);
    for (const key of ODD_KEYS) {
        await third.deleteItem(key);
    }
    await third.close();
    assert.deepEqual(fs.readdirSync(path.join(parent, 'data')), []);
});

test('keys that differ only in case: two documents, or refused where that is one file', async (t) => {
    const store = await openStore(t);
    const oneFile = isCaseInsensitive(newDirectory(t));
    await store.setItem('Item:5', { n: 1 });
    if (oneFile) {
        await assert.rejects(store.setItem('item:5', { n: 2 }), errorOf('AssertionError', { key: 'item:5' }));
        return;
    }
    await store.setItem('item:5', { n: 2 });
    const again = await reopen(t, store);
    assert.deepEqual(await again.getItems(['Item:5', 'item:5']), [{ n: 1, _rev: 0 }, { n: 2, _rev: 0 }]);
});

test('numbers of a page: whole, not negative, numbers', async (t) => {
    const store = await openStore(t);
    await store.setItem('a', {});
    store.setView('v', { map: (document, emit) => emit(1) });
    const pages = [
        ...[0, -1, NaN, 1.5, '10', -Infinity, {}, 1n].map((limit) => ({ limit })),
        ...[-1, NaN, 1.5, '0', Infinity, {}].map((inclusiveStartIndex) => ({ inclusiveStartIndex })),
        ...[-1, NaN, 1.5, '0'].map((offset) => ({ offset })),
    ];
    for (const page of pages) {
        const [name] = Object.keys(page);
        await assert.rejects(store.queryKeys(page), errorOf('AssertionError', { message: name }));
        await assert.rejects(store.queryView('v', page), errorOf('AssertionError', { message: name }));
    }
    assert.equal((await store.queryKeys()).total, 1, 'and the next call works');
});

test('bounds of the wrong type', async (t) => {
    const store = await openStore(t);
    for (const name of ['startKey', 'endKey', 'key']) {
        for (const value of [{}, ['a'], true, Symbol('s'), () => 'a', 1n, NaN]) {
            const refused = errorOf('AssertionError', { message: name });
            await assert.rejects(store.queryKeys({ [name]: value }), refused);
            await assert.rejects(async () => store.scan({ [name]: value }).next(), refused);
        }
        store.setView('v', { map: () => {} });
        for (const value of [Symbol('s'), () => 'a', 1n, NaN, [1n], new Map()]) {
            const refused = errorOf('AssertionError', { message: name });
            await assert.rejects(store.queryView('v', { [name]: value }), refused);
        }
    }
});

test('arguments of the wrong type', async (t) => {
    const store = await openStore(t);
    const calls = [
        () => store.queryKeys('x'), () => store.queryKeys(5), () => store.queryView(5),
        () => store.updateItem('a'), () => store.updateItem('a', {}), () => store.updateItem('a', 'x'),
        () => store.setItem('a', {}, 'x'), () => store.setItem('a', {}, 5),
        () => store.updateItem('a', () => ({}), 5),
        () => store.deleteItem('a', 'x'), () => store.deleteItem('a', { rev: 'x' }),
        () => store.deleteItem('a', { rev: 1.5 }), () => store.deleteItem('a', { rev: -1 }),
        () => store.getItems('a'), () => store.getItems(), () => store.getItems({}),
        () => store.batch(), () => store.batch('x'), () => store.batch({}), () => store.batch([null]),
        () => store.batch([[]]), () => store.batch([{ key: 'a' }]),
        () => store.batch([{ type: 'put', key: 'a' }]), () => store.batch([{ type: 'set', key: 'a' }]),
        () => store.batch([{ type: 'delete', key: 'a', rev: 'x' }]),
        () => store.setView(), () => store.setView('v'), () => store.setView('v', {}),
        () => store.setView('v', { map: 'x' }), () => store.setView('', { map() {} }),
        () => store.setView(5, { map() {} }), () => store.setView(null, { map() {} }),
        () => store.load('x'), () => store.load({ quarantine: 'x' }),
    ];
    for (const call of calls) {
        await assert.rejects(async () => call(), errorOf('AssertionError'), String(call));
    }
    assert.equal((await store.queryKeys()).total, 0);
});

test('options of the wrong type', (t) => {
    const directory = newDirectory(t);
    const bad = [
        undefined, null, 'x', 5, [], {}, { directory: '' }, { directory: 5 }, { directory: null },
        { directory: new URL('file:///x') }, { directory: 'a\u0000b' },
        ...['fast', '', null, 5, true].map((durability) => ({ directory, durability })),
        ...['5', -1, NaN, 1.5, null, {}].map((flushInterval) => ({ directory, flushInterval })),
        ...['undefined', null, 5, true].map((missing) => ({ directory, missing })),
        ...['x', 5, null].map((cache) => ({ directory, cache })),
        ...[-1, '5', NaN, 1.5].map((maxDocuments) => ({ directory, cache: { maxDocuments } })),
        ...['x', 5, {}, { getItem() {} }].map((db) => ({ db })),
        ...['x', 5, {}, { getLock() {} }, { getLock: 1, releaseLock: 2 }]
            .map((lockingQueue) => ({ directory, lockingQueue })),
        ...['x', 5, {}, { readDocumentFile() {} }].map((fileSystem) => ({ directory, fileSystem })),
    ];
    for (const options of bad) {
        assert.throws(() => new kixx.Datastore(options), errorOf('AssertionError'), JSON.stringify(options));
    }
    assert.throws(() => kixx.Datastore({ directory }), TypeError, 'it is a class');
    assert.deepEqual(fs.readdirSync(directory), []);
});

test('a getter or toJSON that throws passes its own error on, and stores nothing', async (t) => {
    const store = await openStore(t);
    const documents = [
        { get bad() {
            throw new RangeError('from the getter');
        } },
        { value: { toJSON() {
            throw new RangeError('from toJSON');
        } } },
    ];
    for (const document of documents) {
        await assert.rejects(store.setItem('a', document), /from (the getter|toJSON)/);
    }
    let deep = {};
    for (let i = 0; i < 100000; i += 1) {
        deep = { deep };
    }
    await assert.rejects(store.setItem('a', deep), errorOf('AssertionError'));
    assert.equal((await store.queryKeys()).total, 0);
    assert.deepEqual(await store.setItem('a', {}), { _rev: 0 });
});

test('nesting that is accepted can be read again', async (t) => {
    for (const depth of [100, 1000, 5000]) {
        let document = { end: true };
        for (let i = 0; i < depth; i += 1) {
            document = i % 2 === 0 ? { document } : { list: [document] };
        }
        const store = makeStore(t);
        cleanup(t, () => store.close());
        let isStored = true;
        try {
            await store.setItem('deep', document);
        } catch (error) {
            errorOf('AssertionError')(error);
            isStored = false;
        }
        const again = await reopen(t, store);
        assert.equal(await again.hasItem('deep'), isStored);
        if (isStored) {
            const stored = await again.getItem('deep');
            delete stored._rev;
            assert.ok(JSON.stringify(stored) === JSON.stringify(document));
        }
    }
});
