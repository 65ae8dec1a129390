'use strict';

// The command line tool as its users run it: each command on a real directory, with --json and without.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const { test } = require('node:test');
const { cli, cliJson } = require('./helpers/cli.js');
const { allDocuments, openStore } = require('./helpers/store.js');
const { newDirectory, newPath, snapshotFiles } = require('./helpers/temp.js');

const LIMIT = { timeout: 60000 };

/** A directory of a closed datastore with these documents. */
async function directoryWith(t, documents) {
    const directory = newDirectory(t);
    const store = await openStore(t, { directory });
    await store.batch(Object.entries(documents).map(([key, document]) => ({ type: 'set', key, document })));
    await store.close();
    return directory;
}

async function documentsIn(t, directory) {
    const store = await openStore(t, { directory });
    const documents = Object.fromEntries(await allDocuments(store));
    await store.close();
    return documents;
}

const lines = (text) => text.split('\n').filter((line) => line !== '');

test('set, get and delete: answers, JSON and exit codes', LIMIT, async (t) => {
    const directory = newPath(t);
    assert.deepEqual(await cliJson(t, ['set', directory, 'a', '{"n":1}', '--create']), {
        code: 0, answer: { key: 'a', _rev: 0 }, error: undefined,
    });
    const second = await cli(t, ['set', directory, 'a', '-'], { stdin: '\ufeff{"_rev":0,"n":2}\n' });
    assert.deepEqual([second.code, second.stdout], [0, 'Stored a at revision 1\n']);
    const { stdout } = await cli(t, ['get', directory, 'a']);
    assert.deepEqual(JSON.parse(stdout), { _rev: 1, n: 2 });
    assert.ok(stdout.startsWith('{\n  "'), 'for people, on several lines');
    assert.deepEqual((await cliJson(t, ['get', directory, 'a'])).answer, { _rev: 1, n: 2 });

    const stale = await cliJson(t, ['set', directory, 'a', '{"_rev":0}']);
    assert.deepEqual([stale.code, stale.error.code, stale.error.key], [3, 'CONFLICT', 'a']);
    assert.equal((await cli(t, ['set', directory, 'a', '{}', '--insert'])).code, 3);
    const forced = await cliJson(t, ['set', directory, 'a', '{"_rev":0,"n":3}', '--overwrite']);
    assert.deepEqual(forced.answer, { key: 'a', _rev: 2 });
    assert.equal((await cli(t, ['delete', directory, 'a', '--rev', '1'])).code, 3);
    const removed = await cliJson(t, ['delete', directory, 'a', '--rev', '2']);
    assert.deepEqual(removed.answer, { key: 'a', deleted: true });
    for (const command of ['get', 'delete']) {
        const { code, answer, error } = await cliJson(t, [command, directory, 'a']);
        assert.deepEqual([code, answer, error.code, error.key], [1, undefined, 'NOT_FOUND', 'a'], command);
    }
    assert.deepEqual(snapshotFiles(directory), {}, 'nothing else is left');
});

test('keys and documents with any characters, and large ones', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const large = 'x'.repeat(3_000_000);
    const document = { lone: '\ud800', separator: '\u2028', text: 'ü😀\u0000\n', large };
    for (const key of ['-dash', 'two\nlines', 'ünï😀', ' ']) {
        const stored = await cli(t, ['set', directory, '--', key, '-'], { stdin: JSON.stringify(document) });
        assert.equal(stored.code, 0, stored.stderr);
        const { stdout } = await cli(t, ['get', directory, '--json', '--', key]);
        assert.deepEqual(JSON.parse(stdout), { _rev: 0, ...document });
    }
    const keys = [' ', '-dash', 'two\nlines', 'ünï😀'];
    const json = await cli(t, ['keys', directory, '--json']);
    assert.deepEqual(lines(json.stdout).map((line) => JSON.parse(line)), keys);
    assert.equal((await cli(t, ['keys', directory])).stdout, `${ keys.join('\n') }\n`);
    assert.equal((await cli(t, ['keys', directory, '--null'])).stdout, `${ keys.join('\0') }\0`);

    const file = path.join(path.dirname(directory), 'all.jsonl');
    assert.equal((await cli(t, ['export', directory, file])).code, 0);
    const copy = newPath(t);
    const { answer } = await cliJson(t, ['import', copy, file]);
    assert.deepEqual(answer, { imported: 4, overwritten: 0, skipped: 0 });
    assert.deepEqual(snapshotFiles(copy), snapshotFiles(directory));
});

test('ranges: prefix, bounds, limit, reverse, and what can not be met', LIMIT, async (t) => {
    const keys = ['a', 'b', 'b\uffff', 'b\uffff\uffffc', 'ba', 'c', 'd'].sort();
    const directory = await directoryWith(t, Object.fromEntries(keys.map((key) => [key, { key }])));
    const found = async (...options) => {
        const { code, stdout } = await cli(t, ['keys', directory, '--json', ...options]);
        assert.equal(code, 0);
        return lines(stdout).map((line) => JSON.parse(line));
    };
    const b = keys.filter((key) => key.startsWith('b'));
    assert.deepEqual(await found('--prefix', 'b'), b);
    assert.deepEqual(await found('--prefix', 'b', '--reverse'), b.toReversed?.() ?? [...b].reverse());
    assert.deepEqual(await found('--prefix', 'b', '--start', 'ba', '--limit', '1'), ['ba']);
    assert.deepEqual(await found('--prefix', 'b', '--start', 'c'), []);
    assert.deepEqual(await found('--prefix', 'b', '--start', 'c', '--reverse'), []);
    assert.deepEqual(await found('--start', 'c', '--end', 'd'), ['c', 'd']);
    assert.deepEqual(await found('--start', 'd', '--end', 'c'), []);
    assert.deepEqual(await found('--start', 'd', '--end', 'c', '--reverse'), ['d', 'c']);
    const { stdout } = await cli(t, ['scan', directory, '--start', 'd']);
    assert.equal(stdout, '{"key":"d","document":{"_rev":0,"key":"d"}}\n');
});

test('query: ESM and CommonJS, keys, documents, and a map function that fails', LIMIT, async (t) => {
    const directory = await directoryWith(t, { a: { city: 'Rome' }, b: { city: 'Oslo' }, c: { city: null } });
    const module = (name, text) => {
        const file = path.join(path.dirname(directory), name);
        fs.writeFileSync(file, text);
        return file;
    };
    const map = '(document, emit) => emit(document.city, document._rev)';
    const rows = '"Oslo"\t0\t"b"\n"Rome"\t0\t"a"\n';
    for (const file of [
        module('default.mjs', `export default ${ map };`),
        module('named.mjs', `export const map = ${ map };`),
        module('module.cjs', `module.exports = ${ map };`),
        module('object.cjs', `exports.map = ${ map };`),
    ]) {
        const { code, stdout } = await cli(t, ['query', directory, '--map', file]);
        assert.deepEqual([code, stdout], [0, `null\t0\t"c"\n${ rows }`], file);
    }
    const nothing = await cli(t, ['query', directory, '--map', module('key.mjs', `export default ${ map };`),
        '--key', 'null']);
    assert.equal(nothing.stdout, 'null\t0\t"c"\n');
    const file = module('fails.mjs', 'export default ({ city }, emit) => emit(city.toUpperCase());');
    const failed = await cli(t, ['query', directory, '--map', file]);
    assert.deepEqual([failed.code, failed.stdout], [0, '"OSLO"\t\t"b"\n"ROME"\t\t"a"\n']);
    assert.match(failed.stderr, /^warning: The map function failed for 1 document.*"c".*\n$/);
    const options = ['--json', '--key', '"OSLO"', '--include-documents'];
    const warned = await cli(t, ['query', directory, '--map', file, ...options]);
    const document = { _rev: 0, city: 'Oslo' };
    assert.deepEqual(JSON.parse(warned.stdout), { key: 'OSLO', documentKey: 'b', document });
    assert.equal(JSON.parse(warned.stderr).warning.failures, 1);

    const empty = module('empty.mjs', 'export const other = 1;');
    const broken = module('broken.mjs', 'export default (');
    for (const bad of [
        ['--map', empty], ['--map', broken], ['--map', 'missing.mjs'], ['--map', file, '--key', 'Oslo'], [],
    ]) {
        const { code, error } = await cliJson(t, ['query', directory, ...bad]);
        assert.deepEqual([code, error.code], [2, 'USAGE'], bad.join(' '));
    }
});

test('export and import keep revisions, compress, and tell conflicts', LIMIT, async (t) => {
    const directory = await directoryWith(t, { a: { n: 1 }, b: { n: 2 } });
    await cli(t, ['set', directory, 'a', '{"n":3}']);
    const file = path.join(path.dirname(directory), 'all.jsonl.gz');
    assert.equal((await cliJson(t, ['export', directory, file])).answer.documents, 2);
    const text = zlib.gunzipSync(fs.readFileSync(file)).toString();
    assert.equal((await cli(t, ['export', directory])).stdout, text);
    assert.equal((await cli(t, ['export', directory, file])).code, 2, 'it exists');
    assert.equal((await cli(t, ['export', directory, file, '--force', '--prefix', 'a'])).code, 0);
    assert.equal((await cli(t, ['export', directory, path.join(directory, 'all.json')])).code, 2);

    const copy = newPath(t);
    assert.equal((await cli(t, ['import', copy, '-'], { stdin: zlib.gzipSync(text) })).code, 0);
    const before = { a: { _rev: 1, n: 3 }, b: { _rev: 0, n: 2 } };
    assert.deepEqual(await documentsIn(t, copy), before);
    const more = `${ text }{"key":"c","document":{"_rev":7}}\n`;
    const refused = await cliJson(t, ['import', copy, '-'], { stdin: more });
    assert.deepEqual([refused.code, refused.error.code, refused.error.key], [3, 'CONFLICT', 'a']);
    assert.deepEqual(await documentsIn(t, copy), before, 'not even the new one');
    const skipped = await cliJson(t, ['import', copy, '-', '--conflict', 'skip'], { stdin: more });
    assert.deepEqual(skipped.answer, { imported: 1, overwritten: 0, skipped: 2 });
    const overwrite = ['import', copy, '-', '--conflict', 'overwrite'];
    const replaced = await cliJson(t, overwrite, { stdin: more + more });
    assert.deepEqual(replaced.answer, { imported: 6, overwritten: 6, skipped: 0 });
    const after = { a: { _rev: 3, n: 3 }, b: { _rev: 2, n: 2 }, c: { _rev: 9 } };
    assert.deepEqual(await documentsIn(t, copy), after);
});

test('import: lines that are none are named, and what came before stays', LIMIT, async (t) => {
    const directory = newPath(t);
    const skip = ['--conflict', 'skip'];
    const good = '{"key":"a","document":{"text":"\u2028\\r"}}\r\n\n';
    for (const [bad, code, ...texts] of [
        ['{"key":', 2, 'line 3', 'is not JSON', '(0 documents were imported before)'],
        ['{"key":1,"document":{}}', 2, 'line 3', 'is not of the form'],
        ['{"key":"b","document":null}', 2, 'line 3'],
        ['{"key":"b","document":[]}', 2, 'line 3', 'plain object'],
        ['{"key":"","document":{}}', 2, 'line 3'],
        ['{"key":"b","document":{"_rev":-1}}', 2, 'line 3', '_rev'],
        [Buffer.from([0x22, 0xff]), 2, 'line 3', 'not UTF-8'],
        [`{"key":"${ 'x'.repeat(300) }","document":{}}`, 2, 'file name'],
    ]) {
        const stdin = Buffer.concat([Buffer.from(good), Buffer.from(bad)]);
        const { error, ...result } = await cliJson(t, ['import', directory, '-', ...skip], { stdin });
        assert.equal(result.code, code, bad);
        texts.forEach((text) => assert.ok(error.message.includes(text), `${ text } in ${ error.message }`));
    }
    const whole = zlib.gzipSync(good.repeat(100));
    const cut = await cliJson(t, ['import', newPath(t), '-', ...skip], { stdin: whole.subarray(0, -9) });
    assert.deepEqual([cut.code, cut.error.code], [5, 'CORRUPT']);
    const sound = await cliJson(t, ['import', directory, '-', ...skip], { stdin: whole });
    assert.deepEqual(sound.answer, { imported: 1, overwritten: 0, skipped: 99 });
    assert.deepEqual(await documentsIn(t, directory), { a: { _rev: 0, text: '\u2028\r' } });
});

test('stats and compact', LIMIT, async (t) => {
    const directory = await directoryWith(t, { a: {}, b: {} });
    const { answer } = await cliJson(t, ['stats', directory]);
    const figures = { storage: 'files', documents: 2, journalSegments: 0, journalBytes: 0, quarantined: 0 };
    assert.deepEqual(answer, { directory, ...figures });
    assert.match((await cli(t, ['stats', directory])).stdout, /^documents +2$/m);
    assert.deepEqual((await cliJson(t, ['compact', directory])).answer.after, { segments: 0, bytes: 0 });
});

test('import --from: what other stores have written', LIMIT, async (t) => {
    const golden = (name) => path.join(__dirname, 'fixtures', 'import', name);
    const sources = { nedb: ['nedb.db', 3], lowdb: ['lowdb.json', 9], loki: ['loki-normal.db', 3] };
    for (const [from, [name, imported]] of Object.entries(sources)) {
        const directory = path.join(newDirectory(t), 'data');
        const { answer } = await cliJson(t, ['import', directory, golden(name), '--from', from]);
        assert.deepEqual(answer, { imported, overwritten: 0, skipped: 0 });
        const { stdout } = await cli(t, ['keys', directory]);
        assert.equal(stdout.trim().split('\n').length, imported);
    }
});

test('backup, an increment beside a running application, and restore', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const file = (name) => path.join(newDirectory(t), name);
    const [full, increment, copy] = [file('full.gz'), file('increment.gz'), file('copy')];
    const store = await openStore(t, { directory });
    await store.setItem('a', { n: 1 });
    await store.setItem('b', { n: 2 });
    const { answer: first } = await cliJson(t, ['backup', directory, full]);
    assert.deepEqual([first.documents, first.file], [2, full]);
    assert.equal((await cli(t, ['backup', directory, full])).code, 2);
    assert.equal((await cli(t, ['backup', directory, full, '--force'])).code, 0);
    await store.setItem('b', { n: 3 });
    await store.setItem('c', { n: 4 });
    await store.deleteItem('a');
    const { answer: second } = await cliJson(t, ['backup', directory, increment, '--since', full]);
    assert.deepEqual([second.documents, second.deletions], [2, 1]);
    const { answer: restored } = await cliJson(t, ['restore', copy, full, increment]);
    assert.equal(restored.documents, 2);
    assert.equal((await cli(t, ['restore', copy, full])).code, 3);
    const { stdout } = await cli(t, ['scan', copy]);
    assert.deepEqual(stdout.trim().split('\n').map((line) => JSON.parse(line)), [
        { key: 'b', document: { _rev: 1, n: 3 } },
        { key: 'c', document: { _rev: 0, n: 4 } },
    ]);
});

test('compact gives back what a data file no longer needs', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const store = await openStore(t, { directory, storage: 'disk' });
    const keys = Array.from({ length: 400 }, (_, i) => `item:${ i }`);
    await Promise.all(keys.map((key) => store.setItem(key, { text: 'x'.repeat(10_000) })));
    const beside = await cliJson(t, ['compact', directory]);
    assert.equal(beside.answer.file, null);
    await Promise.all(keys.map((key) => store.deleteItem(key)));
    await store.close();
    const { before, after } = (await cliJson(t, ['compact', directory])).answer.file;
    assert.ok(after < before / 2, `${ before } bytes before, ${ after } now`);
});
