'use strict';

// What stats() tells about memory, and the bound of the cache.

const test = require('node:test');
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { openStore } = require('./helpers/store.js');
const { newRoomyDirectory } = require('./helpers/temp.js');

const DOCUMENTS = 20_000;
const TEXT_LENGTH = 3_000;

test('the figures follow what is there', async (t) => {
    const store = await openStore(t, { durability: 'os', cache: { maxDocuments: 100 } });
    const { memory: empty } = await store.stats();
    assert.deepEqual(empty, { documents: 0, keys: empty.keys, views: empty.views, cache: 0 });
    for (let i = 0; i < 500; i += 1) {
        await store.setItem(`key${ i }`, { text: 'x'.repeat(1_000) });
    }
    const { memory: full } = await store.stats();
    assert.ok(full.documents > 500_000 && full.documents < 600_000, `${ full.documents } bytes`);
    assert.ok(full.keys > empty.keys);
    store.setView('length', { map: (document, emit) => emit(document.text) });
    await store.queryView('length', { limit: 1 });
    const { memory: viewed } = await store.stats();
    assert.ok(viewed.views > 500 * 1_000, `${ viewed.views } bytes`);
    store.deleteView('length');
    for (let i = 0; i < 500; i += 1) {
        await store.deleteItem(`key${ i }`);
    }
    const { memory: emptied } = await store.stats();
    assert.deepEqual([emptied.documents, emptied.views, emptied.cache], [0, 0, 0]);
});

test('the cache keeps its bounds under any load', async (t) => {
    const store = await openStore(t, { durability: 'os', cache: { maxDocuments: 50 } });
    const big = { text: 'y'.repeat(1_500_000) };
    for (let i = 0; i < 40; i += 1) {
        await store.setItem(`big${ i }`, big);
        await store.setItem(`small${ i }`, { i });
    }
    for (let round = 0; round < 3; round += 1) {
        for (let i = 0; i < 40; i += 1) {
            await store.getItem(`big${ i }`);
            await store.getItem(`small${ i }`);
            await store.queryKeys({ limit: 80, includeDocuments: true });
            const { cachedDocuments, memory } = await store.stats();
            assert.ok(cachedDocuments <= 50, `${ cachedDocuments } documents`);
            assert.ok(memory.cache <= 3 * 32 * 1024 * 1024 + 50 * 150, `${ memory.cache } bytes`);
        }
    }
});

test('the cache knows how large a document is that grows while it is there', async (t) => {
    const store = await openStore(t, { durability: 'os' });
    const text = 'z'.repeat(1_000_000);
    const grow = [
        (key) => store.setItem(key, { text }),
        (key) => store.updateItem(key, () => ({ list: Array.from(text.slice(0, 500_000)) })),
        (key) => store.batch([{ type: 'set', key, document: { text } }]),
    ];
    for (const [i, write] of grow.entries()) {
        await store.setItem(`key${ i }`, { text: '' });
        await store.getItem(`key${ i }`);
        const { memory: before } = await store.stats();
        await write(`key${ i }`);
        const { memory: after } = await store.stats();
        assert.ok(after.cache - before.cache > text.length, `${ after.cache - before.cache } bytes more`);
    }
});

test('documents and keys take what the resident set grows by, within 15 %', (t) => {
    const directory = newRoomyDirectory(t);
    for (let i = 0; i < DOCUMENTS; i += 1) {
        const text = JSON.stringify({ number: i, text: `${ i }`.repeat(TEXT_LENGTH).slice(0, TEXT_LENGTH) });
        fs.writeFileSync(path.join(directory, `key${ i }.json`), text);
    }
    const script = `
        const { Datastore } = require(${ JSON.stringify(require.resolve('../index.cjs')) });
        (async () => {
            const store = new Datastore({ directory: process.argv[1], cache: false });
            gc();
            const before = process.memoryUsage.rss();
            await store.load();
            gc();
            const grown = process.memoryUsage.rss() - before;
            const { memory } = await store.stats();
            console.log(JSON.stringify({ grown, told: memory.documents + memory.keys }));
            await store.close();
        })();
    `;
    const args = ['--expose-gc', '-e', script, directory];
    const { grown, told } = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
    t.diagnostic(`the resident set grew by ${ grown } bytes, told ${ told }`);
    assert.ok(Math.abs(told - grown) < 0.15 * grown, `told ${ told }, grown ${ grown }`);
});
