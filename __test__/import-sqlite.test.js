'use strict';

// Imports from SQLite, with both libraries that read it. Where this Node has no `node:sqlite`, the tests run
// in a newer one.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { createRequire } = require('node:module');
const { test } = require('node:test');
const { importKixxSqlite } = require('../lib/import/index.js');
const peers = require('../lib/import/peer.js');
const { ensureDependencies } = require('../scripts/prepare.cjs');
const { KIXX_SQLITE, writeKixxSqlite } = require('./helpers/import-sources.js');
const { documentsOf, importUnchanged, nodeWithSqlite } = require('./helpers/imports.js');
const { errorOf, openStore } = require('./helpers/store.js');
const { newPath } = require('./helpers/temp.js');

// Its own directory: test files run at the same time, and two may not install into one.
const DIRECTORY = path.join(__dirname, 'sqlite');
const requirePeer = createRequire(path.join(DIRECTORY, 'package.json'));
const node = nodeWithSqlite();

if (node !== process.execPath) {
    const skip = node === undefined ? 'no Node with node:sqlite for this machine' : false;
    test('imports from SQLite in a newer Node', { skip }, () => {
        const env = { ...process.env };
        delete env.NODE_TEST_CONTEXT;
        const args = ['--test', '--test-reporter=tap', __filename];
        const { status, stdout } = spawnSync(node, args, { env, encoding: 'utf8' });
        assert.equal(status, 0, stdout);
        assert.ok(Number(/^# pass (\d+)$/m.exec(stdout)[1]) >= 6, stdout);
    });
} else {
    runTests();
}

function runTests() {
    ensureDependencies(DIRECTORY);
    const { DatabaseSync } = require('node:sqlite');
    const Database = requirePeer('better-sqlite3');

    for (const [name, open] of [
        ['node:sqlite', (file) => new DatabaseSync(file)],
        ['better-sqlite3', (file) => new Database(file)],
    ]) {
        test(`a document store that ${ name } wrote and read`, async (t) => {
            useLibrary(t, name);
            const file = newPath(t, 'kixx.sqlite');
            writeKixxSqlite(open(file));
            const store = await openStore(t);
            const result = await importUnchanged({
                store, importer: importKixxSqlite, file, expected: KIXX_SQLITE,
            });
            assert.deepEqual(result.source, { rows: 3, types: { User: 2, Post: 1 } });
        });

        test(`more rows than one page, read by ${ name }`, async (t) => {
            useLibrary(t, name);
            const file = newPath(t, 'kixx.sqlite');
            writeKixxSqlite(open(file), { many: 1700 });
            const store = await openStore(t);
            const shares = [];
            const onProgress = ({ share }) => shares.push(share);
            const { imported } = await importKixxSqlite(store, file, { onProgress });
            assert.equal(imported, 1703);
            assert.deepEqual((await documentsOf(store))['Many:1699'].n, 1699);
            assert.deepEqual(shares, [...shares].sort((a, b) => a - b));
            assert.equal(shares.at(-1), 1);
        });

        test(`files that are no document store, read by ${ name }`, async (t) => {
            useLibrary(t, name);
            const store = await openStore(t);
            const file = newPath(t, 'other.sqlite');
            const rejected = (check) => assert.rejects(importKixxSqlite(store, file), check);
            await rejected(errorOf('AssertionError', { message: ['There is no', file] }));
            fs.writeFileSync(file, 'this is no database, but it is longer than a header'.repeat(20));
            await rejected(errorOf('StorageError', { message: file }));
            fs.rmSync(file);
            const database = open(file);
            database.exec('CREATE TABLE documents (type TEXT, id TEXT)');
            database.close();
            await rejected(errorOf('AssertionError', { message: 'sort_key, version' }));
        });
    }

    test('the golden file', async (t) => {
        const file = newPath(t, 'kixx.sqlite');
        fs.copyFileSync(path.join(__dirname, 'fixtures', 'import', 'kixx.sqlite'), file);
        const store = await openStore(t);
        await importUnchanged({ store, importer: importKixxSqlite, file, expected: KIXX_SQLITE });
    });

    test('a damaged document is named', async (t) => {
        const file = newPath(t, 'kixx.sqlite');
        writeKixxSqlite(new DatabaseSync(file));
        const database = new DatabaseSync(file);
        database.exec('DROP INDEX idx_type_custom_key_email; ALTER TABLE documents DROP COLUMN key_email');
        database.exec("UPDATE documents SET doc = '{cut' WHERE id = 'hello'");
        database.close();
        const store = await openStore(t);
        const damaged = errorOf('CorruptError', { message: 'Post hello' });
        await assert.rejects(importKixxSqlite(store, file), damaged);
        const { imported, invalid, problems } = await importKixxSqlite(store, file, { invalid: 'skip' });
        assert.deepEqual([imported, invalid], [2, 1]);
        assert.match(problems[0], /Post hello/);
    });
}

/** Makes the importer take this library. */
function useLibrary(t, name) {
    const { builtin, peer } = peers;
    t.after(() => Object.assign(peers, { builtin, peer }));
    peers.peer = requirePeer;
    if (name === 'better-sqlite3') {
        peers.builtin = () => undefined;
    }
}
