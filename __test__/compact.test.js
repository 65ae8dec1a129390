'use strict';

// compact(): a shorter data file, and everything that was in it.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { Distributor, compact } = require('kixx-datastore');
const { cliJson } = require('./helpers/cli.js');
const { open } = require('./helpers/keyvalue.js');
const { errorOf, openStore } = require('./helpers/store.js');
const { newDirectory, newPath } = require('./helpers/temp.js');

const LIMIT = { timeout: 60_000 };
const KEYS = Array.from({ length: 400 }, (_, i) => `item:${ i }`);
const LARGE = 'x'.repeat(10_000);

/** A key-value store most of whose entries were removed, with its distributor and its directory. */
async function mostlyEmpty(t) {
    const directory = newPath(t);
    const distributor = new Distributor({ directory });
    // What is in the file is what was there when it was closed.
    const filled = await open(t, distributor, 'events', 'disk');
    await filled.setBatch(KEYS.map((key) => [key, LARGE]));
    await filled.close();
    const store = await open(t, distributor, 'events', 'disk');
    await store.clear({ prefix: 'item:1' });
    await store.clear({ prefix: 'item:2' });
    await store.clear({ prefix: 'item:3' });
    return { distributor, store, directory: path.join(directory, 'store-events') };
}

const lengthOf = (directory) => fs.statSync(path.join(directory, 'data.redb')).size;

test('a datastore: shorter, with its documents, revisions and views', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const options = { directory, storage: 'disk' };
    const filled = await openStore(t, options);
    await Promise.all(KEYS.map((key, n) => filled.setItem(key, { n, text: LARGE })));
    await filled.close();
    const store = await openStore(t, options);
    const byParity = (document, emit) => emit(document.n % 2);
    await Promise.all(KEYS.slice(0, 10).map((key, n) => store.setItem(key, { n })));
    store.setView('parity', { map: byParity });
    await store.queryView('parity');
    await Promise.all(KEYS.slice(10).map((key) => store.deleteItem(key)));
    await store.close();
    const { before, after } = await compact(directory);
    assert.ok(after < before / 2, `${ before } bytes before, ${ after } now`);
    assert.equal(after, lengthOf(directory));
    assert.deepEqual(fs.readdirSync(directory), ['data.redb']);

    const again = await openStore(t, options);
    const { items } = await again.queryKeys({ includeDocuments: true, limit: 400 });
    const revisions = items.map(({ key, document }) => [key, document._rev, document.n]);
    assert.deepEqual(revisions, KEYS.slice(0, 10).map((key, n) => [key, 1, n]));
    again.setView('parity', { map: byParity });
    assert.equal((await again.queryView('parity', { key: 1, limit: 400 })).items.length, 5);
});

test('a key-value store: shorter, with its entries', LIMIT, async (t) => {
    const { distributor, store, directory } = await mostlyEmpty(t);
    await store.close();
    const { before, after } = await compact(directory, { lockTimeout: 0 });
    assert.ok(after < before / 2, `${ before } bytes before, ${ after } now`);
    const again = await open(t, distributor, 'events', 'disk');
    const left = KEYS.filter((key) => !/^item:[123]/.test(key));
    assert.equal(await again.count(), left.length);
    for (const key of left) {
        assert.equal(await again.get(key), LARGE);
    }
});

test('what is as short as it can be, or empty, stays as it is', LIMIT, async (t) => {
    const { store, directory } = await mostlyEmpty(t);
    await store.close();
    const { after } = await compact(directory);
    assert.deepEqual(await compact(directory), { before: after, after });
    const empty = newPath(t);
    await (await open(t, new Distributor({ directory: empty }), 'events', 'disk')).close();
    const lengths = await compact(path.join(empty, 'store-events'));
    assert.ok(lengths.after <= lengths.before, JSON.stringify(lengths));
});

test('waits until whoever has it open closes it', LIMIT, async (t) => {
    const { store, directory } = await mostlyEmpty(t);
    const compacted = compact(directory, { lockTimeout: 30_000 });
    await store.close();
    const { before, after } = await compacted;
    assert.ok(after < before / 2, `${ before } bytes before, ${ after } now`);
});

test('the tool compacts key-value stores, and leaves those alone that are open', LIMIT, async (t) => {
    const { store, directory } = await mostlyEmpty(t);
    const beside = await cliJson(t, ['compact', directory]);
    assert.deepEqual([beside.code, beside.answer.file], [0, null]);
    assert.equal(await store.get('item:4'), LARGE);
    await store.close();
    const { file } = (await cliJson(t, ['compact', directory])).answer;
    assert.ok(file.after < file.before / 2, `${ file.before } bytes before, ${ file.after } now`);
});

test('what is open is not touched, and says who has it', LIMIT, async (t) => {
    const { store, directory } = await mostlyEmpty(t);
    const holder = `process with id ${ process.pid }`;
    await assert.rejects(compact(directory, { lockTimeout: 0 }), errorOf('LockedError', { message: holder }));
    assert.equal(await store.get('item:4'), LARGE);
});

test('bad input', LIMIT, async (t) => {
    const files = newDirectory(t);
    fs.writeFileSync(path.join(files, 'a.json'), '{"_rev":0}');
    const cases = [
        [[files], `no data.redb in ${ files }`],
        [[newPath(t)], 'no data.redb'],
        [[undefined], 'directory'],
        [[''], 'directory'],
        [['a\0b'], 'directory'],
        [[files, null], 'options'],
        [[files, { lockTimeout: -1 }], 'lockTimeout'],
        [[files, { lockTimeout: '1' }], 'lockTimeout'],
    ];
    for (const [input, message] of cases) {
        await assert.rejects(compact(...input), errorOf('AssertionError', { message }));
    }
    assert.deepEqual(fs.readdirSync(files), ['a.json']);
});

test('what a repair left that was cut off is finished first', LIMIT, async (t) => {
    const { distributor, store, directory } = await mostlyEmpty(t);
    await store.close();
    fs.renameSync(path.join(directory, 'data.redb'), path.join(directory, '.data.redb-repaired'));
    const { before, after } = await compact(directory);
    assert.ok(after < before / 2, `${ before } bytes before, ${ after } now`);
    assert.equal(await (await open(t, distributor, 'events', 'disk')).get('item:4'), LARGE);
});

test('a damaged file is told, and left as it is', LIMIT, async (t) => {
    const { store, directory } = await mostlyEmpty(t);
    await store.close();
    const file = path.join(directory, 'data.redb');
    const damaged = Buffer.from(fs.readFileSync(file)).fill(0xff, 0, 512);
    fs.writeFileSync(file, damaged);
    await assert.rejects(compact(directory), errorOf('CorruptError'));
    assert.ok(fs.readFileSync(file).equals(damaged), 'it was changed');
});
