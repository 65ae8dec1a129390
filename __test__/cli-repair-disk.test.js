'use strict';

// A damaged data file: `verify` tells what is wrong, `repair` makes a new one of what is right, for
// datastores and for key-value stores.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { Distributor } = require('../index.cjs');
const { cli, cliJson } = require('./helpers/cli.js');
const { openStore } = require('./helpers/store.js');
const { newDirectory } = require('./helpers/temp.js');

const LIMIT = { timeout: 60000 };
const COUNT = 500;
const PAGE = 4096;

const keyOf = (n) => `user:${ String(n).padStart(4, '0') }`;

async function fill(t) {
    const directory = newDirectory(t);
    const store = await openStore(t, { directory, storage: 'disk' });
    const numbers = Array.from({ length: COUNT }, (_, n) => n);
    await Promise.all(numbers.map((n) => store.setItem(keyOf(n), { n, even: n % 2 === 0 })));
    await count(store);
    await store.close();
    return directory;
}

/** How many rows a view has. */
async function count(store) {
    store.setView('even', { map: (document, emit) => document.even && emit(document.n) });
    return (await store.queryView('even', { limit: Infinity })).items.length;
}

/** Zeros in the place of every page that holds `text`. */
function damage(directory, text) {
    const file = path.join(directory, 'data.redb');
    const bytes = fs.readFileSync(file);
    for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at)) {
        bytes.fill(0, at - at % PAGE, at - at % PAGE + PAGE);
    }
    fs.writeFileSync(file, bytes);
    return bytes;
}

test('a damaged data file is told, and repaired as far as it can be read', LIMIT, async (t) => {
    const directory = await fill(t);
    const bytes = damage(directory, keyOf(250));

    const found = await cliJson(t, ['verify', directory]);
    assert.equal(found.code, 1);
    const isPage = ({ file, problem }) => file === 'data.redb' && problem.includes('at byte');
    assert.ok(found.answer.findings.some(isPage));
    const lines = await cli(t, ['verify', directory]);
    assert.match(lines.stdout, /^data\.redb: .* of 1?\d+ entries can't be read$/m);

    const planned = await cliJson(t, ['repair', directory, '--dry-run']);
    assert.ok(fs.readFileSync(path.join(directory, 'data.redb')).equals(bytes), 'nothing was changed');
    const { code, answer } = await cliJson(t, ['repair', directory]);
    assert.deepEqual([code, answer], [0, { ...planned.answer, dryRun: false }]);
    assert.deepEqual(answer.moved.map(({ movedTo }) => movedTo), ['.datastore/quarantine/data.redb']);
    const kept = fs.readFileSync(path.join(directory, answer.moved[0].movedTo));
    assert.ok(kept.equals(bytes), 'nothing is deleted');

    const store = await openStore(t, { directory, storage: 'disk' });
    const lost = [];
    for (let n = 0; n < COUNT; n += 1) {
        if (await store.hasItem(keyOf(n))) {
            const document = await store.getItem(keyOf(n));
            assert.deepEqual(document, { _rev: 0, n, even: n % 2 === 0 });
        } else {
            lost.push(n);
        }
    }
    assert.ok(lost.includes(250) && lost.length < COUNT / 2, `${ lost }`);
    for (const n of lost) {
        const isNamed = ({ after = '', before = '\uffff' }) => after < keyOf(n) && keyOf(n) < before;
        assert.ok(answer.lost.some(isNamed), keyOf(n));
    }
    assert.equal(await count(store), COUNT / 2 - lost.filter((n) => n % 2 === 0).length, 'the view agrees');
    await store.close();
    assert.equal((await cliJson(t, ['verify', directory])).answer.ok, true);
});

test('what nobody can read is told with a hint', LIMIT, async (t) => {
    const directory = await fill(t);
    fs.truncateSync(path.join(directory, 'data.redb'), 100);
    const refused = await cli(t, ['get', directory, keyOf(1)]);
    assert.equal(refused.code, 5);
    assert.match(refused.stderr, /data\.redb .*\n`kixx-datastore verify` lists all damage/);
    const { answer } = await cliJson(t, ['repair', directory]);
    assert.match(answer.lost[0].problem, /in the whole file/);
    const after = await cliJson(t, ['verify', directory]);
    assert.deepEqual([after.code, after.answer.documents], [0, 0]);
});

test('the directory of a key-value store', LIMIT, async (t) => {
    const base = newDirectory(t);
    const distributor = new Distributor({ directory: base });
    const store = await distributor.getOrCreate('events', 'disk');
    await store.setBatch(Array.from({ length: COUNT }, (_, n) => [keyOf(n), `value ${ n }`]));
    await store.close();
    const files = fs.readdirSync(base, { recursive: true });
    const file = files.find((name) => path.basename(name) === 'data.redb');
    const directory = path.dirname(path.join(base, file));
    assert.equal((await cliJson(t, ['verify', directory])).answer.documents, COUNT);

    damage(directory, keyOf(250));
    assert.equal((await cliJson(t, ['verify', directory])).code, 1);
    const { code, answer } = await cliJson(t, ['repair', directory]);
    assert.equal(code, 0);
    assert.ok(answer.lost.length > 0);
    const again = await distributor.getOrCreate('events', 'disk');
    assert.equal(await again.get(keyOf(1)), 'value 1');
    assert.equal(await again.get(keyOf(250)), undefined);
    await again.close();
});
