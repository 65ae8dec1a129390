'use strict';

// The command line tool on a data file: every command finds out what a directory has, also beside an
// application that has it open.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { cli, cliJson } = require('./helpers/cli.js');
const { openStore } = require('./helpers/store.js');
const { newDirectory, newPath } = require('./helpers/temp.js');

const LIMIT = { timeout: 60000 };

const DOCUMENTS = { a: { n: 1 }, b: { n: 2 }, c: { n: 3 } };

/** A directory with a data file and, if wanted, an application that has it open. */
async function directoryOnDisk(t, { isOpen }) {
    const directory = newDirectory(t);
    const store = await openStore(t, { directory, storage: 'disk' });
    await store.batch(Object.entries(DOCUMENTS).map(([key, document]) => ({ type: 'set', key, document })));
    if (!isOpen) {
        await store.close();
    }
    return { directory, store };
}

for (const isOpen of [false, true]) {
    const where = isOpen ? 'beside an application' : 'alone';
    test(`every command on a data file, ${ where }`, LIMIT, async (t) => {
        const { directory, store } = await directoryOnDisk(t, { isOpen });
        const run = async (...args) => {
            const { code, answer, error } = await cliJson(t, args);
            assert.equal(code, 0, JSON.stringify(error));
            return answer;
        };
        const place = path.join(newDirectory(t), 'file');
        const map = `${ place }.mjs`;
        fs.writeFileSync(map, 'export default (document, emit) => emit(document.n);\n');

        assert.deepEqual(await run('get', directory, 'a'), { _rev: 0, n: 1 });
        assert.deepEqual(await run('set', directory, 'a', '{"_rev":0,"n":4}'), { key: 'a', _rev: 1 });
        assert.deepEqual(await run('delete', directory, 'b'), { key: 'b', deleted: true });
        assert.equal((await cli(t, ['keys', directory])).stdout, 'a\nc\n');
        assert.equal((await cli(t, ['scan', directory])).stdout.split('\n').length, 3);
        const rows = await cli(t, ['query', directory, '--map', map]);
        assert.deepEqual([rows.code, rows.stdout.split('\n').length], [0, 3], rows.stderr);
        const { documents, storage, dataFileBytes } = await run('stats', directory);
        assert.deepEqual([documents, storage], [2, 'disk']);
        assert.equal(dataFileBytes, fs.statSync(path.join(directory, 'data.redb')).size);
        await run('compact', directory);
        assert.equal((await run('export', directory, `${ place }.jsonl`)).documents, 2);
        assert.equal((await run('backup', directory, `${ place }.backup`)).documents, 2);
        await run('delete', directory, 'a');
        assert.equal((await run('import', directory, `${ place }.jsonl`, '--conflict', 'skip')).imported, 1);
        const restored = await run('restore', directory, `${ place }.backup`, '--conflict', 'overwrite');
        assert.equal(restored.documents, 2);
        assert.deepEqual(await run('get', directory, 'a'), { _rev: 1, n: 4 });

        const sound = await run('verify', directory);
        assert.deepEqual([sound.ok, sound.documents, sound.files], [true, 2, 1]);
        assert.deepEqual(sound.processes, isOpen ? [process.pid] : []);
        assert.deepEqual(await run('repair', directory, '--dry-run'), {
            dryRun: true, moved: [], written: 0, lost: [],
        });
        if (isOpen) {
            assert.equal((await store.getItem('a')).n, 4, 'the application sees it');
            const held = await cliJson(t, ['convert', directory, '--to', 'files', '--lock-timeout', '0']);
            assert.deepEqual([held.code, held.error.code], [4, 'LOCKED']);
            assert.ok(held.error.message.includes(String(process.pid)), held.error.message);
            await store.close();
        }
        assert.deepEqual(fs.readdirSync(directory), ['data.redb']);
    });
}

test('convert, there and back', LIMIT, async (t) => {
    const { directory } = await directoryOnDisk(t, { isOpen: false });
    const done = await cli(t, ['convert', directory, '--to', 'files']);
    assert.deepEqual([done.code, done.stdout], [0, 'Converted 3 documents to the storage \'files\'\n']);
    assert.deepEqual(fs.readdirSync(directory).sort(), ['a.json', 'b.json', 'c.json']);
    const again = await cli(t, ['convert', directory, '--to', 'files']);
    assert.deepEqual([again.code, again.stdout], [0, `${ directory } has the storage 'files' already\n`]);
    const { answer } = await cliJson(t, ['convert', directory, '--to', 'disk']);
    assert.deepEqual(answer, { directory, to: 'disk', converted: true, documents: 3 });
    assert.deepEqual((await cliJson(t, ['get', directory, 'b'])).answer, { _rev: 0, n: 2 });

    assert.equal((await cli(t, ['convert', directory])).code, 2);
    assert.equal((await cli(t, ['convert', directory, '--to', 'memory'])).code, 2);
    assert.equal((await cli(t, ['convert', newPath(t), '--to', 'disk'])).code, 2);
});

test('--storage says what a directory without documents becomes', LIMIT, async (t) => {
    const [made, imported] = [newPath(t), newPath(t)];
    await cli(t, ['set', made, 'a', '{}', '--create', '--storage', 'disk']);
    assert.deepEqual(fs.readdirSync(made), ['data.redb']);
    const lines = '{"key":"a","document":{}}\n';
    const { code } = await cli(t, ['import', imported, '-', '--storage', 'disk'], { stdin: lines });
    assert.equal(code, 0);
    assert.deepEqual(fs.readdirSync(imported), ['data.redb']);
    const refused = await cliJson(t, ['set', made, 'b', '{}', '--storage', 'files']);
    assert.deepEqual([refused.code, refused.error.code], [2, 'USAGE']);
});
