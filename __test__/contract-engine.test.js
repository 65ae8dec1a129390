'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { kixx, openStore, errorOf } = require('./helpers/store.js');
const { cleanup, newDirectory, newRoomyDirectory } = require('./helpers/temp.js');

const PAGE = { inclusiveStartIndex: 0, limit: 10 };

test('the engine of a datastore', async (t) => {
    const store = await openStore(t);
    const engine = store._db;
    assert.ok(engine instanceof kixx.DatastoreEngine);
    assert.equal(store._db, engine);
    await store.setItem('a', { n: 1 });
    assert.deepEqual(engine.getItem('a'), { key: 'a', document: { n: 1, _rev: 0 } });
    assert.deepEqual(engine.getItem('b'), { key: 'b', document: null });
});

test('the synchronous reads see every acknowledged write', async (t) => {
    const store = await openStore(t);
    const engine = store._db;
    engine.setView('v', { map: (document, emit) => emit(document.n, 'value') });
    assert.equal(engine.hasView('v'), true);
    assert.equal(engine.hasView('w'), false);
    for (let n = 0; n < 30; n += 1) {
        await store.setItem(`key ${ n % 3 }`, { n });
        assert.equal(engine.getItem(`key ${ n % 3 }`).document.n, n);
        const { items, total } = engine.queryView('v', { ...PAGE, includeDocuments: true });
        assert.equal(total, Math.min(n + 1, 3));
        const { _rev } = items.at(-1).document;
        const row = { key: n, value: 'value', documentKey: `key ${ n % 3 }`, document: { n, _rev } };
        assert.deepEqual(items.at(-1), row);
    }
    assert.deepEqual(engine.queryKeys({ ...PAGE, startKey: 'key 1', limit: 1 }), {
        items: [{ key: 'key 1', documentKey: 'key 1' }], exclusiveEndIndex: 1, total: 2,
    });
    await store.deleteItem('key 0');
    assert.deepEqual(engine.queryKeys({ ...PAGE, descending: true }).items.map((item) => item.key),
        ['key 2', 'key 1']);
    assert.equal(engine.queryView('v', PAGE).total, 2);
});

test('the synchronous queryView builds a view of many documents', async (t) => {
    const store = await openStore(t, { directory: newRoomyDirectory(t) });
    const set = (i) => ({ type: 'set', key: `key ${ i }`, document: { i } });
    await store.batch(Array.from({ length: 3000 }, (_, i) => set(i)));
    store._db.setView('v', { map: (document, emit) => emit(document.i % 7) });
    const { items, total } = store._db.queryView('v', { key: 6, limit: 1, inclusiveStartIndex: 427 });
    assert.deepEqual([items.length, items[0].key, total], [1, 6, 428]);
});

test('the engine writes', async (t) => {
    const store = await openStore(t);
    const engine = store._db;
    const answer = await engine.setItem('a', { _rev: 7, n: 1 });
    assert.deepEqual(answer, { key: 'a', document: { _rev: 7, n: 1 } }, 'as it was handed in');
    assert.deepEqual(engine.getItem('a').document, { _rev: 7, n: 1 });
    assert.deepEqual(await store.setItem('a', { _rev: 7, n: 2 }), { _rev: 8, n: 2 });
    assert.equal((await engine.deleteItem('a')).key, 'a');
    assert.deepEqual(engine.getItem('a'), { key: 'a', document: null });
    assert.equal((await engine.deleteItem('a')).key, 'a', 'also when there is nothing');
});

test('an engine of its own, before and after it was loaded', async (t) => {
    const directory = newDirectory(t);
    fs.writeFileSync(path.join(directory, 'user%3A1.json'), '{"n":1}');
    const engine = new kixx.DatastoreEngine({ directory });
    const store = new kixx.Datastore({ db: engine });
    cleanup(t, () => store.close());
    assert.equal(store._db, engine);
    engine.setView('v', { map: (document, emit) => emit(document.n) });
    const calls = {
        getItem: () => engine.getItem('user:1'),
        queryKeys: () => engine.queryKeys(PAGE),
        queryView: () => engine.queryView('v', PAGE),
    };
    for (const [name, call] of Object.entries(calls)) {
        assert.throws(call, (error) => {
            assert.ok(error instanceof kixx.DatastoreError, `${ name }: ${ error.stack }`);
            assert.match(error.message, /load/i);
            return true;
        });
    }
    await engine.loadDocuments();
    assert.deepEqual(engine.getItem('user:1'), { key: 'user:1', document: { _rev: 0, n: 1 } });
    assert.equal(engine.queryKeys(PAGE).total, 1);
    assert.equal(engine.queryView('v', PAGE).items[0].key, 1);
    assert.equal((await store.updateItem('user:1', (user) => ({ ...user, n: 2 })))._rev, 1);
});

test('an engine refuses what is not a directory or a file system', () => {
    for (const options of [undefined, {}, { directory: '' }, { directory: 5 }]) {
        assert.throws(() => new kixx.DatastoreEngine(options), errorOf('AssertionError'));
    }
    const directory = 'never made';
    assert.throws(() => new kixx.DatastoreEngine({ directory, fileSystem: {} }), errorOf('AssertionError'));
    assert.equal(fs.existsSync(directory), false);
});

test('the engine refuses what is no key, no document, no page', async (t) => {
    const engine = (await openStore(t))._db;
    await assert.rejects(async () => engine.setItem('', {}), errorOf('AssertionError'));
    await assert.rejects(async () => engine.setItem('a', [1]), errorOf('AssertionError'));
    await assert.rejects(async () => engine.deleteItem(''), errorOf('AssertionError'));
    for (const limit of [0, -1, NaN, 1.5, '10']) {
        assert.throws(() => engine.queryKeys({ ...PAGE, limit }), errorOf('AssertionError'));
    }
    for (const view of [null, {}, { map: 'x' }]) {
        assert.throws(() => engine.setView('v', view), errorOf('AssertionError'));
    }
    assert.equal(engine.hasView('v'), false);
    assert.equal(engine.queryKeys(PAGE).total, 0);
});

test('LockingQueue: one at a time for a key, in order, the keys apart', async () => {
    const queue = new kixx.LockingQueue();
    const order = [];
    await queue.getLock('a');
    const second = queue.getLock('a').then(() => order.push('second'));
    const third = queue.getLock('a').then(() => order.push('third'));
    await queue.getLock('b');
    queue.releaseLock('b');
    assert.deepEqual(order, [], 'another key does not wait, this one does');
    queue.releaseLock('a');
    await second;
    assert.deepEqual(order, ['second']);
    queue.releaseLock('a');
    await third;
    queue.releaseLock('a');
    await queue.getLock('a');
    queue.releaseLock('a');
    assert.deepEqual(order, ['second', 'third']);
});

test('two datastores over one engine do not lose updates', async (t) => {
    const store = await openStore(t);
    const twin = new kixx.Datastore({ db: store._db, lockingQueue: new kixx.LockingQueue() });
    const add = (handle) => handle.updateItem('n', async (current) => {
        await new Promise(setImmediate);
        return { n: (current?.n ?? 0) + 1 };
    });
    const outcomes = await Promise.allSettled([add(store), add(twin), add(store), add(twin)]);
    const done = outcomes.filter((outcome) => outcome.status === 'fulfilled').length;
    assert.equal((await store.getItem('n')).n, done);
    for (const { status, reason } of outcomes) {
        assert.ok(status === 'fulfilled' || errorOf('ConflictError', { key: 'n' })(reason));
    }
});
