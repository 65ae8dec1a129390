'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const v8 = require('node:v8');
const vm = require('node:vm');
const {
    kixx, CODES, testKept, namesLeft, openStore, makeStore, directoryOf, reopen, putDocuments,
    errorOf, allDocuments,
} = require('./helpers/store.js');
const { storageOptions } = require('./helpers/storage.js');
const { eventually, newDirectory, newPath } = require('./helpers/temp.js');

testKept('the constructor touches no disk', async (t) => {
    const directory = newPath(t);
    const store = makeStore(t, { directory });
    assert.equal(fs.existsSync(directory), false);
    await store.load();
    assert.equal(fs.existsSync(directory), true);
});

test('load() resolves to the datastore, and may be called again', async (t) => {
    const store = makeStore(t);
    assert.equal(await store.load(), store);
    await store.setItem('a', { n: 1 });
    assert.equal(await store.load(), store);
    assert.deepEqual(await store.getItem('a'), { n: 1, _rev: 0 });
    const [one, two] = await Promise.all([store.load(), store.load()]);
    assert.deepEqual([one, two], [store, store]);
});

testKept('any call before load() loads first', async (t) => {
    const directory = newDirectory(t);
    await putDocuments(directory, { a: { _rev: 3, n: 1 } });
    const calls = {
        getItem: async (store) => assert.equal((await store.getItem('a'))._rev, 3),
        setItem: async (store) => assert.equal((await store.setItem('a', { _rev: 3 }))._rev, 4),
        updateItem: async (store) => assert.equal((await store.updateItem('a', (a) => a))._rev, 5),
        insertItem: (store) => assert.rejects(store.insertItem('a', {}), errorOf('ConflictError')),
        hasItem: async (store) => assert.equal(await store.hasItem('a'), true),
        getItems: async (store) => assert.equal((await store.getItems(['a']))[0]._rev, 5),
        queryKeys: async (store) => assert.equal((await store.queryKeys()).total, 1),
        queryView: async (store) => {
            store.setView('v', { map: (document, emit) => emit(document._rev) });
            assert.equal((await store.queryView('v')).items[0].key, 5);
        },
        scan: async (store) => assert.equal((await store.scan().next()).value.key, 'a'),
        batch: async (store) => assert.equal((await store.batch([{ type: 'delete', key: 'x' }]))[0], 'x'),
        flush: (store) => store.flush(),
        deleteItem: (store) => store.deleteItem('a', { rev: 5 }),
        close: (store) => store.close(),
    };
    for (const [name, call] of Object.entries(calls)) {
        await t.test(name, async (subtest) => {
            const store = makeStore(subtest, { directory });
            await call(store);
            await store.close();
        });
    }
});

testKept('close() waits for the writes that are pending', async (t) => {
    const store = await openStore(t);
    const writes = Array.from({ length: 500 }, (_, n) => store.setItem(`key ${ n }`, { n }));
    await store.close();
    const answers = await Promise.all(writes);
    assert.deepEqual(answers[499], { n: 499, _rev: 0 });
    const again = await openStore(t, { directory: directoryOf(store) });
    assert.equal((await again.queryKeys()).total, 500);
});

testKept('close() is idempotent; every later call is a ClosedError', async (t) => {
    const store = await openStore(t);
    await store.setItem('a', {});
    store.setView('v', { map: () => {} });
    await Promise.all([store.close(), store.close()]);
    await store.close();
    const closed = errorOf('ClosedError');
    const calls = {
        getItem: () => store.getItem('a'),
        setItem: () => store.setItem('a', {}),
        insertItem: () => store.insertItem('b', {}),
        updateItem: () => store.updateItem('a', (current) => current),
        deleteItem: () => store.deleteItem('a'),
        hasItem: () => store.hasItem('a'),
        getItems: () => store.getItems(['a']),
        batch: () => store.batch([{ type: 'delete', key: 'a' }]),
        queryKeys: () => store.queryKeys(),
        queryView: () => store.queryView('v'),
        scan: () => store.scan().next(),
        flush: () => store.flush(),
        load: () => store.load(),
    };
    for (const [name, call] of Object.entries(calls)) {
        await assert.rejects(async () => call(), closed, name);
    }
    assert.throws(() => store.setView('w', { map: () => {} }), closed);
    assert.throws(() => store.hasView('v'), closed);
    assert.throws(() => store.deleteView('v'), closed);
    assert.throws(() => store._db.getItem('a'), closed);
    assert.throws(() => store._db.queryKeys({ inclusiveStartIndex: 0, limit: 1 }), closed);
    const again = await openStore(t, { directory: directoryOf(store) });
    assert.equal(await again.hasItem('a'), true, 'nothing of it was done');
});

testKept('a datastore that was never loaded closes', async (t) => {
    const store = makeStore(t);
    await store.close();
    assert.deepEqual(fs.readdirSync(directoryOf(store)), []);
});

test('Symbol.asyncDispose closes', { skip: !Symbol.asyncDispose && 'this Node has none' }, async (t) => {
    const store = await openStore(t);
    await store[Symbol.asyncDispose]();
    await assert.rejects(store.getItem('a'), errorOf('ClosedError'));
});

testKept('an update that is under way when close() is called ends, one way or the other', async (t) => {
    const store = await openStore(t);
    let release;
    const gate = new Promise((resolve) => {
        release = resolve;
    });
    const update = store.updateItem('a', async () => {
        await gate;
        return { n: 1 };
    });
    const outcome = Promise.allSettled([update]);
    const closing = store.close();
    release();
    const [[{ status, reason }]] = await Promise.all([outcome, closing]);
    const again = await openStore(t, { directory: directoryOf(store) });
    if (status === 'rejected') {
        errorOf('ClosedError')(reason);
    }
    assert.equal(await again.hasItem('a'), status === 'fulfilled');
});

test('a view query that is under way at close() answers, or says that it is closed', async (t) => {
    const store = await openStore(t, { durability: 'os' });
    await store.batch(Array.from({ length: 3000 }, (_, n) => ({ type: 'set', key: n, document: { n } })));
    store.setView('v', { map: (document, emit) => emit(document.n) });
    const outcome = Promise.allSettled([store.queryView('v')]);
    await new Promise(setImmediate);
    await store.close();
    const [{ value, reason }] = await outcome;
    if (reason !== undefined) {
        errorOf('ClosedError')(reason);
    } else {
        assert.equal(value.total, 3000);
    }
});

testKept('handles on one directory share one engine, however the path is written', async (t) => {
    const one = await openStore(t);
    const directory = directoryOf(one);
    const link = newPath(t, 'link');
    fs.symlinkSync(directory, link, 'junction');
    const paths = [`${ directory }${ path.sep }`, path.relative(process.cwd(), directory), link];
    const others = [];
    for (const spelling of paths) {
        others.push(await openStore(t, { directory: spelling }));
    }
    for (const [n, other] of others.entries()) {
        await other.setItem('a', { n });
        assert.deepEqual(await one.getItem('a'), { n, _rev: n });
    }
    await one.close();
    assert.equal((await others[0].getItem('a')).n, 2, 'the others stay open');
    await others[0].close();
    await others[1].close();
    assert.equal((await others[2].setItem('a', {}))._rev, 3);
    assert.ok(fs.existsSync(path.join(directory, '.datastore')));
    await others[2].close();
    assert.deepEqual(fs.readdirSync(directory), namesLeft(['a']), 'the last one cleans up');
});

/** Uses a directory and forgets to close it. */
async function useAndForget(directory, withView) {
    const store = new kixx.Datastore({ ...storageOptions, directory });
    await store.load();
    await store.setItem('a', { n: 1 });
    await store.getItem('a');
    if (withView) {
        // The map function knows the store, as functions do that are written next to it.
        store.setView('v', { map: (document, emit) => emit(document.n, typeof store) });
        await store.queryView('v');
    }
}

testKept('a datastore that nobody holds any more releases its directory', async (t) => {
    v8.setFlagsFromString('--expose-gc');
    const gc = vm.runInNewContext('gc');
    for (const withView of [false, true]) {
        const directory = newDirectory(t);
        await useAndForget(directory, withView);
        await eventually(() => {
            gc();
            return !fs.existsSync(path.join(directory, '.datastore'));
        }, `the directory is released (with a view: ${ withView })`);
        assert.deepEqual(fs.readdirSync(directory), namesLeft(['a']));
    }
});

testKept('views belong to their handle', async (t) => {
    const one = await openStore(t);
    const two = await openStore(t, { directory: directoryOf(one) });
    one.setView('v', { map: (document, emit) => emit('one') });
    two.setView('v', { map: (document, emit) => emit('two') });
    await one.setItem('a', {});
    assert.equal((await one.queryView('v')).items[0].key, 'one');
    assert.equal((await two.queryView('v')).items[0].key, 'two');
    await one.close();
    assert.equal((await two.queryView('v')).items[0].key, 'two');
});

testKept('every durability, with and without the cache, keeps what was closed', async (t) => {
    for (const durability of ['sync', 'os', 'batched']) {
        for (const cache of [undefined, false, { maxDocuments: 3 }]) {
            const options = { durability, cache, flushInterval: 60000 };
            const store = await openStore(t, options);
            for (let n = 0; n < 50; n += 1) {
                await store.setItem(`key ${ n % 20 }`, { n });
                assert.deepEqual(await store.getItem(`key ${ n % 20 }`), { n, _rev: Math.floor(n / 20) });
                assert.equal((await store.getItem(`key ${ n % 7 }`))._rev, Math.floor((n - n % 7) / 20));
            }
            await store.flush();
            const before = await allDocuments(store);
            const again = await reopen(t, store, options);
            assert.deepEqual(await allDocuments(again), before);
        }
    }
});

test('stats() is an object and grows with use', async (t) => {
    const store = await openStore(t);
    assert.equal(typeof await store.stats(), 'object');
    await store.setItem('a', {});
    const text = JSON.stringify(await store.stats());
    assert.notEqual(text, '{}');
});

test('ESM and CJS have the same classes', async () => {
    const esm = await import('kixx-datastore');
    const names = ['Datastore', 'DatastoreEngine', 'LockingQueue', ...Object.keys(CODES)];
    for (const name of names) {
        assert.equal(typeof kixx[name], 'function', name);
        assert.equal(esm[name], kixx[name], name);
    }
    assert.deepEqual(Object.keys(esm).filter((name) => name !== 'default').sort(), Object.keys(kixx).sort());
});

test('error classes', () => {
    for (const [name, code] of Object.entries(CODES)) {
        const error = new kixx[name]('text', { cause: new Error('why') });
        assert.ok(error instanceof Error);
        assert.deepEqual([error.name, error.code, error.message], [name, code, 'text']);
        assert.match(error.stack, new RegExp(`${ name }: text`));
    }
});
