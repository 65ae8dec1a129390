'use strict';

// Engines, locking queues and file systems that are written in JavaScript.

const assert = require('node:assert/strict');
const path = require('node:path');
const { test } = require('node:test');
const { Datastore, DatastoreEngine } = require('kixx-datastore');
const { LoggingQueue, MapEngine, MapFileSystem } = require('./helpers/injected.js');

const directory = path.join('data', 'documents');
const fileOf = (key) => path.join(directory, `${ encodeURIComponent(key) }.json`);

test('an injected db: revisions are counted and checked over it', async () => {
    const db = new MapEngine();
    const lockingQueue = new LoggingQueue();
    const store = new Datastore({ db, lockingQueue });
    assert.equal(store._db, db);
    const first = await store.setItem('a', { n: 1 });
    assert.deepEqual(first, { n: 1, _rev: 0 });
    assert.deepEqual(await store.setItem('a', { ...first, n: 2 }), { n: 2, _rev: 1 });
    await assert.rejects(
        store.setItem('a', first),
        { name: 'ConflictError', code: 'CONFLICT', key: 'a', expected: 'revision 0' }
    );
    assert.deepEqual(
        await store.setItem('a', { ...first, n: 3 }, { checkConsistency: false }), { n: 3, _rev: 2 }
    );
    assert.deepEqual(await store.updateItem('a', async ({ n }) => ({ n: n + 1 })), { n: 4, _rev: 3 });
    await assert.rejects(store.insertItem('a', {}), { name: 'ConflictError' });
    await assert.rejects(store.deleteItem('a', { rev: 0 }), { name: 'ConflictError' });
    assert.equal(await store.deleteItem('a', { rev: 3 }), 'a');
    await assert.rejects(store.getItem('a'), { name: 'NotFoundError' });
    assert.deepEqual(db.log, ['load', 'set a 0', 'set a 1', 'set a 2', 'set a 3', 'delete a']);
    assert.deepEqual(lockingQueue.log, Array.from({ length: 8 }, () => ['get a', 'release a']).flat());
});

test('an injected db: concurrent writes are checked one after the other', async () => {
    const store = new Datastore({ db: new MapEngine() });
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => store.insertItem('a', {})));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
    await Promise.all(
        Array.from({ length: 20 }, () => store.updateItem('n', (document) => ({ n: (document?.n ?? 0) + 1 })))
    );
    assert.deepEqual(await store.getItem('n'), { n: 20, _rev: 19 });
});

test('an injected db: nothing is shared with it', async () => {
    const db = new MapEngine();
    const store = new Datastore({ db });
    const mine = { list: [1] };
    const stored = await store.setItem('a', mine);
    mine.list.push(2);
    stored.list.push(3);
    (await store.getItem('a')).list.push(4);
    (await store.queryKeys({ includeDocuments: true })).items[0].document.list.push(5);
    assert.deepEqual(db.documents.get('a'), { list: [1], _rev: 0 });
});

test('an injected db: queries reach it with every option', async () => {
    const db = new MapEngine();
    const store = new Datastore({ db });
    for (let i = 0; i < 5; i += 1) {
        await store.setItem(`k${ i }`, { i });
    }
    assert.deepEqual(await store.queryKeys({ startKey: 'k1', offset: 1, limit: 2 }), {
        items: [{ key: 'k2', documentKey: 'k2' }, { key: 'k3', documentKey: 'k3' }], exclusiveEndIndex: 3,
    });
    assert.deepEqual(db.asked, {
        startKey: 'k1', endKey: undefined, key: undefined,
        descending: false, inclusiveStartIndex: 1, limit: 2, includeDocuments: false,
    });
    store.setView('byI', { map: (document, emit) => emit(document.i, null) });
    assert.equal(store.hasView('byI'), true);
    const { items } = await store.queryView('byI', { key: ['x', 1], descending: true });
    assert.deepEqual(items[0], { key: 0, value: null, documentKey: 'k0' });
    assert.deepEqual(db.asked.key, ['x', 1]);
    assert.equal(db.asked.descending, true);
    assert.throws(
        () => store.deleteView('byI'),
        { name: 'AssertionError', message: 'The injected db has no deleteView()' }
    );
    db.queryKeys = async () => ({ items: [], exclusiveEndIndex: null, total: 77 });
    assert.equal((await store.queryKeys()).total, 77);
});

test('an injected db: the calls beyond Kixx', async () => {
    const db = new MapEngine();
    const store = new Datastore({ db });
    assert.deepEqual(await store.batch([
        { type: 'set', key: 'b', document: { n: 1 } },
        { type: 'set', key: 'a', document: { n: 2 } },
        { type: 'set', key: 'b', document: { n: 3, _rev: 0 } },
        { type: 'delete', key: 'a' },
    ]), [{ n: 1, _rev: 0 }, { n: 2, _rev: 0 }, { n: 3, _rev: 1 }, 'a']);
    assert.deepEqual(await store.getItems(['a', 'b']), [null, { n: 3, _rev: 1 }]);
    assert.equal(await store.hasItem('b'), true);
    const before = new Map(db.documents);
    await assert.rejects(store.batch([
        { type: 'set', key: 'c', document: {} }, { type: 'set', key: 'b', document: { _rev: 9 } },
    ]), { name: 'ConflictError', key: 'b' });
    db.failing = ['d'];
    await assert.rejects(store.batch([
        { type: 'set', key: 'c', document: {} },
        { type: 'delete', key: 'b' },
        { type: 'set', key: 'd', document: {} },
    ]), { message: 'd is out of order' });
    assert.deepEqual(db.documents, before);
    const items = [];
    for await (const item of store.scan({ includeDocuments: true })) {
        items.push(item);
    }
    assert.deepEqual(items, [{ key: 'b', documentKey: 'b', document: { n: 3, _rev: 1 } }]);
    await store.flush();
    assert.deepEqual(await store.stats(), {});
    await store.close();
    await assert.rejects(store.getItem('b'), { name: 'ClosedError' });
});

test('an injected db: an update may delete its own document, and fails then', async () => {
    for (const store of [
        new Datastore({ db: new MapEngine() }), new Datastore({ directory, fileSystem: new MapFileSystem() }),
    ]) {
        await store.setItem('a', { n: 1 });
        await assert.rejects(store.updateItem('a', async (document) => {
            await store.deleteItem('a');
            return document;
        }), { name: 'ConflictError', key: 'a' });
        assert.equal(await store.hasItem('a'), false);
        assert.deepEqual(await store.updateItem('a', () => ({ n: 2 })), { n: 2, _rev: 0 });
        await store.close();
    }
});

test('an injected db: its errors come as they are, and the next call works', async () => {
    const db = new MapEngine();
    const store = new Datastore({ db });
    db.failing = ['a'];
    await assert.rejects(store.setItem('a', {}), { name: 'Error', message: 'a is out of order' });
    await assert.rejects(store.updateItem('a', () => ({})), { message: 'a is out of order' });
    db.failing = undefined;
    assert.deepEqual(await store.setItem('a', {}), { _rev: 0 });
});

test('a file system: documents are read from it and written to it', async () => {
    const fileSystem = new MapFileSystem();
    fileSystem.files.set(fileOf('user:1'), { _rev: 4, name: 'Jane' });
    fileSystem.files.set(fileOf('ünï/1'), '{"name":"no revision","__proto__":1}');
    const store = await new Datastore({ directory, fileSystem }).load();
    assert.deepEqual(await store.getItem('user:1'), { _rev: 4, name: 'Jane' });
    assert.equal(
        JSON.stringify(await store.getItem('ünï/1')), '{"_rev":0,"name":"no revision","__proto__":1}'
    );
    assert.equal((await store.queryKeys()).total, 2);
    assert.deepEqual(
        await store.updateItem('user:1', (user) => ({ ...user, age: 5 })), { _rev: 5, name: 'Jane', age: 5 }
    );
    assert.deepEqual(fileSystem.files.get(fileOf('user:1')), { _rev: 5, name: 'Jane', age: 5 });
    await store.setItem('new', { list: [] });
    fileSystem.files.get(fileOf('new')).list.push('shared?');
    assert.deepEqual(await store.getItem('new'), { _rev: 0, list: [] });
    await store.deleteItem('new');
    await store.deleteItem('never there');
    assert.equal(fileSystem.files.has(fileOf('new')), false);
    await store.batch([{ type: 'set', key: 'b1', document: {} }, { type: 'delete', key: 'user:1', rev: 5 }]);
    assert.deepEqual([...fileSystem.files.keys()].sort(), [fileOf('b1'), fileOf('ünï/1')].sort());
    await store.close();
});

test('a file system: what another datastore wrote is there', async () => {
    const fileSystem = new MapFileSystem();
    const store = new Datastore({ directory, fileSystem });
    await Promise.all(Array.from({ length: 300 }, (_, i) => store.setItem(`k${ i }`, { i })));
    await store.close();
    const again = await new Datastore({ directory, fileSystem }).load();
    assert.deepEqual(await again.getItem('k299'), { _rev: 0, i: 299 });
    assert.equal((await again.queryKeys({ limit: 1 })).total, 300);
    again.setView('byI', { map: ({ i }, emit) => emit(i) });
    assert.equal((await again.queryView('byI', { startKey: 100 })).total, 200);
    await again.close();
});

test('a file system: a failure is what the caller gets, and the next call works', async () => {
    const fileSystem = new MapFileSystem();
    fileSystem.failing = new Set(['list']);
    const store = new Datastore({ directory, fileSystem, missing: 'null' });
    const storage = { name: 'StorageError', code: 'STORAGE', message: /no (list|read|write|remove) today/ };
    const withCause = (error) => {
        assert.throws(() => {
            throw error;
        }, storage);
        return error.cause.code === 'EIO';
    };
    await assert.rejects(store.load(), withCause);
    fileSystem.failing.clear();
    await store.setItem('a', { n: 1 });
    fileSystem.failing = new Set(['write', 'remove']);
    await assert.rejects(store.setItem('a', { n: 2 }), withCause);
    await assert.rejects(store.setItem('b', { n: 2 }), withCause);
    await assert.rejects(store.updateItem('a', () => ({ n: 3 })), withCause);
    await assert.rejects(store.deleteItem('a'), withCause);
    await assert.rejects(store._db.setItem('a', { n: 4, _rev: 9 }), withCause);
    assert.deepEqual(await store.getItem('a'), { _rev: 0, n: 1 });
    assert.equal(await store.getItem('b'), null);
    fileSystem.failing.clear();
    assert.deepEqual(await store.setItem('a', { n: 2, _rev: 0 }), { _rev: 1, n: 2 });
    await store.close();
    const broken = new MapFileSystem();
    broken.files.set(fileOf('x'), {});
    broken.failing.add('read');
    await assert.rejects(new Datastore({ directory, fileSystem: broken }).load(), withCause);
});

test('a file system: a batch that fails half-way is taken back', async () => {
    const fileSystem = new MapFileSystem();
    const store = new Datastore({ directory, fileSystem });
    await store.batch(['a', 'b'].map((key) => ({ type: 'set', key, document: { n: 1 } })));
    const before = structuredClone(fileSystem.files);
    const write = fileSystem.writeDocumentFile;
    fileSystem.writeDocumentFile = function (file, document) {
        return file === fileOf('c') ? Promise.reject(new Error('full')) : write.call(this, file, document);
    };
    await assert.rejects(store.batch([
        { type: 'set', key: 'a', document: { n: 2 } },
        { type: 'delete', key: 'b' },
        { type: 'set', key: 'c', document: { n: 2 } },
    ]), { name: 'StorageError' });
    assert.deepEqual(fileSystem.files, before);
    assert.deepEqual(await store.getItems(['a', 'b', 'c']), [{ _rev: 0, n: 1 }, { _rev: 0, n: 1 }, null]);
    await store.close();
});

test('a file system: what is no document makes load fail, naming every file', async () => {
    const fileSystem = new MapFileSystem();
    const bad = { list: '[1]', text: '"x"', broken: '{"a":', number: '5' };
    for (const [name, content] of Object.entries(bad)) {
        fileSystem.files.set(path.join(directory, `${ name }.json`), content);
    }
    fileSystem.files.set(path.join(directory, '%zz.json'), {});
    fileSystem.files.set(fileOf('good'), {});
    const store = new Datastore({ directory, fileSystem });
    await assert.rejects(store.load(), (error) => {
        assert.equal(error.name, 'CorruptError');
        for (const name of [...Object.keys(bad), '%zz']) {
            assert.ok(error.message.includes(`${ name }.json (`), error.message);
        }
        return !error.message.includes('good');
    });
    await assert.rejects(store.load({ quarantine: true }), { name: 'AssertionError', message: /quarantine/ });
});

test('a file system: keys that cannot be files are refused before anything is written', async () => {
    const fileSystem = new MapFileSystem();
    const store = await new Datastore({ directory, fileSystem }).load();
    fileSystem.log.length = 0;
    for (const key of ['x'.repeat(251), 'あ'.repeat(300), '\ud800', 'a\udc00b']) {
        await assert.rejects(store.setItem(key, {}), { name: 'AssertionError', code: 'ASSERTION' });
    }
    assert.deepEqual(fileSystem.log, []);
    await store.setItem('x'.repeat(250), {});
    await store.close();
});

test('a file system: writes of one key go one after the other, also through the engine', async () => {
    const fileSystem = new MapFileSystem();
    const lockingQueue = new LoggingQueue();
    const store = await new Datastore({ directory, fileSystem, lockingQueue }).load();
    let writing = 0;
    const write = fileSystem.writeDocumentFile;
    fileSystem.writeDocumentFile = async function (...args) {
        writing += 1;
        assert.equal(writing, 1);
        await new Promise(setImmediate);
        await write.apply(this, args);
        writing -= 1;
    };
    await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? store : store._db).setItem('a', { i })));
    assert.equal((await store.getItem('a'))._rev, 19);
    assert.equal(lockingQueue.log.length, 20);
    await store.close();
});

test('an engine with a file system of its own', async () => {
    const fileSystem = new MapFileSystem();
    const engine = new DatastoreEngine({ directory, fileSystem });
    await engine.loadDocuments();
    assert.deepEqual(await engine.setItem('a', { _rev: 7, n: 1 }), { key: 'a', document: { _rev: 7, n: 1 } });
    assert.deepEqual(await engine.setItem('a', { n: 2 }), { key: 'a', document: { _rev: 8, n: 2 } });
    assert.deepEqual(fileSystem.files.get(fileOf('a')), { _rev: 8, n: 2 });
    const store = new Datastore({ db: engine });
    assert.deepEqual(await store.getItem('a'), { _rev: 8, n: 2 });
    assert.deepEqual(await store.updateItem('a', ({ n }) => ({ n: n + 1 })), { _rev: 9, n: 3 });
    await store.close();
});
