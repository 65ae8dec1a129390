'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const { test } = require('node:test');
const {
    importJsonLines, importKixxSqlite, importLevel, importLoki, importLowdb, importNedb,
} = require('../lib/import/index.js');
const { LOKI, LOKI_METHODS, LOWDB, NEDB } = require('./helpers/import-sources.js');
const { documentsOf, importUnchanged } = require('./helpers/imports.js');
const { STORAGE, errorOf, openStore } = require('./helpers/store.js');
const { newPath } = require('./helpers/temp.js');

const GOLDEN = path.join(__dirname, 'fixtures', 'import');

/** A file with this text. */
function fileWith(t, text, name = 'source') {
    const file = newPath(t, name);
    fs.writeFileSync(file, text);
    return file;
}

function jsonLines(documents) {
    return documents.map(([key, document]) => `${ JSON.stringify({ key, document }) }\n`).join('');
}

const three = jsonLines([['a', { n: 1 }], ['b', { n: 2 }], ['c', { n: 3 }]]);

for (const [name, importer, expected] of [
    ['nedb.db', importNedb, NEDB],
    ['lowdb.json', importLowdb, LOWDB],
    ...LOKI_METHODS.map((method) => [`loki-${ method }.db`, importLoki, LOKI]),
]) {
    test(`the golden file ${ name }`, async (t) => {
        const store = await openStore(t);
        await importUnchanged({ store, importer, file: path.join(GOLDEN, name), expected });
    });
}

for (const [how, encode] of [['plain', (text) => text], ['gzip', zlib.gzipSync]]) {
    test(`JSON Lines, ${ how }: many batches, revisions begin anew`, async (t) => {
        const documentOf = (n) => ({ n, text: '\u2028'.repeat(n % 9) });
        const documents = Array.from({ length: 1300 }, (_, n) => [`k${ n }`, documentOf(n)]);
        const withRevisions = documents.map(([key, document]) => [key, { _rev: 7, ...document }]);
        const file = fileWith(t, encode(`\n${ jsonLines(withRevisions) }\r\n`));
        const store = await openStore(t);
        const told = [];
        const result = await importUnchanged({
            store, importer: importJsonLines, file, expected: Object.fromEntries(documents),
            options: { onProgress: (progress) => told.push(progress) },
        });
        assert.deepEqual(result.source, { lines: 1302 });
        assert.deepEqual(told.map(({ imported }) => imported), [500, 1000, 1300]);
        assert.ok(told.every(({ share }) => share > 0 && share <= 1) && told.at(-1).share === 1);
        assert.equal((await store.getItem('k5'))._rev, 0);
    });
}

test('the importers are the same from CommonJS and from ES modules', async () => {
    const names = Object.keys(require('../lib/import/index.js')).sort();
    const esm = await import('../import.mjs');
    assert.deepEqual(Object.keys(esm).filter((name) => name !== 'default').sort(), names);
    assert.equal(esm.importNedb, require('../import.cjs').importNedb);
});

test('large documents go in smaller batches', async (t) => {
    const text = 'x'.repeat(2 ** 20);
    const documents = Array.from({ length: 12 }, (_, n) => [`k${ n }`, { text }]);
    const store = await openStore(t);
    const told = [];
    const onProgress = ({ imported }) => told.push(imported);
    await importJsonLines(store, fileWith(t, jsonLines(documents)), { onProgress });
    assert.deepEqual(told, [4, 8, 12, 12]);
});

test('conflict: error, skip and overwrite', async (t) => {
    const file = fileWith(t, three);
    const store = await openStore(t);
    await store.setItem('b', { mine: true });
    await assert.rejects(
        importJsonLines(store, file),
        errorOf('ConflictError', { key: 'b', message: ['line 2', 'already', "conflict: 'skip'"] }),
    );
    assert.deepEqual(await documentsOf(store), { b: { mine: true } });
    const skipped = await importJsonLines(store, file, { conflict: 'skip' });
    assert.deepEqual([skipped.imported, skipped.skipped], [2, 1]);
    assert.deepEqual(await documentsOf(store), { a: { n: 1 }, b: { mine: true }, c: { n: 3 } });
    const again = await importJsonLines(store, file, { conflict: 'skip' });
    assert.deepEqual([again.imported, again.skipped], [0, 3]);
    const { imported } = await importJsonLines(store, file, { conflict: 'overwrite' });
    assert.equal(imported, 3);
    assert.deepEqual(await store.getItem('b'), { _rev: 1, n: 2 });
});

test('one key twice in the source is a conflict too', async (t) => {
    const file = fileWith(t, jsonLines([['a', { n: 1 }], ['a', { n: 2 }]]));
    const store = await openStore(t);
    const check = errorOf('ConflictError', { key: 'a', message: 'line 2' });
    await assert.rejects(importJsonLines(store, file), check);
    const { imported, skipped } = await importJsonLines(store, file, { conflict: 'skip' });
    assert.deepEqual([imported, skipped, (await store.getItem('a')).n], [1, 1, 1]);
    await importJsonLines(store, file, { conflict: 'overwrite' });
    assert.equal((await store.getItem('a')).n, 2);
});

test('a document that somebody else stores meanwhile is skipped', async (t) => {
    const store = await openStore(t);
    const racing = {
        getItems: (keys) => store.getItems(keys),
        async batch(operations) {
            if (!await store.hasItem('b')) {
                await store.setItem('b', { mine: true });
            }
            return store.batch(operations);
        },
    };
    const { imported, skipped } = await importJsonLines(racing, fileWith(t, three), { conflict: 'skip' });
    assert.deepEqual([imported, skipped, (await store.getItem('b')).mine], [2, 1, true]);
});

test('what cannot be stored is an error that names it, or is counted', async (t) => {
    const long = 'x'.repeat(STORAGE === 'files' ? 300 : 65_537);
    const text = [
        '{"key":"a","document":{"n":1}}', '{"key":"","document":{}}', '{"key":"b"}',
        '{"key":"c","document":[1]}', 'not json', '[]', `{"key":"${ long }","document":{}}`,
        '{"key":"d","document":{"_rev":"3-abc"}}',
        '{"key":"e","document":{"n":2}}',
    ];
    const store = await openStore(t);
    for (const [i, line] of text.slice(1, -1).entries()) {
        const name = line === 'not json' ? 'CorruptError' : 'AssertionError';
        const check = errorOf(name, { message: ['line 2', "invalid: 'skip'"] });
        await assert.rejects(importJsonLines(store, fileWith(t, `${ text[0] }\n${ line }`)), check, `${ i }`);
    }
    assert.deepEqual(await documentsOf(store), {});
    const file = fileWith(t, text.join('\n'));
    const { imported, invalid, problems } = await importJsonLines(store, file, { invalid: 'skip' });
    assert.deepEqual([imported, invalid], [2, 7]);
    const lines = problems.map((problem) => Number(/line (\d)/.exec(problem)[1]));
    assert.deepEqual(lines.sort(), [2, 3, 4, 5, 6, 7, 8]);
    assert.deepEqual(await documentsOf(store), { a: { n: 1 }, e: { n: 2 } });
});

test('problems are described up to a bound', async (t) => {
    const file = fileWith(t, 'x\n'.repeat(100));
    const store = await openStore(t);
    const { invalid, problems } = await importJsonLines(store, file, { invalid: 'skip' });
    assert.deepEqual([invalid, problems.length], [100, 20]);
});

test('an aborted import can be run again', async (t) => {
    const documents = Array.from({ length: 1200 }, (_, n) => [`k${ n }`, { n }]);
    const file = fileWith(t, jsonLines(documents));
    const store = await openStore(t);
    const controller = new AbortController();
    const options = { signal: controller.signal, onProgress: () => controller.abort() };
    await assert.rejects(importJsonLines(store, file, options), { name: 'AbortError' });
    assert.equal((await store.stats()).documents, 500);
    const { imported, skipped } = await importJsonLines(store, file, { conflict: 'skip' });
    assert.deepEqual([imported, skipped], [700, 500]);
    assert.deepEqual(await documentsOf(store), Object.fromEntries(documents));
});

test('an import that was aborted before reads nothing', async (t) => {
    const store = await openStore(t);
    const reason = new Error('not now');
    const options = { signal: AbortSignal.abort(reason) };
    for (const run of Object.values(require('../lib/import/index.js'))) {
        await assert.rejects(run(store, newPath(t), options), reason);
    }
});

test('keys and documents as the application wants them', async (t) => {
    const store = await openStore(t);
    await importNedb(store, path.join(GOLDEN, 'nedb.db'), {
        key: ({ id }) => `user:${ id }`,
        document: ({ document: { _id, ...rest } }, key) => ({ ...rest, key }),
    });
    assert.deepEqual((await documentsOf(store))['user:u2'], { name: 'Omar II', key: 'user:u2' });
    const loki = await openStore(t);
    await importLoki(loki, path.join(GOLDEN, 'loki-normal.db'), { metadata: 'keep' });
    assert.equal((await loki.getItem('users:3')).$loki, 3);
    assert.equal(typeof (await loki.getItem('users:3')).meta.created, 'number');
    const failing = () => {
        throw new TypeError('my function');
    };
    const message = ['line 2', 'my function'];
    const failure = importNedb(store, path.join(GOLDEN, 'nedb.db'), { key: failing });
    await assert.rejects(failure, errorOf('AssertionError', { message }));
});

test('NeDB: corrupt lines and a file that changes', async (t) => {
    const store = await openStore(t);
    const cut = fileWith(t, '{"_id":"a","n":1}\n{"_id":"b","n":2}\n{"_id":"a","n":');
    await assert.rejects(importNedb(store, cut), errorOf('CorruptError', { message: ['line 3', cut] }));
    assert.deepEqual(await documentsOf(store), {});
    const dates = fileWith(t, '{"_id":"a","when":{"$$date":"never"}}\n{"n":1}\n{"_id":"b"}');
    const { imported, problems } = await importNedb(store, dates, { invalid: 'skip' });
    assert.equal(imported, 1);
    assert.match(problems.join('\n'), /line 1 .*never.*\n.*line 2: expected a document with an _id/);
    const growing = fileWith(t, '{"_id":"c"}\n');
    const append = ({ id }) => {
        fs.appendFileSync(growing, '{"_id":"d"}\n');
        return id;
    };
    const changed = importNedb(store, growing, { key: append });
    await assert.rejects(changed, errorOf('StorageError', { message: 'was changed' }));
});

test('lowdb: other trees', async (t) => {
    const cases = [
        ['[{"id":"a"},{"n":1}]', { a: { id: 'a' }, 1: { n: 1 } }],
        ['5', { value: { value: 5 } }],
        ['{"mixed":[{"id":1},2],"one":{"a":{},"b":1}}', {
            mixed: { value: [{ id: 1 }, 2] }, one: { a: {}, b: 1 },
        }],
        ['{}', {}],
    ];
    for (const [text, expected] of cases) {
        const store = await openStore(t);
        await importLowdb(store, fileWith(t, text));
        assert.deepEqual(await documentsOf(store), expected);
    }
    const store = await openStore(t);
    const noJson = errorOf('CorruptError', { message: 'parse' });
    await assert.rejects(importLowdb(store, fileWith(t, 'a: 1')), noJson);
});

test('files that are no source', async (t) => {
    const store = await openStore(t);
    const missing = newPath(t, 'missing');
    for (const importer of [importJsonLines, importKixxSqlite, importLoki, importLowdb, importNedb]) {
        await assert.rejects(importer(store, missing), errorOf('AssertionError', { message: missing }));
        await assert.rejects(importer(store, path.dirname(missing)), errorOf('AssertionError'));
    }
    await assert.rejects(importLevel(store, missing), errorOf('AssertionError', { message: missing }));
    await assert.rejects(importLevel(store, 5), errorOf('AssertionError', { message: 'directory' }));
    const binary = fileWith(t, Buffer.from([0x7b, 0xff, 0xfe, 0x7d]));
    for (const importer of [importJsonLines, importLoki, importLowdb, importNedb]) {
        await assert.rejects(importer(store, binary), errorOf('CorruptError', { message: 'UTF-8' }));
    }
    const torn = fileWith(t, zlib.gzipSync(three).subarray(0, -12));
    await assert.rejects(importJsonLines(store, torn), errorOf('CorruptError', { message: 'gzip' }));
    const noLoki = errorOf('CorruptError', { message: 'LokiJS' });
    await assert.rejects(importLoki(store, fileWith(t, '{}')), noLoki);
    assert.deepEqual(await documentsOf(store), {});
});

test('arguments are checked', async (t) => {
    const store = await openStore(t);
    const file = fileWith(t, three);
    for (const [options, message] of [
        [{ conflict: 'maybe' }, 'conflict'], [{ invalid: true }, 'invalid'], [{ key: 'id' }, 'key'],
        [{ onProgress: 1 }, 'onProgress'], [{ signal: {} }, 'signal'], [5, 'options'],
    ]) {
        await assert.rejects(importJsonLines(store, file, options), errorOf('AssertionError', { message }));
    }
    await assert.rejects(importJsonLines({}, file), errorOf('AssertionError', { message: 'datastore' }));
    await assert.rejects(
        importLoki(store, file, { metadata: 'some' }),
        errorOf('AssertionError', { message: 'metadata' }),
    );
    const directory = path.dirname(newPath(t));
    const readOnly = await openStore(t, { storage: 'files', readOnly: true, directory });
    const refused = importJsonLines(readOnly, file, { invalid: 'skip' });
    await assert.rejects(refused, errorOf('AssertionError', { message: 'readOnly' }));
});
