'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { openStore, reopen, errorOf, allDocuments } = require('./helpers/store.js');
const { newRoomyDirectory } = require('./helpers/temp.js');

/** Operations that set k0, k1 ... */
function sets(count) {
    return Array.from({ length: count }, (_, i) => ({ type: 'set', key: `k${ i }`, document: { i } }));
}

async function collect(iterator) {
    const items = [];
    for await (const item of iterator) {
        items.push(item);
    }
    return items;
}

test('batch: one answer per operation', async (t) => {
    const store = await openStore(t);
    await store.setItem('a', { n: 0 });
    const answers = await store.batch([
        { type: 'set', key: 'a', document: { n: 1 } },
        { type: 'set', key: 'b', document: { n: 2 } },
        { type: 'delete', key: 'c' },
        { type: 'set', key: 5, document: { n: 5 } },
    ]);
    assert.equal(answers.length, 4);
    assert.deepEqual(answers.slice(0, 2), [{ n: 1, _rev: 1 }, { n: 2, _rev: 0 }]);
    assert.equal(answers[2], 'c');
    assert.deepEqual(answers[3], { n: 5, _rev: 0 });
    assert.deepEqual(await store.getItem('a'), { n: 1, _rev: 1 });
    assert.deepEqual(await store.batch([]), []);
});

test('batch: a conflict anywhere names its key and stores nothing', async (t) => {
    const store = await openStore(t);
    await store.setItem('a', { n: 0 });
    await store.setItem('b', { n: 0 });
    const before = await allDocuments(store);
    const conflicts = [
        [{ type: 'set', key: 'b', document: { n: 1, _rev: 4 } }, 'b'],
        [{ type: 'delete', key: 'a', rev: 3 }, 'a'],
        [{ type: 'delete', key: 'none', rev: 0 }, 'none'],
    ];
    for (const [operation, key] of conflicts) {
        const others = [{ type: 'set', key: 'x', document: {} }, { type: 'delete', key: 'b' }];
        for (const operations of [[operation, ...others], [others[0], operation]]) {
            await assert.rejects(store.batch(operations), errorOf('ConflictError', { key, message: key }));
            assert.deepEqual(await allDocuments(store), before);
        }
    }
});

test('batch: checks that hold', async (t) => {
    const store = await openStore(t);
    await store.setItem('a', { n: 0 });
    await store.setItem('b', { n: 0 });
    await store.batch([
        { type: 'set', key: 'a', document: { n: 1, _rev: 0 } },
        { type: 'delete', key: 'b', rev: 0 },
        { type: 'set', key: 'c', document: { n: 1, _rev: 9 } },
    ]);
    const forced = [{ type: 'set', key: 'a', document: { n: 2, _rev: 9 }, checkConsistency: false }];
    assert.deepEqual(await store.batch(forced), [{ n: 2, _rev: 2 }]);
    const expected = { a: { n: 2, _rev: 2 }, c: { n: 1, _rev: 0 } };
    assert.deepEqual(Object.fromEntries(await allDocuments(store)), expected);
});

test('batch: a later operation sees an earlier one on the same key', async (t) => {
    const store = await openStore(t);
    const answers = await store.batch([
        { type: 'set', key: 'a', document: { n: 1 } },
        { type: 'set', key: 'a', document: { n: 2, _rev: 0 } },
        { type: 'delete', key: 'a', rev: 1 },
        { type: 'set', key: 'a', document: { n: 3 } },
    ]);
    assert.deepEqual(answers, [{ n: 1, _rev: 0 }, { n: 2, _rev: 1 }, 'a', { n: 3, _rev: 0 }]);
    assert.deepEqual(await store.getItem('a'), { n: 3, _rev: 0 });
});

test('batch: of two operations on a key, the last one is what is read', async (t) => {
    const store = await openStore(t);
    await store.setItem('a', { n: 0 });
    await store.getItem('a');
    const set = (n) => ({ type: 'set', key: 'a', document: { n } });
    await store.batch([set(1), set(2)]);
    assert.deepEqual(await store.getItem('a'), { n: 2, _rev: 2 });
    await store.batch([set(3), { type: 'delete', key: 'a' }]);
    assert.equal(await store.hasItem('a'), false);
    assert.deepEqual(await store.getItems(['a']), [null]);
    await store.batch([{ type: 'delete', key: 'a' }, set(4), set(5)]);
    assert.deepEqual(await store.getItem('a'), { n: 5, _rev: 1 });
    const { items } = await store.queryKeys({ includeDocuments: true });
    assert.deepEqual(items[0].document, { n: 5, _rev: 1 });
});

test('batch: many keys, and all of them after opening again', async (t) => {
    const store = await openStore(t, { directory: newRoomyDirectory(t) });
    const set = (i) => ({ type: 'set', key: `key ${ i }`, document: { i } });
    await store.batch(Array.from({ length: 5000 }, (_, i) => set(i)));
    const again = await reopen(t, store);
    assert.equal((await again.queryKeys()).total, 5000);
    assert.deepEqual(await again.getItem('key 4999'), { i: 4999, _rev: 0 });
});

test('batch: what goes in and out is copied', async (t) => {
    const store = await openStore(t);
    const document = { list: [1] };
    const operations = [{ type: 'set', key: 'a', document }];
    const pending = store.batch(operations);
    document.list.push(2);
    operations.push({ type: 'set', key: 'b', document });
    const [answer] = await pending;
    assert.deepEqual(answer, { list: [1], _rev: 0 });
    answer.list.push(3);
    assert.deepEqual(await store.getItem('a'), { list: [1], _rev: 0 });
    assert.equal(await store.hasItem('b'), false);
});

test('scan: the items that queryKeys gives, without a limit', async (t) => {
    const store = await openStore(t, { directory: newRoomyDirectory(t) });
    await store.batch(sets(3000));
    const cases = [
        undefined, {}, { includeDocuments: true }, { descending: true, includeDocuments: true },
        { startKey: 'k2', endKey: 'k29' }, { startKey: 'k2', endKey: 'k29', descending: true },
        { startKey: 'k29', endKey: 'k2', descending: true }, { key: 'k7' }, { key: 'none' },
        { startKey: 'k3', endKey: 'k2' },
    ];
    for (const options of cases) {
        const { items } = await store.queryKeys({ ...options, limit: Infinity });
        assert.deepEqual(await collect(store.scan(options)), items, JSON.stringify(options));
    }
});

test('scan: one snapshot, whatever is written meanwhile', async (t) => {
    const store = await openStore(t, { directory: newRoomyDirectory(t) });
    const set = (i, n) => ({ type: 'set', key: `key ${ i + 1000 }`, document: { n } });
    await store.batch(Array.from({ length: 2000 }, (_, i) => set(i, 1)));
    const seen = [];
    for await (const item of store.scan({ includeDocuments: true })) {
        if (seen.length === 0) {
            await store.batch(Array.from({ length: 2500 }, (_, i) => set(i, 2)));
            await store.deleteItem('key 2999');
        }
        seen.push(item);
    }
    assert.equal(seen.length, 2000);
    assert.ok(seen.every((item) => item.document.n === 1 && item.document._rev === 0));
    assert.equal((await store.queryKeys()).total, 2499);
});

test('scan: may be left early, and several may run at once', async (t) => {
    const store = await openStore(t, { directory: newRoomyDirectory(t) });
    await store.batch(sets(1500));
    for await (const item of store.scan()) {
        assert.equal(item.key, 'k0');
        break;
    }
    const [one, two] = [store.scan(), store.scan({ descending: true })];
    assert.equal((await one.next()).value.key, 'k0');
    assert.equal((await two.next()).value.key, 'k999');
    assert.equal((await one.next()).value.key, 'k1');
    await two.return();
    assert.equal((await two.next()).done, true);
    assert.equal((await collect(one)).length, 1498);
});
