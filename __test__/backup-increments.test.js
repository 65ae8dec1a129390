'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { documentsOf, fill, newBackupPath, openMemoryStore, readLines } = require('./helpers/backup.js');
const { startScript } = require('./helpers/child.js');
const { STORAGE, kixx, directoryOf, errorOf, openStore, reopen } = require('./helpers/store.js');
const { newRoomyDirectory } = require('./helpers/temp.js');

const TOO_OLD = errorOf('TooOldError', { message: 'Make a full backup' });

test('an increment holds what changed and what is gone, and nothing else', async (t) => {
    for (const open of [openStore, openMemoryStore]) {
        const store = await open(t);
        await fill(store, 'doc', 5);
        const full = await store.backup(newBackupPath(t));
        await store.setItem('doc:3', { changed: true });
        await store.setItem('new', {});
        await store.setItem('fleeting', {});
        await store.deleteItem('fleeting');
        await store.deleteItem('doc:1');
        const { path: file, ...result } = await store.backup(newBackupPath(t), { since: full });
        const { id, sequence } = full;
        assert.deepEqual([result.documents, result.deletions], [2, 2]);
        assert.deepEqual(result.since, { id, sequence });
        const { header, lines, trailer } = readLines(file);
        assert.deepEqual(header.since, { id, sequence });
        assert.deepEqual(lines, [
            { key: 'doc:1', deleted: true },
            { key: 'doc:3', document: { _rev: 1, changed: true } },
            { key: 'fleeting', deleted: true },
            { key: 'new', document: { _rev: 0 } },
        ]);
        assert.deepEqual([trailer.documents, trailer.deletions], [2, 2]);
        assert.deepEqual((await kixx.verifyBackup(file)).since, { id, sequence });
        const nothing = await store.backup(newBackupPath(t), { since: file });
        assert.deepEqual([nothing.documents, nothing.deletions], [0, 0]);
    }
});

test('a backup that is taken before the first write', async (t) => {
    const store = await openStore(t);
    const full = await store.backup(newBackupPath(t));
    await fill(store, 'doc', 3);
    assert.equal((await store.backup(newBackupPath(t), { since: full })).documents, 3);
    const again = await reopen(t, store);
    await fill(again, 'more', 2);
    await assert.rejects(again.backup(newBackupPath(t), { since: full }), TOO_OLD);
});

test('a clean close ends the history, another datastore has another', async (t) => {
    const store = await openStore(t);
    await fill(store, 'doc', 3);
    const full = await store.backup(newBackupPath(t));
    const other = await openStore(t);
    await fill(other, 'doc', 3);
    const file = newBackupPath(t);
    await assert.rejects(other.backup(file, { since: full }), TOO_OLD);
    const again = await reopen(t, store);
    await fill(again, 'doc', 3);
    await assert.rejects(again.backup(file, { since: full.path }), TOO_OLD);
    assert.equal((await again.backup(file)).documents, 3);
});

test('a killed process ends no history', async (t) => {
    const directory = newRoomyDirectory(t);
    const full = newBackupPath(t);
    const child = startScript(t, 'backup-child.js', ['leave', directory, full]);
    const { signal, stderr } = await child.exited;
    assert.equal(signal, 'SIGKILL', stderr);
    const store = await openStore(t, { directory });
    await store.setItem('newest', { n: 3 });
    const { path: increment } = await store.backup(newBackupPath(t), { since: full });
    assert.deepEqual(readLines(increment).lines, [
        { key: 'deleted', deleted: true },
        { key: 'kept', document: { _rev: 1, n: 2 } },
        { key: 'new', document: { _rev: 0, n: 2 } },
        { key: 'newest', document: { _rev: 0, n: 3 } },
    ]);
    const restored = await openStore(t);
    await restored.restore([full, increment]);
    assert.deepEqual(await documentsOf(restored), await documentsOf(store));
});

test('another process, also one that only reads, continues a backup', async (t) => {
    const directory = newRoomyDirectory(t);
    const child = startScript(t, 'backup-child.js', ['write', directory]);
    await child.until('writing');
    const first = await openStore(t, { directory });
    const full = await first.backup(newBackupPath(t));
    const reader = await openStore(t, STORAGE === 'files' ? { directory, readOnly: true } : { directory });
    const middle = await reader.backup(newBackupPath(t), { since: full });
    child.send('stop');
    await child.exited;
    const last = await first.backup(newBackupPath(t), { since: middle.path });
    const restored = await openStore(t);
    await restored.restore([full.path, middle.path, last.path]);
    assert.deepEqual(await documentsOf(restored), await documentsOf(first));
});

test('too many changes are too old', async (t) => {
    const store = await openMemoryStore(t);
    const full = await store.backup(newBackupPath(t));
    await fill(store, 'doc', 70000);
    await assert.rejects(store.backup(newBackupPath(t), { since: full }), TOO_OLD);
});

test('a backup before that is damaged or missing', async (t) => {
    const store = await openStore(t);
    const missing = newBackupPath(t);
    const isMissing = errorOf('StorageError', { message: 'ENOENT' });
    await assert.rejects(store.backup(newBackupPath(t), { since: missing }), isMissing);
    const directory = directoryOf(store);
    const isDirectory = errorOf('StorageError', { message: 'it is a directory' });
    await assert.rejects(store.backup(newBackupPath(t), { since: directory }), isDirectory);
});
