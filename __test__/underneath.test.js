'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { kixx, openStore, errorOf, allDocuments } = require('./helpers/store.js');
const { cleanup, eventually, newDirectory, snapshotFiles } = require('./helpers/temp.js');

// What somebody else does to a directory while a process has it open.

/** A directory with the documents `a` to `c` in files, and a store that has it open. */
async function openFiles(t) {
    const directory = newDirectory(t);
    for (const key of ['a', 'b', 'c']) {
        fs.writeFileSync(path.join(directory, `${ key }.json`), JSON.stringify({ _rev: 0, key }));
    }
    const store = await new kixx.Datastore({ directory }).load();
    // It may not be able to close as it should any more.
    cleanup(t, () => store.close().catch(() => {}));
    return { directory, store };
}

/** The same, with a write of `a` in the journal. */
async function openWritten(t) {
    const { directory, store } = await openFiles(t);
    await store.setItem('a', { key: 'a', n: 1 });
    return { directory, store };
}

/** Everything in `directory`, for who opens it next. */
async function documentsIn(t, directory) {
    const store = await openStore(t, { directory });
    return allDocuments(store);
}

/** Writes to a store. Each write holds, or is a StorageError and leaves the document as it was. */
async function writeWhatGoes(store) {
    const writes = [
        ['a', () => store.setItem('a', { n: 2 })],
        ['b', () => store.deleteItem('b')],
        ['new', () => store.insertItem('new', {})],
        // Longer than a segment of the journal: it needs a file of its own.
        ['long', () => store.setItem('long', { text: 'x'.repeat(17 * 2 ** 20) })],
        ['c', () => store.setItem('c', { n: 3 })],
    ];
    for (const [key, write] of writes) {
        const [before] = await store.getItems([key]);
        try {
            const written = await write();
            const [after] = await store.getItems([key]);
            assert.deepEqual(after, typeof written === 'string' ? null : written);
        } catch (error) {
            errorOf('StorageError', { message: '.datastore' })(error);
            assert.deepEqual(await store.getItems([key]), [before]);
        }
    }
    return allDocuments(store);
}

test('documents removed underneath: reads go on, and what is written again has its file again', async (t) => {
    const { directory, store } = await openWritten(t);
    for (const key of ['a', 'b', 'c']) {
        fs.rmSync(path.join(directory, `${ key }.json`));
    }
    assert.deepEqual([...await allDocuments(store)], [
        ['a', { key: 'a', n: 1, _rev: 1 }], ['b', { key: 'b', _rev: 0 }], ['c', { key: 'c', _rev: 0 }],
    ]);
    await store.updateItem('b', (b) => ({ ...b, n: 2 }));
    await store.deleteItem('c');
    await store.close();
    assert.deepEqual(snapshotFiles(directory),
        { 'a.json': '{"_rev":1,"key":"a","n":1}', 'b.json': '{"_rev":1,"key":"b","n":2}' });
});

test('a document edited underneath: what is written next replaces it', async (t) => {
    const { directory, store } = await openWritten(t);
    fs.writeFileSync(path.join(directory, 'b.json'), '{"half');
    assert.deepEqual(await store.getItem('b'), { key: 'b', _rev: 0 });
    await store.setItem('b', { n: 2 });
    await store.close();
    assert.equal(fs.readFileSync(path.join(directory, 'b.json'), 'utf8'), '{"_rev":1,"n":2}');
});

test('a directory in place of a document: stats() and close() say so, nothing is lost', async (t) => {
    const { directory, store } = await openWritten(t);
    const place = path.join(directory, 'a.json');
    fs.rmSync(place);
    fs.mkdirSync(path.join(place, 'full'), { recursive: true });
    let failure;
    await eventually(() => {
        store.stats().then((stats) => {
            failure = stats.checkpointFailure;
        });
        return failure;
    }, 'a checkpoint that failed');
    assert.match(failure, /a\.json/);
    assert.deepEqual(await store.setItem('d', {}), { _rev: 0 }, 'writes go on');
    await assert.rejects(store.close(), errorOf('StorageError', { message: 'a.json' }));
    fs.rmSync(place, { recursive: true });
    assert.deepEqual([...await documentsIn(t, directory)], [
        ['a', { key: 'a', n: 1, _rev: 1 }], ['b', { key: 'b', _rev: 0 }], ['c', { key: 'c', _rev: 0 }],
        ['d', { _rev: 0 }],
    ]);
});

test('.datastore removed underneath, before the first write: reads go on, writes are refused', async (t) => {
    const { directory, store } = await openFiles(t);
    const before = await allDocuments(store);
    fs.rmSync(path.join(directory, '.datastore'), { recursive: true });
    await assert.rejects(store.setItem('a', {}), errorOf('StorageError', { message: '.datastore' }));
    assert.deepEqual(await allDocuments(store), before);
    await store.close().catch(errorOf('StorageError'));
    assert.deepEqual(await documentsIn(t, directory), before);
});

test('.datastore removed underneath: what was acknowledged is in the files after close()', async (t) => {
    const { directory, store } = await openWritten(t);
    fs.rmSync(path.join(directory, '.datastore'), { recursive: true });
    const expected = await writeWhatGoes(store);
    // The files are written; close() may tell that the journal is gone.
    await store.close().catch(errorOf('StorageError'));
    assert.deepEqual(await documentsIn(t, directory), expected);
});

test('the directory renamed underneath: under its new name it holds what was acknowledged', async (t) => {
    const { directory, store } = await openWritten(t);
    const moved = `${ directory }-moved`;
    fs.renameSync(directory, moved);
    const expected = await writeWhatGoes(store);
    await assert.rejects(store.close(), errorOf('StorageError', { message: directory }));
    assert.equal(fs.existsSync(directory), false, 'it is not made again');
    assert.deepEqual(await documentsIn(t, moved), expected);
});

test('the directory removed underneath: reads go on, close() tells', async (t) => {
    const { directory, store } = await openWritten(t);
    fs.rmSync(directory, { recursive: true });
    await writeWhatGoes(store);
    await assert.rejects(store.close(), errorOf('StorageError', { message: directory }));
    assert.equal(fs.existsSync(directory), false, 'it is not made again');
    assert.equal((await documentsIn(t, directory)).size, 0);
});
