'use strict';

// What the document cache answers while others write, step by step, over a stand-in for native code.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const native = require('./support/fake-native.js').install();
const { Datastore } = require('../../lib/datastore.js');
const { random } = require('./support/random.js');

let directories = 0;

async function opened(options = {}) {
    directories += 1;
    const directory = `/nowhere/${ directories }`;
    const store = await new Datastore({ directory, ...options }).load();
    native.reset();
    return { directory, store, calls: (name) => native.calls.get(name) ?? 0 };
}

test('a hot document costs no native call, until anybody writes', async () => {
    const { directory, store, calls } = await opened();
    native.writeElsewhere(directory, 'a', { n: 1 });
    assert.deepEqual(await store.getItem('a'), { _rev: 0, n: 1 });
    assert.deepEqual(await store.getItem('a'), { _rev: 0, n: 1 });
    assert.equal(calls('get'), 1);
    native.writeElsewhere(directory, 'b', { n: 2 });
    await store.getItem('a');
    await store.getItem('a');
    assert.equal(calls('get'), 2);
    native.writeElsewhere(directory, 'a', { n: 3 });
    assert.deepEqual(await store.getItem('a'), { _rev: 1, n: 3 });
    assert.equal(calls('get'), 3);
});

test('after as many calls as there were commits, what did not change costs none', async () => {
    const { directory, store, calls } = await opened();
    const keys = Array.from({ length: 10 }, (_, i) => `k${ i }`);
    keys.forEach((key) => native.writeElsewhere(directory, key, { n: 1 }));
    await store.getItems([...keys, ...keys]);
    native.reset();
    for (const key of keys.slice(0, 3)) {
        native.writeElsewhere(directory, key, { n: 2 });
    }
    for (const key of [...keys.slice(3), ...keys.slice(3)]) {
        assert.equal((await store.getItem(key)).n, 1);
    }
    assert.deepEqual([calls('get'), calls('keysChangedSince')], [3, 1]);
    for (const key of keys.slice(0, 3)) {
        assert.equal((await store.getItem(key)).n, 2);
    }
    assert.deepEqual([calls('get'), calls('keysChangedSince')], [6, 1]);
});

test('who reads less often than others write never asks what they wrote', async () => {
    const { directory, store, calls } = await opened();
    native.writeElsewhere(directory, 'a', { n: 0 });
    await store.getItem('a');
    native.reset();
    for (let i = 1; i <= 5_000; i += 1) {
        native.writeElsewhere(directory, 'b', { n: i });
        native.writeElsewhere(directory, 'a', { n: i });
        assert.equal((await store.getItem('a')).n, i);
    }
    assert.equal(calls('keysChangedSince'), 0);
});

test('a document that was deleted and made anew is read anew', async () => {
    const { directory, store } = await opened();
    native.writeElsewhere(directory, 'a', { n: 1 });
    await store.getItem('a');
    native.writeElsewhere(directory, 'a', null);
    native.writeElsewhere(directory, 'a', { n: 2 });
    assert.deepEqual(await store.getItem('a'), { _rev: 0, n: 2 });
    native.writeElsewhere(directory, 'a', null);
    await assert.rejects(store.getItem('a'), { name: 'NotFoundError', code: 'NOT_FOUND', key: 'a' });
});

test('answers share nothing with the cache', async () => {
    const { directory, store } = await opened();
    native.writeElsewhere(directory, 'a', { list: [{ x: 1 }] });
    for (let i = 0; i < 4; i += 1) {
        const document = await store.getItem('a');
        assert.deepEqual(document, { _rev: 0, list: [{ x: 1 }] });
        document.list[0].x = 2;
        document.list.push(3);
        const { items: [{ document: other }] } = await store.queryKeys({ includeDocuments: true });
        other.list.length = 0;
    }
    const mine = { deep: { x: 1 } };
    const stored = await store.setItem('a', mine);
    stored.deep.x = 2;
    mine.deep.x = 3;
    assert.deepEqual((await store.getItem('a')).deep, { x: 1 });
    assert.deepEqual((await store.getItem('a')).deep, { x: 1 });
});

test('an own write keeps a hot document hot', async () => {
    const { store, calls } = await opened();
    await store.setItem('a', { n: 1 });
    await store.getItem('a');
    await store.setItem('a', { n: 2 });
    native.reset();
    assert.deepEqual(await store.getItem('a'), { _rev: 1, n: 2 });
    assert.equal(calls('get'), 1);
    await store.getItem('a');
    assert.equal(calls('get'), 1);
});

test('an own write that was overtaken does not come back', async () => {
    const { directory, store } = await opened();
    await store.setItem('a', { n: 1 });
    await store.getItem('a');
    const seen = [];
    native.storeOf(directory).afterCommit = () => {
        native.storeOf(directory).afterCommit = undefined;
        native.writeElsewhere(directory, 'a', { n: 3 });
        seen.push(store.getItem('a'));
    };
    assert.deepEqual(await store.setItem('a', { n: 2 }), { _rev: 1, n: 2 });
    assert.deepEqual(await seen[0], { _rev: 2, n: 3 });
    assert.deepEqual(await store.getItem('a'), { _rev: 2, n: 3 });
});

test('pages take what the cache has and fetch the rest at once', async () => {
    const { directory, store, calls } = await opened();
    for (let i = 0; i < 6; i += 1) {
        native.writeElsewhere(directory, `k${ i }`, { n: i });
    }
    await store.getItem('k2');
    await store.getItem('k4');
    native.writeElsewhere(directory, 'k4', { n: 40 });
    const numbers = async () => (
        await store.queryKeys({ includeDocuments: true })
    ).items.map(({ document }) => document.n);
    assert.deepEqual(await numbers(), [0, 1, 2, 3, 40, 5]);
    assert.equal(calls('pageDocuments'), 1);
    assert.deepEqual(await numbers(), [0, 1, 2, 3, 40, 5]);
    assert.equal(calls('pageDocuments'), 1);
    const { cacheMisses } = await store.stats();
    await store.getItem('k5');
    assert.equal((await store.stats()).cacheMisses, cacheMisses);
    native.writeElsewhere(directory, 'k1', { n: 10 });
    assert.deepEqual(await numbers(), [0, 10, 2, 3, 40, 5]);
});

test('getItems never mixes two moments', async () => {
    const { directory, store, calls } = await opened();
    native.writeElsewhere(directory, 'a', { n: 1 });
    native.writeElsewhere(directory, 'b', { n: 1 });
    await store.getItem('a');
    assert.deepEqual(await store.getItems(['a', 'b', 'c', 'a']), [
        { _rev: 0, n: 1 }, { _rev: 0, n: 1 }, null, { _rev: 0, n: 1 },
    ]);
    assert.equal(calls('getMany'), 0);
    let writes = 0;
    native.storeOf(directory).afterGet = () => {
        writes += 1;
        native.writeElsewhere(directory, 'a', { n: 1 + writes });
        native.writeElsewhere(directory, 'b', { n: 1 + writes });
    };
    const [a, , b] = await store.getItems(['a', 'unknown', 'b']);
    assert.equal(a.n, b.n);
    assert.equal(calls('getMany'), 1);
});

test('without a cache every read is a call', async () => {
    const { directory, store, calls } = await opened({ cache: false });
    native.writeElsewhere(directory, 'a', { n: 1 });
    await store.getItem('a');
    await store.getItem('a');
    assert.equal(calls('get'), 2);
    assert.deepEqual(await store.updateItem('a', ({ n }) => ({ n: n + 1 })), { _rev: 1, n: 2 });
    assert.equal((await store.stats()).cachedDocuments, 0);
});

test('a document that is nested too deeply to copy is still answered', async () => {
    const { directory, store } = await opened();
    const depth = 100_000;
    const text = `{"_rev":0,"deep":${ '['.repeat(depth) }${ ']'.repeat(depth) }}`;
    native.storeOf(directory).entries.set(
        'a', { version: 0, sequence: 7, rest: text.slice('{"_rev":0'.length) }
    );
    for (let i = 0; i < 2; i += 1) {
        assert.ok(Array.isArray((await store.getItem('a')).deep));
        assert.equal((await store.queryKeys({ includeDocuments: true })).items.length, 1);
    }
});

test('random reads and writes from both sides agree with a store without cache', async () => {
    const { seed, next, pick } = random();
    const { directory, store } = await opened({ cache: { maxDocuments: 5 } });
    const plain = await new Datastore({ directory, cache: false, missing: 'null' }).load();
    const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const actions = [
        () => store.setItem(pick(keys), { n: next(100), list: [next(3)] }),
        () => store.deleteItem(pick(keys)),
        () => native.writeElsewhere(directory, pick(keys), { n: next(100) }),
        () => native.writeElsewhere(directory, pick(keys), null),
        () => store.queryKeys({ startKey: pick(keys), includeDocuments: true, limit: 1 + next(5) }),
        () => store.updateItem(pick(keys), (document) => ({ ...document, n: next(100) })),
    ];
    for (let i = 0; i < 3_000; i += 1) {
        await pick(actions)();
        const key = pick(keys);
        const expected = await plain.getItem(key);
        assert.deepEqual(await store.getItem(key).catch(() => null), expected, `seed ${ seed }`);
        assert.deepEqual(await store.getItems(keys), await plain.getItems(keys), `seed ${ seed }`);
        const range = { startKey: key, includeDocuments: true, limit: Infinity };
        assert.deepEqual(await store.queryKeys(range), await plain.queryKeys(range), `seed ${ seed }`);
    }
});
