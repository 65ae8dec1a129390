'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { startScript } = require('./helpers/child.js');
const { Random, chooseSeed } = require('./helpers/random.js');
const { RemoteStore, openRemote } = require('./helpers/remote.js');
const {
    namesLeft, openStore, putDocuments, directoryOf, allDocuments, allItems,
} = require('./helpers/store.js');
const { eventually, newDirectory } = require('./helpers/temp.js');

/** A hang is a failure. */
const LIMIT = { timeout: 120000 };

const PAGE = { inclusiveStartIndex: 0, limit: 10 };
const byN = (document, emit) => emit(document.n);

async function threeHandles(t, options = {}) {
    const store = await openStore(t, options);
    const remoteOptions = { ...options, directory: directoryOf(store) };
    const [one, two] = await Promise.all([openRemote(t, remoteOptions), openRemote(t, remoteOptions)]);
    return { store, one, two };
}

/** The view as a full scan of the documents gives it. */
async function rescan(store) {
    const rows = [...await allDocuments(store)].map(([documentKey, { n }]) => ({ key: n, documentKey }));
    return rows.sort((a, b) => a.key - b.key || (a.documentKey < b.documentKey ? -1 : 1));
}

const rowsOf = (items) => items.map(({ key, documentKey }) => ({ key, documentKey }));

test('a write of one thread is seen by the others as soon as it is acknowledged', LIMIT, async (t) => {
    for (const cache of [undefined, false]) {
        const { store, one, two } = await threeHandles(t, { cache });
        const handles = [
            (method, ...args) => store[method](...args),
            (method, ...args) => one.call(method, ...args),
            (method, ...args) => two.call(method, ...args),
        ];
        await store.setItem('other', { n: 'untouched' });
        for (let i = 0; i < 60; i += 1) {
            const [writer, ...readers] = [0, 1, 2].map((k) => handles[(i + k) % 3]);
            await writer('setItem', 'shared', { n: i });
            for (const reader of readers) {
                assert.deepEqual(await reader('getItem', 'shared'), { n: i, _rev: i });
                assert.deepEqual(await reader('getItems', ['other', 'shared']),
                    [{ n: 'untouched', _rev: 0 }, { n: i, _rev: i }]);
                const page = await reader('queryKeys', { includeDocuments: true });
                assert.deepEqual(page.items[1].document, { n: i, _rev: i });
            }
        }
        const set = { type: 'set', key: 'new', document: { n: 1 } };
        await one.call('batch', [{ type: 'delete', key: 'shared' }, set]);
        assert.equal(await store.hasItem('shared'), false);
        await assert.rejects(two.call('getItem', 'shared'), { name: 'NotFoundError', key: 'shared' });
        assert.deepEqual(await two.call('engineGetItem', 'shared'), { key: 'shared', document: null });
        assert.deepEqual(await two.call('getItem', 'new'), { n: 1, _rev: 0 });
    }
});

test('the main thread sees a write of a worker when its message arrives, at once', LIMIT, async (t) => {
    const { store, one } = await threeHandles(t);
    store.setView('byN', { map: byN });
    for (let n = 0; n < 100; n += 1) {
        await one.call('setItem', `key ${ n % 5 }`, { n });
        assert.equal(store._db.getItem(`key ${ n % 5 }`).document.n, n);
        assert.equal(store._db.queryKeys(PAGE).total, Math.min(n + 1, 5));
        assert.equal(store._db.queryView('byN', PAGE).items.at(-1).key, n);
    }
});

test('increments of three threads are all there', LIMIT, async (t) => {
    const { store, one, two } = await threeHandles(t);
    await store.setItem('counter', { n: 0 });
    const increment = async (call) => {
        for (let done = 0; done < 30;) {
            const current = await call('getItem', 'counter');
            try {
                await call('setItem', 'counter', { ...current, n: current.n + 1 });
                done += 1;
            } catch (error) {
                assert.equal(error.code, 'CONFLICT');
            }
        }
    };
    await Promise.all([
        increment((method, ...args) => store[method](...args)),
        increment((method, ...args) => one.call(method, ...args)),
        increment((method, ...args) => two.call(method, ...args)),
    ]);
    assert.deepEqual(await two.call('getItem', 'counter'), { n: 90, _rev: 90 });
});

test('a worker queries a view that it registered while the main thread writes', LIMIT, async (t) => {
    const { store, one, two } = await threeHandles(t, { durability: 'os' });
    await one.call('setView', 'byN');
    await two.call('setView', 'byParity');
    const writes = Array.from({ length: 2000 }, (_, n) => store.setItem(`key ${ n % 300 }`, { n }));
    let queries = 0;
    let isWriting = true;
    const query = async (remote, id) => {
        while (isWriting) {
            const { items, total } = await remote.call('queryView', id, { limit: 400 });
            assert.equal(items.length, total);
            queries += 1;
        }
    };
    const querying = Promise.all([query(one, 'byN'), query(two, 'byParity')]);
    await Promise.all(writes);
    isWriting = false;
    await querying;
    const { items } = await one.call('queryView', 'byN', { limit: 400 });
    assert.deepEqual(rowsOf(items), await rescan(store));
    assert.equal((await two.call('engineQueryView', 'byParity', { ...PAGE, key: 'odd' })).total, 150);
    t.diagnostic(`${ queries } view queries while 2,000 writes ran`);
});

test('a worker terminated during writes and view queries, 20 times: the others go on', LIMIT, async (t) => {
    const random = new Random(chooseSeed(t));
    const { store, one } = await threeHandles(t);
    store.setView('byN', { map: byN });
    await one.call('setView', 'byN');
    const acknowledged = new Map();
    let queries = 0;
    for (let round = 0; round < 20; round += 1) {
        const remote = new RemoteStore(t, { directory: directoryOf(store), cache: round % 2 === 0 });
        if (round % 5 === 4) {
            await Promise.all([remote.terminate(), store.setItem('main', { n: round })]);
            continue;
        }
        const acksWanted = 1 + random.int(400);
        let acks = 0;
        await new Promise((resolve, reject) => {
            remote.storm(`worker ${ round }`, (message) => {
                if (message.failed !== undefined) {
                    reject(message.failed);
                } else if (message.queried) {
                    queries += 1;
                } else {
                    acknowledged.set(...message.acknowledged);
                    acks += 1;
                }
                if (acks >= acksWanted) {
                    resolve();
                }
            });
        });
        const pending = [store.setItem('main', { n: round }), one.call('setItem', 'one', { n: round })];
        await remote.terminate();
        await Promise.all(pending);
        assert.equal((await store.getItem('one')).n, round);
        const rows = rowsOf(await allItems(store, 'byN'));
        assert.deepEqual(rows, await rescan(store));
        assert.deepEqual(rowsOf((await one.call('queryView', 'byN', { limit: Infinity })).items), rows);
    }
    for (const [key, n] of acknowledged) {
        assert.ok((await store.getItem(key)).n >= n, `${ key } keeps what was acknowledged`);
    }
    assert.ok(queries > 0);
    t.diagnostic(`20 workers terminated, ${ acknowledged.size } keys written, ${ queries } view queries`);
});

const isReleased = (directory) => !fs.existsSync(path.join(directory, '.datastore'));

test('the last handle releases the directory', LIMIT, async (t) => {
    const { store, one, two } = await threeHandles(t);
    const directory = directoryOf(store);
    await one.call('setItem', 'a', { n: 1 });
    await one.call('close');
    await store.close();
    assert.ok(fs.existsSync(path.join(directory, '.datastore')), 'a worker still has it');
    assert.equal((await two.call('setItem', 'a', { n: 2 }))._rev, 1);
    await two.call('close');
    assert.deepEqual(fs.readdirSync(directory), namesLeft(['a']));
    const again = await openStore(t, { directory });
    assert.deepEqual(await again.getItem('a'), { n: 2, _rev: 1 });
});

test('a worker that is gone without close() has released the directory', LIMIT, async (t) => {
    const endings = {
        terminated: (remote) => remote.terminate(),
        'exited by itself': (remote) => remote.call('exit').catch(() => {}) && remote.exited,
    };
    for (const [name, end] of Object.entries(endings)) {
        await t.test(name, async (subtest) => {
            const directory = newDirectory(subtest);
            const remote = await openRemote(subtest, { directory });
            await remote.call('setItem', 'a', { n: 1 });
            await end(remote);
            await eventually(() => isReleased(directory), 'the directory is released');
            const child = startScript(subtest, 'exit-child.js', [directory, 'sync', 'onlyRead']);
            const { code, stderr } = await child.exited;
            assert.equal(code, 0, `another process can open it: ${ stderr }`);
            const store = await openStore(subtest, { directory });
            assert.deepEqual(await store.getItem('a'), { n: 1, _rev: 0 });
        });
    }
});

test('a worker terminated while it loads releases the directory', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const documents = Array.from({ length: 3000 }, (_, n) => [`key${ n }`, { n }]);
    await putDocuments(directory, Object.fromEntries(documents));
    const remote = new RemoteStore(t, { directory });
    remote.call('load').catch(() => {});
    await eventually(() => !isReleased(directory), 'the worker has begun to load');
    await remote.terminate();
    await eventually(() => isReleased(directory), 'the directory is released');
    const store = await openStore(t, { directory });
    assert.equal((await store.queryKeys()).total, 3000);
});
