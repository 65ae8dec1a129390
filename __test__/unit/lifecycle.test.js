'use strict';

// Loading, closing and updating, over a stand-in for native code.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const native = require('./support/fake-native.js').install();
const { Datastore } = require('../../lib/datastore.js');
const { DatastoreEngine } = require('../../lib/engine.js');

let directories = 0;

function unopened(options = {}) {
    directories += 1;
    return new Datastore({ directory: `/nowhere/${ directories }`, ...options });
}

function directoryOf() {
    return `/nowhere/${ directories }`;
}

test('every call loads first, once', async () => {
    const store = unopened();
    native.reset();
    const answers = await Promise.all(
        [store.setItem('a', { n: 1 }), store.queryKeys(), store.load(), store.hasItem('b')]
    );
    assert.deepEqual(answers[0], { _rev: 0, n: 1 });
    assert.equal(answers[2], store);
    assert.equal(native.calls.get('load'), 1);
    await store.load();
    assert.equal(native.calls.get('load'), 1);
});

test('a load that failed may be tried again', async () => {
    const store = unopened();
    native.storeOf(directoryOf()).damage = 'a.json is not JSON';
    await assert.rejects(
        store.load(), { name: 'CorruptError', code: 'CORRUPT', message: 'a.json is not JSON' }
    );
    await assert.rejects(store.getItem('a'), { name: 'CorruptError' });
    native.storeOf(directoryOf()).damage = undefined;
    await store.load();
    assert.equal(await store.hasItem('a'), false);
});

test('the synchronous engine wants to be loaded first', async () => {
    const engine = unopened()._db;
    for (const call of [() => engine.getItem('a'), () => engine.queryKeys(), () => engine.hasItem('a')]) {
        assert.throws(
            call,
            {
                name: 'AssertionError',
                message: /needs the documents: await load\(\) or loadDocuments\(\) first/,
            }
        );
    }
    engine.setView('v', { map: () => undefined });
    assert.equal(engine.hasView('v'), true);
    await engine.setItem('a', { n: 1 });
    assert.deepEqual(engine.getItem('a'), { key: 'a', document: { _rev: 0, n: 1 } });
    assert.deepEqual(engine.getItem('b'), { key: 'b', document: null });
    assert.equal(await engine.loadDocuments(), engine);
    await engine.close();
    assert.throws(() => engine.getItem('a'), { name: 'ClosedError', code: 'CLOSED' });
});

test('views that were set before load are registered by it', async () => {
    const store = unopened();
    store.setView('early', { map: () => undefined });
    assert.equal(native.storeOf(directoryOf()).views.has('early'), false);
    await store.load();
    assert.equal(native.storeOf(directoryOf()).views.has('early'), true);
    assert.equal(store.deleteView('early'), true);
    assert.equal(store.deleteView('early'), false);
    assert.equal(native.storeOf(directoryOf()).views.has('early'), false);
    await assert.rejects(
        store.queryView('early'), { name: 'AssertionError', message: /There is no view "early"/ }
    );
    for (const view of [undefined, null, {}, { map: 1 }, () => 1, []]) {
        assert.throws(
            () => store.setView('v', view),
            { name: 'AssertionError', message: /^A view must be an object with a map/ }
        );
    }
    for (const id of ['', 5, undefined]) {
        assert.throws(
            () => store.setView(id, { map: () => 1 }),
            { name: 'AssertionError', message: /^The id of a view/ }
        );
        assert.throws(() => store.hasView(id), { name: 'AssertionError' });
    }
});

test('after close everything is refused, and close may be called again', async () => {
    const store = await unopened().load();
    const closing = store.close();
    await assert.rejects(store.getItem('a'), { name: 'ClosedError', code: 'CLOSED' });
    await Promise.all([closing, store.close()]);
    native.reset();
    await store.close();
    await store[Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]();
    assert.equal(native.calls.get('close'), undefined);
    const calls = [
        () => store.load(), () => store.getItem('a'), () => store.getItems(['a']), () => store.hasItem('a'),
        () => store.setItem('a', {}), () => store.insertItem('a', {}),
        () => store.updateItem('a', () => ({})),
        () => store.deleteItem('a'), () => store.batch([{ type: 'delete', key: 'a' }]),
        () => store.queryKeys(),
        () => store.queryView('v'), () => store.scan().next(), () => store.flush(), () => store.stats(),
    ];
    for (const call of calls) {
        await assert.rejects(call(), { name: 'ClosedError', code: 'CLOSED' }, String(call));
    }
});

test('close before load, and during it', async () => {
    await unopened().close();
    const store = unopened();
    const writing = store.setItem('a', { n: 1 });
    const updating = store.updateItem('b', () => ({ n: 2 }));
    await store.close();
    assert.deepEqual(await writing, { _rev: 0, n: 1 });
    assert.deepEqual(await updating, { _rev: 0, n: 2 });
    await assert.rejects(store.load(), { name: 'ClosedError' });
});

test('close waits for updates that are under way and in line', async () => {
    const store = await unopened().load();
    let release;
    const gate = new Promise((resolve) => {
        release = resolve;
    });
    const updates = [1, 2, 3].map((n) => store.updateItem('a', async (document) => {
        await gate;
        return { list: [...document?.list ?? [], n] };
    }));
    let closed = false;
    const closing = store.close().then(() => {
        closed = true;
    });
    await new Promise(setImmediate);
    assert.equal(closed, false);
    release();
    await closing;
    assert.deepEqual(await updates[2], { _rev: 2, list: [1, 2, 3] });
});

test('updates of one key queue up, others do not wait', async () => {
    const store = await unopened().load();
    await Promise.all(Array.from({ length: 50 }, () => store.updateItem('n', async (document) => {
        await null;
        return { n: (document?.n ?? 0) + 1 };
    })));
    assert.deepEqual(await store.getItem('n'), { _rev: 49, n: 50 });
    const never = store.updateItem('stuck', () => new Promise(() => undefined));
    assert.deepEqual(await store.updateItem('free', () => ({})), { _rev: 0 });
    never.catch(() => undefined);
});

test('an update that fails stores nothing, and the queue moves on', async () => {
    const store = await unopened().load();
    await store.setItem('a', { n: 1 });
    const boom = new Error('boom');
    const failures = [
        [() => {
            throw boom;
        }, boom],
        [async () => {
            throw boom;
        }, boom],
        [
            () => undefined,
            {
                name: 'AssertionError',
                message: 'What the update of "a" returns must be a plain object, got undefined',
            },
        ],
        [async () => [], { name: 'AssertionError', message: /must be a plain object, got an array$/ }],
        [() => ({ bad: 1n }), { name: 'AssertionError', message: /^document\.bad is not JSON data/ }],
        [
            (document) => ({ ...document, _rev: 7 }),
            { name: 'ConflictError', key: 'a', expected: 'revision 7' },
        ],
        [() => ({ _rev: 'x' }), { name: 'AssertionError', message: /^document\._rev must be a revision/ }],
        [async (document) => {
            await store.setItem('a', { n: 1 }, { checkConsistency: false });
            return document;
        }, { name: 'ConflictError', key: 'a' }],
    ];
    const results = await Promise.allSettled(failures.map(([update]) => store.updateItem('a', update)));
    results.forEach((result, i) => assert.throws(() => {
        throw result.reason;
    }, (error) => error === failures[i][1] || (assert.throws(() => {
        throw error;
    }, failures[i][1]), true)));
    assert.deepEqual(await store.updateItem('a', ({ n }) => ({ n: n + 1 })), { _rev: 2, n: 2 });
});

test('an update that deletes its own document conflicts', async () => {
    const store = await unopened().load();
    await store.setItem('a', { n: 1 });
    const update = async (document) => {
        await store.deleteItem('a');
        return document;
    };
    await assert.rejects(store.updateItem('a', update), { name: 'ConflictError', key: 'a' });
    assert.equal(await store.hasItem('a'), false);
    assert.deepEqual(await store.updateItem('a', () => ({ _rev: 9, n: 1 })), { _rev: 0, n: 1 });
    assert.deepEqual(
        await store.updateItem('a', () => ({ _rev: 9, n: 2 }), { checkConsistency: false }),
        { _rev: 1, n: 2 }
    );
});

test('an update inside an update of the same key is refused instead of waiting for ever', async () => {
    const store = await unopened().load();
    const inner = store.updateItem('a', () => store.updateItem('a', () => ({})));
    await assert.rejects(inner, { name: 'AssertionError', message: /"a" inside an update of the same key/ });
    assert.deepEqual(
        await store.updateItem('a', async () => store.updateItem('b', () => ({ n: 1 }))), { _rev: 0, n: 1 }
    );
});

test('a lock queue of the caller is used by updates, and let go whatever happens', async () => {
    const log = [];
    const lockingQueue = {
        getLock: async (key) => log.push(`get ${ key }`),
        releaseLock: (key) => log.push(`release ${ key }`),
    };
    const store = await unopened({ lockingQueue }).load();
    await store.updateItem('a', () => ({}));
    await assert.rejects(store.updateItem('b', () => 1));
    await store.setItem('c', {});
    assert.deepEqual(log, ['get a', 'release a', 'get b', 'release b']);
    const failing = await unopened({ lockingQueue: { ...lockingQueue, getLock: async () => {
        throw new Error('no lock');
    } } }).load();
    await assert.rejects(failing.updateItem('a', () => ({})), { message: 'no lock' });
});

test('our own engine may be injected, and one that was changed is used as it is', async () => {
    const engine = new DatastoreEngine({ directory: '/nowhere/shared' });
    const store = new Datastore({ db: engine });
    assert.equal(store._db, engine);
    await store.load();
    await store.setItem('a', { n: 1 });
    assert.deepEqual(engine.getItem('a').document, { _rev: 0, n: 1 });
    const log = [];
    class Logging extends DatastoreEngine {
        setItem(key, document) {
            log.push([key, document._rev]);
            return super.setItem(key, document);
        }
    }
    const logged = await new Datastore({ db: new Logging({ directory: '/nowhere/logged' }) }).load();
    assert.deepEqual(await logged.setItem('a', { n: 1 }), { _rev: 0, n: 1 });
    assert.deepEqual(await logged.updateItem('a', ({ n }) => ({ n: n + 1 })), { _rev: 1, n: 2 });
    assert.deepEqual(log, [['a', 0], ['a', 1]]);
    await logged.close();
});

test('a scan sees one moment, closes its snapshot, and works across writes', async () => {
    const store = await unopened().load();
    await store.batch(
        Array.from({ length: 700 }, (_, i) => ({ type: 'set', key: `k${ 1000 + i }`, document: { i } }))
    );
    const seen = [];
    const items = store.scan({ includeDocuments: true, descending: true });
    for await (const { key, documentKey, document } of items) {
        assert.equal(documentKey, key);
        seen.push(document.i);
        if (seen.length === 10) {
            await store.deleteItem('k1000');
            await store.setItem('k2000', {});
        }
    }
    assert.deepEqual(seen, Array.from({ length: 700 }, (_, i) => 699 - i));
    for await (const item of store.scan()) {
        assert.deepEqual(item, { key: 'k1001', documentKey: 'k1001' });
        break;
    }
    await assert.rejects(store.scan({ limit: 3 }).next(), { name: 'AssertionError' });
});

test('errors show who waited', async () => {
    const store = await unopened().load();
    async function theCaller() {
        await store.insertItem('a', {});
        await store.insertItem('a', {});
    }
    await assert.rejects(theCaller(), (error) => {
        assert.equal(error.name, 'ConflictError');
        assert.match(error.stack, /at Datastore\.insertItem[^]*async theCaller/);
        return true;
    });
});
