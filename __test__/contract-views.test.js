'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { collate } = require('./helpers/collate.js');
const { Random, chooseSeed } = require('./helpers/random.js');
const { testKept, openStore, makeStore, directoryOf, errorOf, allItems } = require('./helpers/store.js');
const { newRoomyDirectory } = require('./helpers/temp.js');

const rowsOf = (result) => result.items.map((item) => [item.key, item.documentKey]);
/** So many documents are mapped together at most, and so many batches are on their way. */
const BATCH = 128;
const BATCHES_AHEAD = 8;

const emitKeys = { map: (document, emit) => document.keys.forEach((key) => emit(key)) };

/** A store with one document, whose view `v` emits these keys. */
async function storeOfKeys(t, keys) {
    const store = await openStore(t);
    store.setView('v', emitKeys);
    await store.setItem('doc', { keys });
    return store;
}

test('queryView: the shape of an answer', async (t) => {
    const store = await openStore(t);
    store.setView('byName', { map: (document, emit) => emit(document.name, { age: document.age }) });
    await store.setItem('user:1', { name: 'Zoe', age: 3 });
    await store.setItem('user:2', { name: 'Al', age: 5 });
    assert.deepEqual(await store.queryView('byName', { limit: 1 }), {
        items: [{ key: 'Al', value: { age: 5 }, documentKey: 'user:2' }],
        exclusiveEndIndex: 1,
        total: 2,
    });
    const page = await store.queryView('byName', { inclusiveStartIndex: 1, includeDocuments: true });
    const document = { name: 'Zoe', age: 3, _rev: 0 };
    assert.deepEqual(page.items, [{ key: 'Zoe', value: { age: 3 }, documentKey: 'user:1', document }]);
    assert.equal(page.exclusiveEndIndex, null);
});

test('queryView: an unknown view is an AssertionError', async (t) => {
    const store = await openStore(t);
    await assert.rejects(store.queryView('nope'), errorOf('AssertionError', { message: 'nope' }));
    assert.throws(() => store._db.queryView('nope', { limit: 1, inclusiveStartIndex: 0 }),
        errorOf('AssertionError', { message: 'nope' }));
});

test('a map function that replaces its own view gives the new one no rows', async (t) => {
    const store = await openStore(t, { durability: 'os' });
    await store.batch(Array.from({ length: 600 }, (_, i) => ({ type: 'set', key: `${ i }`, document: {} })));
    const page = { inclusiveStartIndex: 0, limit: 1_000 };
    for (const query of [() => store._db.queryView('v', page), () => store.queryView('v', page)]) {
        store.setView('v', {
            map: (document, emit) => {
                store.setView('v', { map: (_, emitNew) => emitNew('new') });
                emit('old');
            },
        });
        const { items, total } = await query();
        assert.deepEqual([total, items.filter(({ key }) => key !== 'new')], [600, []]);
    }
});

test('setView, hasView, deleteView', async (t) => {
    const store = await openStore(t);
    await store.setItem('a', { n: 1 });
    assert.equal(store.hasView('v'), false);
    store.setView('v', { map: (document, emit) => emit('first', document.n) });
    assert.equal(store.hasView('v'), true);
    assert.equal(store._db.hasView('v'), true);
    assert.equal((await store.queryView('v')).items[0].key, 'first');
    store.setView('v', { map: (document, emit) => emit('second', document.n) });
    assert.deepEqual((await store.queryView('v')).items.map((item) => item.key), ['second'], 'replaced');
    await store.deleteView('v');
    assert.equal(store.hasView('v'), false);
    await assert.rejects(store.queryView('v'), errorOf('AssertionError'));
    store._db.setView('v', { map: (document, emit) => emit('third') });
    assert.equal((await store.queryView('v')).items[0].key, 'third');
});

testKept('a view may be registered before load()', async (t) => {
    const first = await openStore(t);
    await first.setItem('a', { n: 1 });
    const store = makeStore(t, { directory: directoryOf(first) });
    store._db.setView('v', { map: (document, emit) => emit(document.n) });
    assert.equal(store._db.hasView('v'), true);
    await store.load();
    assert.equal((await store.queryView('v')).items[0].key, 1);
});

const COLLATED = [
    null, false, true, -1e300, -5, -0.1, 0, 5e-324, 0.1, 1, 1.5, 2, 10, 2 ** 53, 1e300,
    '', '\u0000', '\u0000\u0000', '\u0001', ' ', 'A', 'B', 'a', 'aa', 'b', 'é', '日本', '😀', '\ue000', '\uffff',
    [], [null], [false], [0], [0, 0], [1], ['\u0000'], ['a'], ['a', 1], ['a', 'b'], ['aa'], ['b'], [[]],
    [[1]], [{}], {}, { '': 0 }, { a: 1 }, { a: 2 }, { b: 1 }, { b: 2 }, { b: 2, a: 1 }, { b: 2, c: 2 },
];

test('view keys of every type sort as CouchDB sorts them', async (t) => {
    for (let i = 1; i < COLLATED.length; i += 1) {
        assert.ok(collate(COLLATED[i - 1], COLLATED[i]) < 0, 'the reference agrees with the list');
    }
    const store = await storeOfKeys(t, [...COLLATED].reverse());
    assert.deepEqual((await allItems(store, 'v')).map((row) => row.key), COLLATED);
    assert.deepEqual((await allItems(store, 'v', { descending: true })).map((row) => row.key),
        [...COLLATED].reverse());
    for (const [index, key] of COLLATED.entries()) {
        const only = await store.queryView('v', { key });
        assert.deepEqual(only.items.map((row) => row.key), [key], JSON.stringify(key));
        const upTo = await store.queryView('v', { endKey: key, limit: 1 });
        assert.equal(upTo.total, index + 1, JSON.stringify(key));
        const from = await store.queryView('v', { startKey: key, limit: 1 });
        assert.equal(from.total, COLLATED.length - index, JSON.stringify(key));
    }
});

function randomKey(random, depth) {
    switch (random.int(depth > 0 ? 7 : 4)) {
        case 0:
            return random.pick([null, false, true]);
        case 1:
            return random.int(20) - 10;
        case 2:
            return (random.next() - 0.5) * 10 ** (random.int(40) - 20);
        case 3:
            return random.text(4);
        case 4:
            return Array.from({ length: random.int(4) }, () => randomKey(random, depth - 1));
        default:
            return Object.fromEntries(Array.from({ length: random.int(3) },
                () => [random.text(2), randomKey(random, depth - 1)]));
    }
}

test('random view keys sort as the reference comparison sorts them', async (t) => {
    const random = new Random(chooseSeed(t));
    const keys = Array.from({ length: 400 }, () => randomKey(random, 3));
    const store = await storeOfKeys(t, keys);
    const expected = [...keys].sort(collate);
    assert.deepEqual((await allItems(store, 'v')).map((row) => row.key), expected);
    for (let i = 0; i < 100; i += 1) {
        const [startKey, endKey] = [randomKey(random, 3), randomKey(random, 3)];
        const { items } = await store.queryView('v', { startKey, endKey, limit: Infinity });
        assert.deepEqual(items.map((row) => row.key),
            expected.filter((key) => collate(key, startKey) >= 0 && collate(key, endKey) <= 0));
    }
});

test('equal keys sort by documentKey, then by order of emission', async (t) => {
    const store = await openStore(t);
    store.setView('v', { map: (document, emit) => document.values.forEach((value) => emit('same', value)) });
    await store.setItem('b', { values: [3, 1, 2] });
    await store.setItem('a', { values: [9, 9, 1] });
    await store.setItem('B', { values: ['x'] });
    const rows = [['B', 'x'], ['a', 9], ['a', 9], ['a', 1], ['b', 3], ['b', 1], ['b', 2]];
    const { items } = await store.queryView('v', { key: 'same' });
    assert.deepEqual(items.map((row) => [row.documentKey, row.value]), rows);
    const down = await store.queryView('v', { key: 'same', descending: true });
    assert.deepEqual(down.items.map((row) => [row.documentKey, row.value]), [...rows].reverse());
});

test('emit(key) has value undefined; null and the rest come back as they are', async (t) => {
    const values = [null, 0, false, '', [], {}, { deep: [null, '\ud800'] }, 1e21, 0.1 + 0.2];
    const store = await openStore(t);
    store.setView('v', { map(document, emit) {
        emit('a');
        document.values.forEach((value) => emit('b', value));
    } });
    await store.setItem('doc', { values });
    const items = await allItems(store, 'v');
    assert.equal(items[0].value, undefined);
    assert.deepEqual(items.slice(1).map((row) => row.value), values);
});

test('the rows of a long page are those that were emitted', async (t) => {
    const numbers = [0, -1, 0.1 + 0.2, 5e-324, 999999999999999, 2 ** 60, Number.MAX_VALUE];
    const values = [...numbers, undefined, null, true, '1', [2]];
    const rows = Array.from({ length: 3_000 }, (_, i) => [i / 8 - 100, values[i % values.length]]);
    const store = await openStore(t);
    store.setView('v', { map: (_, emit) => rows.forEach(([key, value]) => emit(key, value)) });
    await store.setItem('doc', { n: 1 });
    for (const includeDocuments of [false, true]) {
        const query = { limit: Infinity, inclusiveStartIndex: 0, includeDocuments };
        for (const page of [await store.queryView('v', query), store._db.queryView('v', query)]) {
            assert.deepEqual(page.items.map(({ key, value }) => [key, value]), rows);
            const document = includeDocuments ? { n: 1, _rev: 0 } : undefined;
            assert.deepEqual(page.items.at(-1).document, document);
            assert.deepEqual([page.total, page.exclusiveEndIndex], [rows.length, null]);
        }
    }
});

test('emitted keys and values follow JSON', async (t) => {
    const store = await openStore(t);
    const date = new Date(Date.UTC(2024, 0, 15));
    store.setView('v', { map: (document, emit) => emit(date, { date, gone: undefined }) });
    await store.setItem('doc', {});
    const { items } = await store.queryView('v');
    const key = '2024-01-15T00:00:00.000Z';
    assert.deepEqual(items, [{ key, value: { date: key }, documentKey: 'doc' }]);
});

test('emit copies its arguments when it is called', async (t) => {
    const store = await openStore(t);
    store.setView('v', { map(document, emit) {
        const row = { list: [] };
        for (const tag of document.tags) {
            row.list.push(tag);
            emit(row.list, row);
        }
        document.tags.push('changed');
    } });
    await store.setItem('doc', { tags: ['a', 'b'] });
    const expected = [[['a'], { list: ['a'] }], [['a', 'b'], { list: ['a', 'b'] }]];
    assert.deepEqual((await allItems(store, 'v')).map((row) => [row.key, row.value]), expected);
    assert.deepEqual(await store.getItem('doc'), { tags: ['a', 'b'], _rev: 0 });
});

test('a query sees every write acknowledged before it', async (t) => {
    const store = await openStore(t);
    store.setView('v', { map: (document, emit) => emit(document.n) });
    const rows = async () => rowsOf(await store.queryView('v'));
    assert.deepEqual(await rows(), []);
    await store.setItem('a', { n: 2 });
    assert.deepEqual(await rows(), [[2, 'a']]);
    await store.setItem('b', { n: 1 });
    assert.deepEqual(await rows(), [[1, 'b'], [2, 'a']]);
    await store.updateItem('b', () => ({ n: 3 }));
    assert.deepEqual(await rows(), [[2, 'a'], [3, 'b']]);
    await store.batch([
        { type: 'delete', key: 'a' }, { type: 'set', key: 'c', document: { n: 0 } },
        { type: 'set', key: 'a', document: { n: 9 } },
    ]);
    assert.deepEqual(await rows(), [[0, 'c'], [3, 'b'], [9, 'a']]);
    await store.deleteItem('b');
    assert.deepEqual(await rows(), [[0, 'c'], [9, 'a']]);
    const direct = store._db.queryView('v', { inclusiveStartIndex: 0, limit: 10 });
    assert.deepEqual(rowsOf(direct), [[0, 'c'], [9, 'a']]);
});

test('only changed documents are mapped again', async (t) => {
    const store = await openStore(t, { directory: newRoomyDirectory(t) });
    const mapped = [];
    store.setView('v', { map(document, emit) {
        mapped.push(document.n);
        emit(document.n);
    } });
    const writes = Array.from({ length: 1000 }, (_, n) => store.setItem(`key ${ n }`, { n }));
    await Promise.all(writes);
    assert.equal((await store.queryView('v')).total, 1000);
    mapped.length = 0;
    await store.queryView('v');
    assert.deepEqual(mapped, []);
    await store.setItem('key 5', { n: 5000 });
    await store.deleteItem('key 6');
    assert.equal((await store.queryView('v')).total, 999);
    assert.deepEqual(mapped, [5000]);
});

test('stats tell how far a view is while a query waits', async (t) => {
    const store = await openStore(t, { durability: 'os' });
    const total = (BATCHES_AHEAD + 2) * BATCH;
    const write = (_, i) => ({ type: 'set', key: `${ i }`, document: {} });
    await store.batch(Array.from({ length: total }, write));
    const building = async () => (await store.stats()).views.v.building;
    let seen;
    const build = async () => {
        seen = [];
        assert.equal(await building(), null);
        await store.queryView('v', { limit: 1 });
        assert.equal(await building(), null);
        return await Promise.all(seen);
    };
    for (const version of [1, 2]) {
        store.setView('v', { version, map: (_, emit) => emit(version, seen.push(building())) });
        const steps = await build();
        assert.deepEqual(steps[0], { mapped: 0, total });
        assert.equal(steps.length, total);
        const mapped = steps.map((step) => step.mapped);
        assert.deepEqual(mapped, [...mapped].sort((a, b) => a - b));
        // The rows of the first two batches are stored before the last one is mapped.
        assert.ok(mapped.at(-1) >= 2 * BATCH && mapped.at(-1) < total, `${ mapped.at(-1) } before the last`);
        assert.ok(steps.every((step) => step.total === total));
    }
    await store.setItem('1', { changed: true });
    await store.deleteItem('2');
    assert.deepEqual(await build(), [{ mapped: 1, total: 2 }], 'only what changed, and one is gone');
});

test('the event loop has its turn between the batches of a build', async (t) => {
    const store = await openStore(t, { durability: 'os' });
    const total = 3 * BATCHES_AHEAD * BATCH;
    const write = (_, i) => ({ type: 'set', key: `${ i }`, document: {} });
    await store.batch(Array.from({ length: total }, write));
    const mapped = [0];
    let immediate;
    function nextTurn() {
        mapped.push(0);
        immediate = setImmediate(nextTurn);
    }
    t.after(() => clearImmediate(immediate));
    nextTurn();
    store.setView('v', { map: () => {
        mapped[mapped.length - 1] += 1;
    } });
    await store.queryView('v', { limit: 1 });
    assert.equal(mapped.reduce((sum, count) => sum + count), total);
    // The query itself maps the first batch, maybe in the turn of the next one.
    assert.ok(Math.max(...mapped) <= 2 * BATCH, `${ Math.max(...mapped) } in one turn`);
});

test('pages of a view are the whole range, once', async (t) => {
    const store = await openStore(t);
    store.setView('v', { map: ({ n }, emit) => [n % 5, n % 3].forEach((key) => emit(key)) });
    await Promise.all(Array.from({ length: 40 }, (_, n) => store.setItem(`key ${ n + 10 }`, { n })));
    for (const descending of [false, true]) {
        const bounds = descending ? { startKey: 3, endKey: 1 } : { startKey: 1, endKey: 3 };
        const expected = await allItems(store, 'v', { ...bounds, descending });
        const seen = [];
        for (let next = 0; next !== null;) {
            const page = await store.queryView('v', { ...bounds, descending, offset: next, limit: 7 });
            assert.equal(page.total, expected.length);
            seen.push(...page.items);
            next = page.exclusiveEndIndex;
        }
        assert.deepEqual(seen, expected);
        assert.equal(seen.length, 50);
    }
});
