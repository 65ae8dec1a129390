'use strict';

// Imports what the real libraries write, right now. They are installed here when they are missing.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { before, test } = require('node:test');
const { importLevel, importLoki, importLowdb, importNedb } = require('../lib/import/index.js');
const { ensureDependencies } = require('../scripts/prepare.cjs');
const sources = require('./helpers/import-sources.js');
const { documentsOf, importUnchanged } = require('./helpers/imports.js');
const { errorOf, openStore } = require('./helpers/store.js');
const { newPath } = require('./helpers/temp.js');

const { requirePeer } = sources;

before(() => ensureDependencies(sources.DIRECTORY));

test('NeDB: the documents that it has itself', async (t) => {
    const file = newPath(t, 'users.db');
    const held = await sources.writeNedb(file);
    const store = await openStore(t);
    const result = await importUnchanged({ store, importer: importNedb, file, expected: sources.NEDB });
    assert.deepEqual(result.source, { lines: 9, documents: 3, deleted: 2, indexes: 1 });
    const ids = (documents) => documents.map(({ _id }) => _id).sort();
    assert.deepEqual(ids(Object.values(await documentsOf(store))), ids(held));
});

test('NeDB: a compaction that was interrupted', async (t) => {
    const file = newPath(t, 'users.db');
    await sources.writeNedb(file);
    fs.renameSync(file, `${ file }~`);
    const store = await openStore(t);
    await importNedb(store, file);
    assert.deepEqual(await documentsOf(store), sources.NEDB);
    assert.deepEqual(fs.readdirSync(path.dirname(file)), ['users.db~']);
});

test('NeDB: lines that an application encrypts', async (t) => {
    const Nedb = requirePeer('@seald-io/nedb');
    const file = newPath(t, 'secret.db');
    const hooks = {
        afterSerialization: (text) => Buffer.from(text).toString('base64'),
        beforeDeserialization: (line) => Buffer.from(line, 'base64').toString(),
    };
    const db = new Nedb({ filename: file, autoload: true, ...hooks });
    await db.insertAsync({ _id: 'a', n: 1 });
    const store = await openStore(t);
    await importNedb(store, file, { parse: (line) => JSON.parse(hooks.beforeDeserialization(line)) });
    assert.deepEqual(await documentsOf(store), { a: { _id: 'a', n: 1 } });
});

test('lowdb', async (t) => {
    const file = newPath(t, 'db.json');
    await sources.writeLowdb(file);
    const store = await openStore(t);
    await importUnchanged({ store, importer: importLowdb, file, expected: sources.LOWDB });
});

for (const method of sources.LOKI_METHODS) {
    test(`LokiJS, ${ method }`, async (t) => {
        const file = newPath(t, 'app.db');
        await sources.writeLoki(file, method);
        const store = await openStore(t);
        const result = await importUnchanged({ store, importer: importLoki, file, expected: sources.LOKI });
        assert.deepEqual(result.source, { documents: 3, collections: { users: 2, nobody: 0, posts: 1 } });
    });
}

test('level: a directory with sublevels', async (t) => {
    const directory = newPath(t, 'level');
    await sources.writeLevel(directory);
    const store = await openStore(t);
    process.chdir(sources.DIRECTORY);
    const shares = [];
    const result = await importLevel(store, directory, { onProgress: ({ share }) => shares.push(share) });
    assert.deepEqual(await documentsOf(store), sources.LEVEL);
    assert.deepEqual(result.source, { entries: 1203, sublevels: { 'users': 1, 'users:old': 1 } });
    assert.deepEqual(shares, [null, null, 1]);
});

test('level: a database that is open, other values and other keys', async (t) => {
    const { ClassicLevel } = requirePeer('classic-level');
    const level = new ClassicLevel(newPath(t, 'level'), { keyEncoding: 'view', valueEncoding: 'utf8' });
    t.after(() => level.close());
    await level.put(Uint8Array.of(1, 255), '5');
    const store = await openStore(t);
    const parse = (bytes, key) => ({ key, text: Buffer.from(bytes).toString() });
    const noText = errorOf('AssertionError', { message: 'UTF-8' });
    await assert.rejects(importLevel(store, level, { parse }), noText);
    await importLevel(store, level, { parse, key: ({ keyBytes }) => Buffer.from(keyBytes).toString('hex') });
    assert.deepEqual(await documentsOf(store), { '01ff': { key: '\u0001\ufffd', text: '5' } });
    const noObject = errorOf('AssertionError', { message: 'plain object' });
    await assert.rejects(importLevel(store, level, { key: () => 'five' }), noObject);
});

test('level: what cannot be opened', async (t) => {
    const directory = newPath(t, 'level');
    const store = await openStore(t);
    await assert.rejects(importLevel(store, directory), errorOf('AssertionError', { message: 'CURRENT' }));
    assert.equal(fs.existsSync(directory), false);
    await sources.writeLevel(directory);
    const { ClassicLevel } = requirePeer('classic-level');
    const level = new ClassicLevel(directory);
    await level.open();
    t.after(() => level.close());
    process.chdir(sources.DIRECTORY);
    await assert.rejects(importLevel(store, directory), errorOf('LockedError', { message: directory }));
});
