'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { openStore, allDocuments } = require('./helpers/store.js');
const { newPath, snapshotFiles } = require('./helpers/temp.js');

const FIXTURES = path.join(__dirname, '..', 'tests', 'fixtures');
/** What earlier versions left; cases are only ever added. */
const CASES = [
    'format-1/clean', 'format-1/killed', 'format-1/odd-keys', 'format-1/quarantined', 'format-1/unfinished',
];
const DURABILITIES = ['sync', 'os', 'batched'];

function copyOf(t, name) {
    const directory = newPath(t);
    fs.cpSync(path.join(FIXTURES, name, 'directory'), directory, { recursive: true });
    return directory;
}

/** What is in the quarantine, by path. */
function quarantineOf(files) {
    return Object.fromEntries(Object.entries(files).filter(([name]) => name.includes('quarantine')));
}

for (const name of CASES) {
    const expected = JSON.parse(fs.readFileSync(path.join(FIXTURES, name, 'expected.json'), 'utf8'));

    for (const durability of DURABILITIES) {
        test(`${ name } opens, durability ${ durability }`, async (t) => {
            const directory = copyOf(t, name);
            const before = snapshotFiles(directory);
            const store = await openStore(t, { directory, durability });
            assert.deepEqual(Object.fromEntries(await allDocuments(store)), expected);
            const added = await store.setItem('written by this version', { durability });
            await store.close();
            const after = snapshotFiles(directory);
            const names = Object.keys(after);
            assert.equal(names.some((file) => file.includes('journal-')), false, 'the journal is done');
            assert.deepEqual(quarantineOf(after), quarantineOf(before));
            const again = await openStore(t, { directory, durability });
            assert.deepEqual(Object.fromEntries(await allDocuments(again)),
                { ...expected, 'written by this version': added });
        });
    }

    test(`${ name } can be read by whoever reads JSON files, once it is closed`, async (t) => {
        const directory = copyOf(t, name);
        const store = await openStore(t, { directory });
        await store.close();
        const read = {};
        for (const file of fs.readdirSync(directory).filter((candidate) => candidate.endsWith('.json'))) {
            const key = decodeURIComponent(file.slice(0, -'.json'.length));
            const document = JSON.parse(fs.readFileSync(path.join(directory, file), 'utf8'));
            read[key] = { ...document, _rev: document._rev ?? 0 };
        }
        assert.deepEqual(read, expected);
    });
}

test('every golden directory is in the list', () => {
    const isDirectory = (entry) => entry.isDirectory();
    const list = (directory) => fs.readdirSync(directory, { withFileTypes: true }).filter(isDirectory);
    const formats = list(FIXTURES).filter(({ name }) => name.startsWith('format-'));
    const found = formats.flatMap(({ name: format }) =>
        list(path.join(FIXTURES, format)).map(({ name }) => `${ format }/${ name }`));
    assert.deepEqual(found.sort(), CASES);
});
