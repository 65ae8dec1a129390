'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { SharingProcess, openHandles, startHandles } = require('./helpers/sharing.js');
const { errorOf, openStore, makeStore, allDocuments } = require('./helpers/store.js');
const { cleanup, newDirectory, newPath } = require('./helpers/temp.js');

/** A hang is a failure. */
const LIMIT = { timeout: 60000 };

const PAGE = { inclusiveStartIndex: 0, limit: 100, includeDocuments: true };

/** Everything about a tree that a write would change: names, contents, rights, and when they changed. */
function treeOf(directory) {
    const names = ['', ...fs.readdirSync(directory, { recursive: true }).sort()];
    return names.map((name) => {
        const file = path.join(directory, name);
        const { mode, size, mtimeMs, ctimeMs, ino } = fs.statSync(file);
        const content = fs.statSync(file).isDirectory() ? null : fs.readFileSync(file, 'base64');
        return { name, mode, size, mtimeMs, ctimeMs, ino, content };
    });
}

function plainDirectory(t, documents = 5) {
    const directory = newDirectory(t);
    for (let n = 0; n < documents; n += 1) {
        fs.writeFileSync(path.join(directory, `key${ n }.json`), `{"_rev":${ n },"n":${ n }}`);
    }
    return directory;
}

/** All ways to read what `plainDirectory` made. */
async function checkPlainReads(store, documents = 5) {
    assert.deepEqual(await store.getItem('key3'), { _rev: 3, n: 3 });
    assert.deepEqual(await store.getItems(['key1', 'none']), [{ _rev: 1, n: 1 }, null]);
    assert.equal(await store.hasItem('key4'), true);
    assert.equal((await store.queryKeys()).total, documents);
    store.setView('byN', { map: (document, emit) => emit(document.n) });
    assert.equal((await store.queryView('byN', { startKey: 3 })).total, documents - 3);
    assert.equal(store._db.queryKeys(PAGE).items.length, documents);
    let scanned = 0;
    for await (const { document } of store.scan({ includeDocuments: true })) {
        scanned += document.n + 1;
    }
    assert.equal(scanned, documents * (documents + 1) / 2);
    assert.equal((await store.stats()).documents, documents);
}

test('a plain directory is read and left exactly as it was', LIMIT, async (t) => {
    const directory = plainDirectory(t);
    const before = treeOf(directory);
    const stores = [];
    for (const cache of [true, false]) {
        const store = await openStore(t, { directory, readOnly: true, cache });
        await checkPlainReads(store);
        stores.push(store);
    }
    assert.deepEqual(treeOf(directory), before, 'while it is open');
    await Promise.all(stores.map((store) => store.close()));
    assert.deepEqual(treeOf(directory), before, 'after it is closed');
});

test('every write is refused and changes nothing', LIMIT, async (t) => {
    const directory = plainDirectory(t);
    const before = treeOf(directory);
    const store = await openStore(t, { directory, readOnly: true });
    const refused = errorOf('AssertionError');
    const writes = {
        setItem: () => store.setItem('key1', {}),
        'setItem without looking': () => store.setItem('key1', {}, { checkConsistency: false }),
        insertItem: () => store.insertItem('new', {}),
        updateItem: () => store.updateItem('key1', (document) => document),
        deleteItem: () => store.deleteItem('key1'),
        'deleteItem of nothing': () => store.deleteItem('none'),
        batch: () => store.batch([{ type: 'set', key: 'new', document: {} }]),
        'engine.setItem': () => store._db.setItem('key1', {}),
        'engine.deleteItem': () => store._db.deleteItem('key1'),
    };
    for (const [name, write] of Object.entries(writes)) {
        await assert.rejects(async () => write(), refused, name);
    }
    await checkPlainReads(store);
    const [writer] = await openHandles(t, 1, { directory });
    for (const [name, write] of Object.entries(writes)) {
        await assert.rejects(async () => write(), refused, `${ name }, next to a writer`);
    }
    await writer.call('close');
    await store.close();
    const contents = (tree) => tree.map(({ name, content }) => [name, content]);
    assert.deepEqual(contents(treeOf(directory)), contents(before));
});

test('a missing directory is not created', LIMIT, async (t) => {
    const directory = newPath(t);
    const store = makeStore(t, { directory, readOnly: true });
    await store.load().catch(errorOf('StorageError'));
    await store.close();
    assert.equal(fs.existsSync(directory), false);
});

/** Takes the right to write from everybody; who runs as root reads as somebody without rights. */
function withoutRights(t, directory) {
    const names = ['', ...fs.readdirSync(directory, { recursive: true })];
    const files = names.map((name) => path.join(directory, name));
    const directories = files.filter((file) => fs.statSync(file).isDirectory());
    files.forEach((file) => fs.chmodSync(file, directories.includes(file) ? 0o555 : 0o444));
    fs.chmodSync(path.dirname(directory), 0o755);
    // Who is not root has to get the right back to remove them.
    cleanup(t, () => directories.forEach((file) => fs.chmodSync(file, 0o755)));
    return new SharingProcess(t, { as: process.getuid?.() === 0 ? 'nobody' : '' }).handles[0];
}

test('a directory that may not be written is read', LIMIT, async (t) => {
    const directory = plainDirectory(t);
    const reader = withoutRights(t, directory);
    const before = treeOf(directory);
    await reader.call('open', { directory, readOnly: true });
    assert.deepEqual(await reader.call('getItem', 'key3'), { _rev: 3, n: 3 });
    await reader.call('setView', 'byN');
    assert.equal((await reader.call('queryView', 'byN', { key: 4 })).total, 1);
    await reader.call('close');
    assert.deepEqual(treeOf(directory), before);
});

test('a journal that may not be written is read', LIMIT, async (t) => {
    const directory = plainDirectory(t);
    const [writer] = await openHandles(t, 1, { directory });
    await writer.call('setItem', 'key1', { n: 'new' });
    await writer.call('deleteItem', 'key2');
    await writer.process.kill();
    const reader = withoutRights(t, directory);
    const before = treeOf(directory);
    await reader.call('open', { directory, readOnly: true });
    const documents = await reader.call('getItems', ['key0', 'key1', 'key2']);
    assert.deepEqual(documents, [{ _rev: 0, n: 0 }, { _rev: 2, n: 'new' }, null]);
    await reader.call('close');
    assert.deepEqual(treeOf(directory), before);
});

for (const cache of [true, false]) {
    test(`a reader sees every acknowledged write of others at once, cache: ${ cache }`, LIMIT, async (t) => {
        const directory = plainDirectory(t);
        const reader = await openStore(t, { directory, readOnly: true, missing: 'null', cache });
        reader.setView('byN', { map: (document, emit) => emit(document.n) });
        const writers = await openHandles(t, 2, { directory, durability: 'os' });
        // One more handle in the process of the reader.
        const own = await openStore(t, { directory, durability: 'os' });
        writers.push({ call: (method, ...args) => own[method](...args) });
        for (let n = 10; n < 160; n += 1) {
            const writer = writers[n % 3];
            const key = `key${ n % 5 }`;
            const written = await writer.call('setItem', key, { n });
            assert.deepEqual(await reader.getItem(key), written);
            assert.deepEqual((await reader.getItems(['none', key]))[1], written);
            assert.deepEqual(reader._db.getItem(key).document, written);
            const { items, total } = await reader.queryView('byN', { key: n, includeDocuments: true });
            assert.deepEqual([total, items[0].document], [1, written]);
            if (n % 10 === 0) {
                await writer.call('deleteItem', key);
                assert.equal(await reader.getItem(key), null);
                assert.equal(await reader.hasItem(key), false);
                assert.equal((await reader.queryKeys()).total, 4);
                assert.equal(reader._db.queryView('byN', PAGE).total, 4);
                await writer.call('insertItem', key, { n });
            }
            assert.equal(reader._db.queryKeys(PAGE).total, 5);
        }
    });
}

const byKey = (items) => new Map(items.map(({ key, document }) => [key, document]));

/** Kills a process after some writes; answers the documents that it had acknowledged. */
async function leaveJournal(t, directory, durability) {
    const [writer] = await openHandles(t, 1, { directory, durability });
    await writer.call('write', { prefix: 'written', keys: 20, total: 50 });
    await writer.call('deleteItem', 'key1');
    await writer.call('batch', [
        { type: 'set', key: 'key2', document: { n: 'new' } }, { type: 'delete', key: 'written:3' },
    ]);
    const documents = await writer.call('scan', { includeDocuments: true });
    await writer.call('setItem', 'last', { n: 'last' });
    await writer.process.kill();
    return byKey(documents);
}

for (const durability of ['sync', 'os', 'batched']) {
    const title = `the journal of a killed process is read and not repaired, durability ${ durability }`;
    test(title, LIMIT, async (t) => {
        const directory = plainDirectory(t);
        const documents = await leaveJournal(t, directory, durability);
        const expected = new Map([...documents, ['last', { n: 'last', _rev: 0 }]].sort());
        const before = treeOf(directory);
        const reader = await openStore(t, { directory, readOnly: true });
        assert.deepEqual(await allDocuments(reader), expected);
        assert.deepEqual(treeOf(directory), before, 'while it is open');
        await reader.close();
        assert.deepEqual(treeOf(directory), before, 'after it is closed');
        const writer = await openStore(t, { directory });
        assert.deepEqual(await allDocuments(writer), expected, 'a writer recovers all of it');
    });
}

test('a journal with a torn end is read up to there and not repaired', LIMIT, async (t) => {
    const directory = plainDirectory(t);
    const documents = await leaveJournal(t, directory, 'os');
    const journal = path.join(directory, '.datastore');
    const segments = fs.readdirSync(journal).filter((name) => name.startsWith('journal-')).sort();
    const segment = path.join(journal, segments.at(-1));
    const bytes = fs.readFileSync(segment);
    const end = bytes.findLastIndex((byte) => byte !== 0);
    fs.writeFileSync(segment, bytes.subarray(0, end - 2));
    const before = treeOf(directory);
    const reader = await openStore(t, { directory, readOnly: true });
    assert.deepEqual(await allDocuments(reader), documents);
    assert.deepEqual(treeOf(directory), before, 'while it is open');
    const [writer] = await openHandles(t, 1, { directory });
    await writer.call('setItem', 'after', { n: 1 });
    assert.deepEqual(await reader.getItem('after'), { n: 1, _rev: 0 });
    assert.equal(await reader.hasItem('last'), false);
});

test('writers come and go while a reader stays', LIMIT, async (t) => {
    const directory = plainDirectory(t);
    const reader = await openStore(t, { directory, readOnly: true, missing: 'null' });
    reader.setView('byN', { map: (document, emit) => emit(document.n) });
    const [guest] = startHandles(t, 1);
    // Each round begins a new journal, whose first commit is like that of the one before.
    for (let round = 0; round < 12; round += 1) {
        await guest.call('open', { directory });
        const written = await guest.call('setItem', 'key0', { n: `round ${ round }` });
        assert.deepEqual(await reader.getItem('key0'), written);
        await guest.call(round % 2 === 0 ? 'deleteItem' : 'insertItem', 'key1', { n: round });
        assert.equal((await reader.queryKeys()).total, round % 2 === 0 ? 4 : 5);
        if (round % 3 === 0) {
            assert.equal((await reader.queryView('byN', { key: `round ${ round }` })).total, 1);
        }
        await guest.call('close');
        assert.ok(!fs.existsSync(path.join(directory, '.datastore')), 'a reader holds nothing');
        assert.deepEqual(await reader.getItem('key0'), written, 'the same from the files');
        assert.equal((await reader.queryKeys()).total, round % 2 === 0 ? 4 : 5);
        assert.equal((await reader.queryView('byN', { startKey: 'round' })).total, 1);
    }
});

test('a writer that visits unseen leaves nothing stale', LIMIT, async (t) => {
    const directory = plainDirectory(t);
    const reader = await openStore(t, { directory, readOnly: true, missing: 'null' });
    reader.setView('byN', { map: (document, emit) => emit(document.n) });
    const [guest] = startHandles(t, 1);
    for (let round = 0; round < 8; round += 1) {
        await guest.call('open', { directory });
        const written = await guest.call('setItem', 'key0', { n: 100 + round });
        await guest.call('deleteItem', 'key4');
        await guest.call('insertItem', 'key4', { n: 200 + round });
        await guest.call('close');
        // Nobody read while the journal was there.
        assert.deepEqual(await reader.getItem('key0'), written);
        const { items } = await reader.queryView('byN', { startKey: 100, includeDocuments: true });
        assert.deepEqual(items.map(({ key, document }) => [key, document._rev]), [
            [100 + round, round + 1], [200 + round, 0],
        ]);
    }
});

test('a reader stays while writers are killed and others recover', LIMIT, async (t) => {
    const directory = plainDirectory(t);
    const reader = await openStore(t, { directory, readOnly: true });
    for (let round = 0; round < 4; round += 1) {
        const [writer] = await openHandles(t, 1, { directory, durability: 'os' });
        await writer.call('write', { prefix: 'written', keys: 5, total: 20 + round });
        await writer.call('increment', 'counter', 3);
        const newest = await writer.call('scan', { includeDocuments: true });
        await writer.process.kill();
        const documents = byKey(newest);
        assert.deepEqual(await allDocuments(reader), documents, `round ${ round }`);
        assert.equal(documents.get('counter').n, 3 * (round + 1));
    }
    const [last] = await openHandles(t, 1, { directory });
    await last.call('close');
    assert.equal((await reader.getItem('counter')).n, 12);
    assert.ok(!fs.existsSync(path.join(directory, '.datastore')));
});

test('readers watch a document while others open, count and close', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const [watcher, ...writers] = startHandles(t, 3);
    await watcher.call('open', { directory, readOnly: true });
    const { done } = await watcher.begin('watch', ['counter']);
    const runs = writers.map((writer, i) => (
        writer.call('churn', { directory, durability: 'os' }, { key: 'counter', rounds: 15, seed: i })
    ));
    const total = (await Promise.all(runs)).reduce((sum, counted) => sum + counted, 0);
    assert.equal((await watcher.call('getItem', 'counter')).n, total);
    await watcher.call('halt');
    const { reads, newest } = await done;
    assert.deepEqual(newest, [total]);
    t.diagnostic(`${ reads } reads, counted to ${ total }`);
});
