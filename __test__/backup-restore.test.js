'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const {
    documentsOf, fill, newBackupPath, openMemoryStore, readDocuments, readLines, writeLines,
} = require('./helpers/backup.js');
const { startScript } = require('./helpers/child.js');
const { STORAGE, directoryOf, errorOf, openStore, reopen, testFiles } = require('./helpers/store.js');
const { newDirectory, newRoomyDirectory } = require('./helpers/temp.js');

const HEADER = {
    format: 'kixx-datastore-backup', version: 1, package: '0.1.0', created: '2024-01-01T00:00:00.000Z',
    id: '0123456789abcdef0123456789abcdef', sequence: 7, since: null,
};

/** A file with a store's documents `doc:0` to `doc:9`, all at revision 1. */
async function backupOfTen(t) {
    const source = await openStore(t);
    await fill(source, 'doc', 10);
    await fill(source, 'doc', 10);
    const file = newBackupPath(t);
    await source.backup(file);
    return file;
}

test('documents that are there already: error, skip, overwrite', async (t) => {
    const file = await backupOfTen(t);
    const backed = readDocuments(file);
    for (const open of [openStore, openMemoryStore]) {
        const store = await open(t);
        for (const key of ['doc:1', 'doc:3', 'other']) {
            await store.setItem(key, { mine: true });
        }
        const before = await documentsOf(store);
        const names = ['2 of the 10', '"doc:1", "doc:3".', 'Nothing was written', "conflict: 'skip'"];
        await assert.rejects(store.restore(file), errorOf('ConflictError', { key: 'doc:1', message: names }));
        assert.deepEqual(await documentsOf(store), before);

        const { documents, skipped } = await store.restore(file, { conflict: 'skip' });
        assert.deepEqual([documents, skipped], [8, 2]);
        const merged = new Map([...backed, ...before]);
        assert.deepEqual(new Map(await documentsOf(store)), merged);

        const all = ['10 of the 10', '"doc:0", "doc:1", "doc:2", "doc:3", "doc:4", ...'];
        await assert.rejects(store.restore(file), errorOf('ConflictError', { message: all }));
        assert.equal((await store.restore(file, { conflict: 'skip' })).documents, 0);
        assert.equal((await store.restore(file, { conflict: 'overwrite' })).documents, 10);
        assert.deepEqual(new Map(await documentsOf(store)), new Map([...before, ...backed]));
    }
});

test('what is written between reading the file and writing it counts', async (t) => {
    const file = await backupOfTen(t);
    const meanwhile = async (store, conflict) => {
        let writing;
        const onProgress = () => {
            writing ??= store.setItem('doc:5', { mine: true });
        };
        const outcome = await store.restore(file, { conflict, onProgress }).catch((error) => error);
        await writing;
        return outcome;
    };
    const failing = await openStore(t);
    errorOf('ConflictError', { key: 'doc:5' })(await meanwhile(failing, 'error'));
    assert.deepEqual(await documentsOf(failing), [['doc:5', { _rev: 0, mine: true }]]);
    const skipping = await openStore(t);
    const { documents, skipped } = await meanwhile(skipping, 'skip');
    assert.deepEqual([documents, skipped], [9, 1]);
    assert.equal((await skipping.getItem('doc:5')).mine, true);
});

test('two that restore at the same time: one of them does', async (t) => {
    const file = await backupOfTen(t);
    const store = await openStore(t);
    const outcomes = await Promise.allSettled(Array.from({ length: 4 }, () => store.restore(file)));
    const failures = outcomes.filter(({ status }) => status === 'rejected');
    assert.equal(failures.length, 3);
    failures.forEach(({ reason }) => errorOf('ConflictError', { message: 'doc:0' })(reason));
    assert.deepEqual(await documentsOf(store), [...readDocuments(file)]);
    const more = await openStore(t);
    const skips = await Promise.all([1, 2, 3].map(() => more.restore(file, { conflict: 'skip' })));
    assert.equal(skips.reduce((sum, { documents }) => sum + documents, 0), 10);
});

test('another process that writes: what is there at the commit counts', async (t) => {
    const source = await openStore(t);
    await fill(source, 'item', 50);
    await source.setItem('pair:a', {});
    const file = newBackupPath(t);
    await source.backup(file);
    const directory = newRoomyDirectory(t);
    const store = await openStore(t, { directory });
    const child = startScript(t, 'backup-child.js', ['write', directory]);
    await child.until('writing');
    await assert.rejects(store.restore(file), errorOf('ConflictError', { message: ' of the 51 ' }));
    const { documents, skipped } = await store.restore(file, { conflict: 'skip' });
    assert.equal(documents + skipped, 51);
    assert.ok(skipped >= 2);
    child.send('stop');
    assert.deepEqual(await child.rest().then((lines) => lines.length), 1);
    assert.equal((await documentsOf(store)).length, 52);
});

test('close() waits for a restore', async (t) => {
    const file = await backupOfTen(t);
    const store = await openStore(t);
    let closing;
    await store.restore(file, { onProgress: () => (closing ??= store.close()) });
    await closing;
    const again = await reopen(t, store);
    assert.deepEqual(await documentsOf(again), [...readDocuments(file)]);
});

test('what the datastore refuses is refused before anything is written', async (t) => {
    const file = newBackupPath(t);
    const good = { key: 'a', document: { _rev: 0 } };
    const isFile = STORAGE === 'files';
    const [long, message] = isFile ? ['k'.repeat(300), 'file name'] : ['k'.repeat(65_537), '65536'];
    const store = await openStore(t);
    writeLines(file, { header: HEADER, lines: [good, { key: long, document: { _rev: 0 } }] });
    await assert.rejects(store.restore(file), errorOf('AssertionError', { message, key: long }));
    for (const [line, problem] of [
        [{ key: '', document: { _rev: 0 } }, 'line 3: A document key must be a non-empty string'],
        ['{"key":"x\\ud800","document":{"_rev":0}}', 'line 3: A document key must be well-formed'],
        [{ key: 'b', document: { _rev: -1 } }, 'line 3: its document: expected `_rev`'],
        [{ key: 'b', document: { _rev: 1.5 } }, 'line 3: its document: expected `_rev`'],
        [{ key: 'b', document: {} }, 'line 3: its document has no _rev'],
        [{ key: 'b', document: [] }, 'line 3: its document: expected an object'],
        [{ key: 'b', deleted: true }, 'line 3: it deletes'],
        [{ key: 'a', document: { _rev: 0 } }, 'line 3: its key does not come behind'],
        ['{"key":"b","document":{"_rev":0,"a":}}', 'line 3: its document: expected a value'],
        [{ id: 'b' }, 'line 3 is neither a document nor the last line'],
    ]) {
        writeLines(file, { header: HEADER, lines: [good, line] });
        await assert.rejects(store.restore(file), errorOf('CorruptError', { message: [file, problem] }));
    }
    assert.deepEqual(await documentsOf(store), []);
    const memory = await openMemoryStore(t);
    writeLines(file, { header: HEADER, lines: [good, { key: 'k'.repeat(300), document: { _rev: 9 } }] });
    assert.equal((await memory.restore(file)).documents, 2);
});

testFiles('the files on disk are those of the backup, once it is closed', async (t) => {
    const file = await backupOfTen(t);
    const store = await openStore(t);
    await store.restore(file);
    await store.close();
    const directory = directoryOf(store);
    assert.equal(fs.readdirSync(directory).length, 10);
    for (const { key, document } of readLines(file).lines) {
        const text = fs.readFileSync(path.join(directory, `${ encodeURIComponent(key) }.json`), 'utf8');
        assert.equal(text, JSON.stringify(document));
    }
});

test('a chain is restored as one, if it is one', async (t) => {
    const store = await openStore(t);
    const directory = newDirectory(t);
    const [full, first, second, other] = ['full', 'first', 'second', 'other'].map((name) => (
        path.join(directory, name)
    ));
    await fill(store, 'doc', 6);
    const base = await store.backup(full);
    await store.deleteItem('doc:0');
    await store.setItem('doc:1', { changed: 1 });
    await store.setItem('new', {});
    const increment = await store.backup(first, { since: base });
    await store.deleteItem('new');
    await store.setItem('doc:0', { again: true });
    await store.setItem('doc:1', { changed: 2 });
    const last = await store.backup(second, { since: first });
    await store.backup(other, { since: full });

    const target = await openStore(t);
    await target.setItem('mine', {});
    const moment = ({ id, sequence }) => ({ id, sequence });
    const restored = await target.restore([full, first, second]);
    assert.deepEqual(restored, { documents: 6, skipped: 0, ...moment(last) });
    await target.deleteItem('mine');
    assert.deepEqual(await documentsOf(target), await documentsOf(store));
    const shorter = await openStore(t);
    await shorter.restore([full, other]);
    assert.deepEqual(await documentsOf(shorter), await documentsOf(store));
    assert.deepEqual(increment.since, moment(base));

    const empty = await openStore(t);
    for (const [files, message] of [
        [[first], 'only what changed'], [second, 'only what changed'], [[first, second], 'only what changed'],
        [[full, second], 'continues another backup'], [[full, second, first], 'continues another backup'],
        [[full, full], 'is a full backup'], [[first, full], 'is a full backup'],
        [[full, first, other], 'continues another backup'],
    ]) {
        await assert.rejects(empty.restore(files), errorOf('AssertionError', { message }));
    }
    assert.deepEqual(await documentsOf(empty), []);
});
