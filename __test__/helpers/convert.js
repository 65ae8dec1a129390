'use strict';

// What a directory has to hold before and after its storage changes.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { Datastore } = require('../../index.cjs');

/** Which storage counts in a directory. */
function storageIn(directory) {
    return fs.existsSync(path.join(directory, 'data.redb')) ? 'disk' : 'files';
}

/** Writes so many documents, some of them over others. */
async function fill(directory, storage, random, count) {
    const store = await new Datastore({ directory, storage, durability: 'os' }).load();
    const writes = Array.from({ length: count }, (_, n) => {
        const key = `key:${ random.int(2 * count) }`;
        return store.setItem(key, { n, text: random.text(random.int(300)) }, { checkConsistency: false });
    });
    await Promise.all(writes);
    await store.close();
}

/** All documents as JSON, by their keys. */
async function textsIn(directory, storage) {
    const store = await new Datastore({ directory, storage, cache: false }).load();
    const { items } = await store.queryKeys({ limit: Infinity, includeDocuments: true });
    await store.close();
    return new Map(items.map(({ key, document }) => [key, JSON.stringify(document)]));
}

/** Checks that a directory has these documents, and nothing else lies there. */
async function assertHolds(directory, storage, texts) {
    assert.equal(storageIn(directory), storage);
    const found = await textsIn(directory, storage);
    assert.equal(found.size, texts.size);
    for (const [key, text] of texts) {
        assert.equal(found.get(key), text, key);
    }
    const names = fs.readdirSync(directory);
    if (storage === 'disk') {
        assert.deepEqual(names, ['data.redb']);
    } else {
        assert.deepEqual(names.filter((name) => !name.endsWith('.json')), []);
        assert.equal(names.length, texts.size);
    }
}

module.exports = { assertHolds, fill, storageIn, textsIn };
