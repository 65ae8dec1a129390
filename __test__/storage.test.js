'use strict';

// What the option `storage` says, and what of it is refused.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { cliJson } = require('./helpers/cli.js');
const { open } = require('./helpers/keyvalue.js');
const { leaveOver } = require('./helpers/left-over.js');
const { kixx, openStore, errorOf } = require('./helpers/store.js');
const { newDirectory, newPath, snapshotFiles } = require('./helpers/temp.js');

const openValues = (t, base) => open(t, new kixx.Distributor({ directory: base }), 'a', 'disk');

test('options that do not fit are refused by the constructor', () => {
    const cases = [
        [{ directory: 'x', storage: 'paper' }, "'files', 'disk', 'memory'"],
        [{ storage: 'disk' }, 'directory'],
        [{ directory: 'x', storage: 'memory' }, 'directory'],
        [{ directory: 'x', storage: 'disk', readOnly: true }, 'readOnly'],
        [{ directory: 'x', storage: 'disk', fileSystem: {} }, 'fileSystem'],
        [{ directory: 'x', storage: 'disk', cacheSize: 2 ** 20 - 1 }, 'cacheSize'],
        [{ directory: 'x', storage: 'disk', cacheSize: '64 MiB' }, 'cacheSize'],
        [{ directory: 'x', storage: 'disk', cacheSize: Infinity }, 'cacheSize'],
    ];
    for (const [options, message] of cases) {
        assert.throws(() => new kixx.Datastore(options), errorOf('AssertionError', { message }));
    }
});

test('a directory has one form: opened as another one it is left as it is', async (t) => {
    for (const [storage, wrong] of [['files', 'disk'], ['disk', 'files']]) {
        const directory = newDirectory(t);
        const store = await openStore(t, { directory, storage });
        await store.setItem('a', { n: 1 });
        const tells = errorOf('AssertionError', { message: `storage '${ storage }'` });
        const other = new kixx.Datastore({ directory, storage: wrong });
        await assert.rejects(other.load(), tells, 'while it is open');
        await store.close();
        const before = snapshotFiles(directory);
        const hint = errorOf('AssertionError', { message: `{ storage: '${ storage }' }` });
        await assert.rejects(new kixx.Datastore({ directory, storage: wrong }).load(), hint);
        if (storage === 'disk') {
            await assert.rejects(new kixx.Datastore({ directory, readOnly: true }).load(), hint);
        }
        assert.deepEqual(snapshotFiles(directory), before);
        assert.equal((await (await openStore(t, { directory, storage })).getItem('a')).n, 1);
    }
});

test('handles of one process have the same cacheSize, or are told which one to take', async (t) => {
    const directory = newPath(t);
    await openStore(t, { directory, storage: 'disk', cacheSize: 2 ** 21 });
    const other = new kixx.Datastore({ directory, storage: 'disk' });
    await assert.rejects(other.load(), errorOf('AssertionError', { message: `cacheSize ${ 2 ** 21 }` }));
    const same = await openStore(t, { directory, storage: 'disk', cacheSize: 2 ** 21 });
    await same.setItem('a', {});
});

test('memory: each store for itself, and nothing is left', async (t) => {
    const [one, two] = await Promise.all([1, 2].map(() => openStore(t, { storage: 'memory' })));
    await one.setItem('a', {});
    assert.equal(await two.hasItem('a'), false);
    assert.equal((await one.stats()).directory, ':memory:');
});

test('keys that no file can have', async (t) => {
    for (const storage of ['disk', 'memory']) {
        const store = await openStore(t, { storage });
        for (const key of ['CON', 'x'.repeat(65_536), `${ '日'.repeat(300) }*`]) {
            await store.setItem(key, { n: 1 });
            assert.equal((await store.getItem(key)).n, 1);
        }
        const key = 'x'.repeat(65_537);
        await assert.rejects(store.setItem(key, {}), errorOf('AssertionError', { message: '65536' }));
        assert.equal((await store.queryKeys()).total, 3);
    }
});

test('a document that has changed inside the data file is an error, never an answer', async (t) => {
    const directory = newDirectory(t);
    const store = await openStore(t, { directory, storage: 'disk' });
    await store.setItem('bad', { text: 'this is what was written' });
    await store.setItem('good', { n: 1 });
    await store.close();
    const file = path.join(directory, 'data.redb');
    const bytes = fs.readFileSync(file);
    for (let at; (at = bytes.indexOf('what was written')) >= 0;) {
        bytes.write('what was changed', at);
    }
    fs.writeFileSync(file, bytes);
    const damaged = await openStore(t, { directory, storage: 'disk' });
    const corrupt = errorOf('CorruptError', { message: 'data.redb' });
    await assert.rejects(damaged.getItem('bad'), corrupt);
    await assert.rejects(damaged.queryKeys({ includeDocuments: true }), corrupt);
    await assert.rejects(damaged.scan({ includeDocuments: true }).next(), corrupt);
    await assert.rejects(damaged.backup(path.join(newDirectory(t), 'backup')), corrupt);
    damaged.setView('v', { map: (document, emit) => emit(document.n) });
    await assert.rejects(damaged.queryView('v'), corrupt);
    assert.deepEqual(await damaged.getItem('good'), { n: 1, _rev: 0 });
    await damaged.close();
    await assert.rejects(kixx.convert(directory, { to: 'files' }), corrupt);
    assert.deepEqual(fs.readdirSync(directory), ['data.redb']);
});

test('a data file that is none, and one that is cut off, are told and left alone', async (t) => {
    const directory = newDirectory(t);
    const store = await openStore(t, { directory, storage: 'disk' });
    await store.setItem('a', { text: 'x'.repeat(10_000) });
    await store.close();
    const file = path.join(directory, 'data.redb');
    const whole = fs.readFileSync(file);
    for (const bytes of [Buffer.from('{"_rev":0}'), whole.subarray(0, 1_000), Buffer.alloc(whole.length)]) {
        fs.writeFileSync(file, bytes);
        const broken = new kixx.Datastore({ directory, storage: 'disk' });
        await assert.rejects(broken.load(), errorOf('CorruptError', { message: 'data.redb' }));
        assert.deepEqual(fs.readFileSync(file), bytes);
        assert.deepEqual(fs.readdirSync(directory), ['data.redb']);
    }
});

test('a key-value store is no datastore, nor the other way round, open or closed', async (t) => {
    const base = newDirectory(t);
    const place = path.join(base, 'store-a');
    const values = await openValues(t, base);
    await values.set('k', 'v');
    const hint = errorOf('AssertionError', { message: [place, 'key-value store', 'Distributor'] });
    const openAsDatastore = () => new kixx.Datastore({ directory: place, storage: 'disk' }).load();
    await assert.rejects(openAsDatastore(), hint, 'while it is open');
    assert.equal(await values.get('k'), 'v');
    await values.close();
    await assert.rejects(openAsDatastore(), hint);
    await assert.rejects(new kixx.Datastore({ directory: place }).load(), errorOf('AssertionError'));
    await assert.rejects(kixx.convert(place, { to: 'files' }), hint);
    assert.deepEqual(fs.readdirSync(place), ['data.redb']);
    assert.equal(await (await openValues(t, base)).get('k'), 'v');

    for (const storage of ['disk', 'files']) {
        const other = newDirectory(t);
        const directory = path.join(other, 'store-a');
        const store = await openStore(t, { directory, storage });
        await store.setItem('a', { n: 1 });
        const message = [directory, `{ storage: '${ storage }' }`];
        const hasHint = errorOf('AssertionError', { message });
        await assert.rejects(openValues(t, other), hasHint, 'while it is open');
        await store.close();
        await assert.rejects(openValues(t, other), hasHint);
        assert.deepEqual(fs.readdirSync(directory), [storage === 'disk' ? 'data.redb' : 'a.json']);
        assert.equal((await (await openStore(t, { directory, storage })).getItem('a')).n, 1);
    }
});

test('a data file that is missing is told, whatever the directory is opened as', async (t) => {
    const directory = newPath(t);
    const set = (key, n) => ['setItem', key, { n }];
    await leaveOver(t, directory, [set('a', 1), ['checkpoint'], set('b', 2)], 'disk');
    const file = path.join(directory, 'data.redb');
    const aside = path.join(newDirectory(t), 'data.redb');
    fs.renameSync(file, aside);
    const before = snapshotFiles(directory);
    const missing = errorOf('CorruptError', { message: [file, 'is missing'] });
    for (const options of [{ storage: 'disk' }, { storage: 'files' }, {}, { readOnly: true }]) {
        await assert.rejects(new kixx.Datastore({ directory, ...options }).load(), missing);
    }
    await assert.rejects(kixx.convert(directory, { to: 'disk' }), missing);
    for (const command of ['keys', 'verify', 'repair']) {
        const { code, error } = await cliJson(t, [command, directory]);
        assert.deepEqual([code, error.code], [5, 'CORRUPT'], command);
        assert.ok(error.message.includes(file), error.message);
    }
    const segments = (files) => Object.entries(files).filter(([name]) => name.includes('journal-'));
    assert.deepEqual(segments(snapshotFiles(directory)), segments(before));
    fs.renameSync(aside, file);
    const store = await openStore(t, { directory, storage: 'disk' });
    assert.deepEqual(await store.getItems(['a', 'b']), [{ n: 1, _rev: 0 }, { n: 2, _rev: 0 }]);
});
