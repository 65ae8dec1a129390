'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Random, chooseSeed } = require('./helpers/random.js');
const { STORAGE, openStore } = require('./helpers/store.js');
const { newRoomyDirectory } = require('./helpers/temp.js');

/** A hang is a failure. */
const LIMIT = { timeout: 180000 };

const COUNT = 200000;
const CHUNK = 10000;
const KEYS = ['big:', 'big:\uffff'];

const keyOf = (i) => `big:${ String(i).padStart(6, '0') }`;

/** Writes the documents in random order, with others around them. */
async function fill(store, random) {
    const numbers = random.shuffle(Array.from({ length: COUNT }, (_, i) => i));
    for (let start = 0; start < COUNT; start += CHUNK) {
        await store.batch(numbers.slice(start, start + CHUNK)
            .map((i) => ({ type: 'set', key: keyOf(i), document: { i } })));
    }
    await store.setItem('a', {});
    await store.setItem('z', {});
}

test('200,000 documents: a page at any offset, in both directions, and its total', LIMIT, async (t) => {
    const random = new Random(chooseSeed(t));
    const directory = newRoomyDirectory(t, 2 ** 31);
    const store = await openStore(t, { directory, durability: 'os' });
    await fill(store, random);
    const edges = [0, 1, 19, 20, COUNT / 2, COUNT - 21, COUNT - 20, COUNT - 19, COUNT - 1, COUNT, COUNT + 5];
    const offsets = [...edges, ...Array.from({ length: 500 }, () => random.int(COUNT))];
    let nanoseconds = 0n;
    for (const [round, offset] of offsets.entries()) {
        const descending = round % 2 === 1;
        const [startKey, endKey] = KEYS;
        const options = { startKey, endKey, descending, offset, limit: 20, includeDocuments: true };
        const start = process.hrtime.bigint();
        const page = await store.queryKeys(options);
        nanoseconds += process.hrtime.bigint() - start;
        assert.equal(page.total, COUNT);
        assert.equal(page.exclusiveEndIndex, offset + 20 < COUNT ? offset + 20 : null);
        assert.equal(page.items.length, Math.max(0, Math.min(20, COUNT - offset)));
        for (const [position, { key, document }] of page.items.entries()) {
            const i = descending ? COUNT - 1 - offset - position : offset + position;
            assert.deepEqual([key, document.i, document._rev], [keyOf(i), i, 0]);
        }
    }
    t.diagnostic(`${ Number(nanoseconds) / offsets.length / 1000 } us for a page of 20`);
    await viewPages(t, store);
    await scanAll(store);
    const start = process.hrtime.bigint();
    await store.close();
    t.diagnostic(`${ Number(process.hrtime.bigint() - start) / 1e6 } ms to close`);
    if (STORAGE !== 'memory') {
        await opensAgain(t, directory);
    }
});

/** A view of all of them, before and after some change. */
async function viewPages(t, store) {
    store.setView('byRest', { map(document, emit) {
        if (document.i !== undefined) {
            emit([document.i % 10, document.i], document.i);
        }
    } });
    const start = process.hrtime.bigint();
    const range = { startKey: [3], endKey: [3, {}] };
    const first = await store.queryView('byRest', { ...range, offset: 12345, limit: 3 });
    t.diagnostic(`${ Number(process.hrtime.bigint() - start) / 1e6 } ms to build a view`);
    assert.deepEqual(first.items.map((item) => item.value), [123453, 123463, 123473]);
    assert.equal(first.total, COUNT / 10);
    await store.deleteItem(keyOf(3));
    await store.setItem(keyOf(13), { i: 20 });
    const second = await store.queryView('byRest', { ...range, limit: 1 });
    assert.deepEqual([second.items[0].value, second.total], [23, COUNT / 10 - 2]);
    await store.setItem(keyOf(3), { i: 3 });
    await store.setItem(keyOf(13), { i: 13 });
}

async function scanAll(store) {
    let i = 0;
    for await (const { key } of store.scan({ startKey: KEYS[0], endKey: KEYS[1] })) {
        assert.ok(key === keyOf(i), key);
        i += 1;
    }
    assert.equal(i, COUNT);
}

async function opensAgain(t, directory) {
    const start = process.hrtime.bigint();
    const store = await openStore(t, { directory });
    t.diagnostic(`${ Number(process.hrtime.bigint() - start) / 1e6 } ms to load`);
    const page = await store.queryKeys({ offset: 100001, limit: 2, includeDocuments: true });
    assert.equal(page.total, COUNT + 2);
    const documents = [{ i: 100000, _rev: 0 }, { i: 100001, _rev: 0 }];
    assert.deepEqual(page.items.map((item) => item.document), documents);
}
