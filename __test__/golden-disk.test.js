'use strict';

// What earlier versions left in data files and their journals opens for ever, and shows all that it held.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const { test } = require('node:test');
const { Distributor } = require('kixx-datastore');
const { allDocuments, kixx, openStore } = require('./helpers/store.js');
const { collect, open } = require('./helpers/keyvalue.js');
const { newPath } = require('./helpers/temp.js');

const FIXTURES = path.join(__dirname, '..', 'tests', 'fixtures');
const FORMATS = ['disk-1', 'disk-2'];
const KINDS = ['closed', 'key-values', 'killed'];
const DURABILITIES = ['sync', 'os', 'batched'];

function readExpected(name) {
    return JSON.parse(fs.readFileSync(path.join(FIXTURES, name, 'expected.json'), 'utf8'));
}

/** A copy with the data files unpacked. */
function copyOf(t, name) {
    const directory = newPath(t);
    fs.cpSync(path.join(FIXTURES, name, 'directory'), directory, { recursive: true });
    for (const file of fs.readdirSync(directory, { recursive: true }).filter((at) => at.endsWith('.gz'))) {
        const packed = path.join(directory, file);
        fs.writeFileSync(packed.slice(0, -'.gz'.length), zlib.gunzipSync(fs.readFileSync(packed)));
        fs.rmSync(packed);
    }
    return directory;
}

for (const name of FORMATS.flatMap((format) => ['closed', 'killed'].map((kind) => `${ format }/${ kind }`))) {
    const { documents } = readExpected(name);

    for (const durability of DURABILITIES) {
        test(`${ name } opens, durability ${ durability }`, async (t) => {
            const options = { directory: copyOf(t, name), storage: 'disk', durability };
            const store = await openStore(t, options);
            assert.deepEqual(Object.fromEntries(await allDocuments(store)), documents);
            assert.equal((await store.stats()).documents, Object.keys(documents).length);
            const added = await store.setItem('written by this version', { durability });
            await store.close();
            assert.deepEqual(fs.readdirSync(options.directory), ['data.redb']);
            const again = await openStore(t, options);
            assert.deepEqual(Object.fromEntries(await allDocuments(again)),
                { ...documents, 'written by this version': added });
        });
    }
}

for (const format of FORMATS) {
    test(`${ format }/closed has the rows of its view`, async (t) => {
        const { rows } = readExpected(`${ format }/closed`);
        const store = await openStore(t, { directory: copyOf(t, `${ format }/closed`), storage: 'disk' });
        store.setView('byN', { version: '1', map: () => assert.fail('they are there') });
        const { items } = await store.queryView('byN', { limit: Infinity });
        // In JSON there is no undefined.
        assert.deepEqual(JSON.parse(JSON.stringify(items)), rows);
    });

    test(`${ format }/killed becomes JSON files`, async (t) => {
        const directory = copyOf(t, `${ format }/killed`);
        const { documents } = readExpected(`${ format }/killed`);
        await kixx.convert(directory, { to: 'files' });
        const store = await openStore(t, { directory });
        assert.deepEqual(Object.fromEntries(await allDocuments(store)), documents);
    });

    test(`${ format }/key-values opens`, async (t) => {
        const { id, entries, token } = readExpected(`${ format }/key-values`);
        const directory = copyOf(t, `${ format }/key-values`);
        for (const round of [1, 2]) {
            const store = await open(t, new Distributor({ directory }), id, 'disk');
            const plain = ([key, value]) => [key, typeof value === 'string' ? value : [...value]];
            assert.deepEqual(Object.fromEntries((await collect(store.entries())).map(plain)), entries);
            assert.equal(await store.count(), Object.keys(entries).length);
            assert.equal(await store.withLock('lock', { ttl: 60_000 }, (lock) => lock.token), token + round);
            await store.close();
        }
    });
}

test('every golden directory of a data file is tried', () => {
    const list = (directory) => fs.readdirSync(directory).sort();
    assert.deepEqual(list(FIXTURES).filter((name) => name.startsWith('disk-')), FORMATS);
    for (const format of FORMATS) {
        assert.deepEqual(list(path.join(FIXTURES, format)), KINDS);
    }
});
