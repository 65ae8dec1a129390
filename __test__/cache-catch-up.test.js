'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Random, chooseSeed } = require('./helpers/random.js');
const { openStore, otherHandle, testKept } = require('./helpers/store.js');

const KEYS = Array.from({ length: 40 }, (_, i) => `key ${ i }`);
/** More than a cache catches up with: then it looks at every document again. */
const MANY_COMMITS = 5_000;

/** Every document, read twice: what was found to be good is answered from the cache then. */
async function assertReads(store, model, message) {
    for (let pass = 0; pass < 2; pass += 1) {
        for (const key of KEYS) {
            const { n = null } = await store.getItem(key) ?? {};
            assert.equal(n, model.get(key) ?? null, `${ message }: ${ key }`);
        }
    }
}

/** A writer whose writes the model knows, each with a value of its own. */
function writerOf(model) {
    let n = 0;
    return {
        async put(store, key) {
            n += 1;
            model.set(key, n);
            await store.setItem(key, { n });
        },
        async remove(store, key) {
            model.delete(key);
            await store.deleteItem(key);
        },
    };
}

test('hot documents are the newest ones, whoever wrote how many of them', async (t) => {
    const seed = chooseSeed(t);
    const random = new Random(seed);
    const store = await openStore(t, { missing: 'null' });
    const other = await otherHandle(t, store, { missing: 'null' });
    const model = new Map();
    const writer = writerOf(model);
    const handles = [store, other];
    for (let round = 0; round < 150; round += 1) {
        const written = random.shuffle(KEYS).slice(0, random.pick([0, 1, 2, 10, KEYS.length]));
        const by = random.pick(handles);
        await Promise.all(written.map((key) => (
            random.chance(0.2) ? writer.remove(by, key) : writer.put(by, key)
        )));
        for (const handle of handles) {
            // Some of the documents first, so that the cache catches up in the middle.
            for (const key of random.shuffle(KEYS).slice(0, random.int(KEYS.length))) {
                const { n = null } = await handle.getItem(key) ?? {};
                assert.equal(n, model.get(key) ?? null, `seed ${ seed }, round ${ round }: ${ key }`);
            }
            // Pages know documents as new as they are themselves.
            if (random.chance(0.5)) {
                const range = { inclusiveStartIndex: 0, limit: KEYS.length, includeDocuments: true };
                const { items } = await handle.queryKeys(range);
                const found = items.map(({ key, document }) => [key, document.n]);
                assert.deepEqual(new Map(found), model, `seed ${ seed }, round ${ round }`);
            }
            await assertReads(handle, model, `seed ${ seed }, round ${ round }`);
        }
    }
});

test('after more commits than a cache catches up with', async (t) => {
    const store = await openStore(t, { missing: 'null' });
    const other = await otherHandle(t, store, { missing: 'null' });
    const model = new Map();
    const writer = writerOf(model);
    await Promise.all(KEYS.map((key) => writer.put(store, key)));
    await assertReads(store, model, 'at first');
    for (let i = 0; i < MANY_COMMITS; i += 500) {
        const keys = Array.from({ length: 500 }, (_, at) => KEYS[at % 20]);
        await Promise.all(keys.map((key) => writer.put(other, key)));
    }
    await assertReads(store, model, 'after many commits');
    await writer.put(other, KEYS[0]);
    await writer.remove(other, KEYS[39]);
    await assertReads(store, model, 'after two more');
});

testKept('documents that did not change stay in the cache', async (t) => {
    const store = await openStore(t, { missing: 'null' });
    const other = await otherHandle(t, store, { missing: 'null' });
    const writer = writerOf(new Map());
    for (const key of KEYS) {
        await writer.put(other, key);
        await store.getItem(key);
    }
    const { cacheMisses } = await store.stats();
    for (let round = 1; round <= 10; round += 1) {
        await writer.put(other, KEYS[round]);
        for (const key of [...KEYS, ...KEYS]) {
            await store.getItem(key);
        }
        assert.equal((await store.stats()).cacheMisses, cacheMisses + round);
    }
});
