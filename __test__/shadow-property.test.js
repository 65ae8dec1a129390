'use strict';

// Random operations, many of them at once, on shadows of right and of broken stores: no difference is told
// of a right one, and every break is found.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { shadow } = require('../index.cjs');
const { BREAKS, derive } = require('./helpers/broken-store.js');
const { OldDatastore } = require('./helpers/old-kixx.js');
const { Random, chooseSeed } = require('./helpers/random.js');
const { openStore } = require('./helpers/store.js');
const { cleanup, newDirectory } = require('./helpers/temp.js');

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'];
const ROUNDS = 30;
const CALM = 8;
const MOST_AT_ONCE = 25;

const byN = { map: (document, emit) => document.n % 3 !== 0 && emit(document.n % 5, document.n) };

/** Operations that both the old Kixx and this store have. */
const COMMON = {
    getItem: (store, random) => store.getItem(random.pick(KEYS)),
    setItem: (store, random) => store.setItem(random.pick(KEYS), documentOf(random)),
    updateItem(store, random) {
        const n = random.int(1000);
        const wait = random.chance(0.5);
        return store.updateItem(random.pick(KEYS), (document) => {
            const next = { ...document, n };
            return wait ? new Promise((resolve) => {
                setImmediate(resolve, next);
            }) : next;
        });
    },
    deleteItem: (store, random) => store.deleteItem(random.pick(KEYS)),
    queryKeys: (store, random) => store.queryKeys(pageOf(random)),
    queryView: (store, random) => store.queryView('byN', pageOf(random)),
};

const ALL = {
    ...COMMON,
    insertItem: (store, random) => store.insertItem(random.pick(KEYS), { n: random.int(1000) }),
    hasItem: (store, random) => store.hasItem(random.pick(KEYS)),
    getItems: (store, random) => store.getItems(random.shuffle(KEYS).slice(random.int(3))),
    batch: (store, random) => store.batch(random.shuffle(KEYS).slice(3).map((key) => (random.chance(0.7)
        ? { type: 'set', key, document: documentOf(random) } : { type: 'delete', key }))),
    async scan(store, random) {
        let left = random.int(8);
        for await (const item of store.scan({ includeDocuments: true })) {
            left -= 1;
            if (left < 0) {
                return item;
            }
        }
    },
    engine: async (store, random) => store._db.getItem(random.pick(KEYS)),
};

/** Half of them name a revision, which is often not the current one. */
function documentOf(random) {
    const n = random.int(1000);
    return random.chance(0.5) ? { n } : { n, _rev: random.int(4) };
}

function pageOf(random) {
    const page = { limit: 1 + random.int(4), offset: random.int(3), includeDocuments: random.chance(0.5) };
    return { ...page, inclusiveStartIndex: page.offset, descending: random.chance(0.3) };
}

/** Rounds of operations at once, and of some that come one after another. */
async function work(store, random, operations) {
    const once = () => operations[random.pick(Object.keys(operations))](store, random);
    for (let round = 0; round < ROUNDS; round += 1) {
        await Promise.allSettled(Array.from({ length: random.int(MOST_AT_ONCE) }, once));
        for (let left = CALM; left > 0; left -= 1) {
            await Promise.allSettled([once()]);
        }
    }
}

async function openShadow(t, old, other, options) {
    const shadowed = shadow(old, other, options);
    cleanup(t, () => shadowed.close());
    shadowed._db.setView('byN', byN);
    return shadowed.load();
}

const newStore = (t, options) => openStore(t, { durability: 'os', ...options });

/** A right store that answers in its own time and order. */
function slow(store, random) {
    const late = (name) => async (...args) => {
        const answer = store[name](...args);
        answer.catch(() => undefined);
        for (let left = random.int(5); left > 0; left -= 1) {
            await new Promise(setImmediate);
        }
        return answer;
    };
    return derive(store, Object.fromEntries(['getItem', 'setItem', 'deleteItem', 'queryKeys', 'queryView']
        .map((name) => [name, late(name)])));
}

/** Nothing is different, and most of it was compared. */
function assertRight(t, shadowed) {
    const { first, compared, different, unchecked, mirroring } = shadowed.differences();
    assert.deepEqual(first, []);
    assert.deepEqual([different, mirroring], [0, true]);
    assert.ok(unchecked < compared / 4, `${ unchecked } unchecked, ${ compared } compared`);
    t.diagnostic(`${ compared } compared, ${ unchecked } unchecked`);
}

test('no difference between two right stores', async (t) => {
    const random = new Random(chooseSeed(t));
    const [old, other] = [await newStore(t), await newStore(t)];
    const shadowed = await openShadow(t, old, other);
    await work(shadowed, random, ALL);
    await shadowed.settled();
    assertRight(t, shadowed);
    assert.deepEqual(await other.getItems(KEYS), await old.getItems(KEYS));
});

test('no difference to a right store that is slow', async (t) => {
    const random = new Random(chooseSeed(t));
    const [old, other] = [await newStore(t), await newStore(t)];
    const shadowed = await openShadow(t, old, slow(other, random));
    await work(shadowed, random, ALL);
    await shadowed.settled();
    assertRight(t, shadowed);
});

test('no difference between the old Kixx and a right store', async (t) => {
    const random = new Random(chooseSeed(t));
    const old = new OldDatastore({ directory: newDirectory(t) });
    const shadowed = await openShadow(t, old, await newStore(t, { missing: 'null' }));
    await work(shadowed, random, COMMON);
    await shadowed.settled();
    assertRight(t, shadowed);
});

for (const [name, make] of Object.entries(BREAKS)) {
    test(`found: ${ name }`, async (t) => {
        const random = new Random(chooseSeed(t));
        const [old, other] = [await newStore(t), await newStore(t)];
        const [method, methods] = make(other);
        const told = [];
        const shadowed = await openShadow(t, old, derive(other, methods), {
            onDifference: (difference) => told.push(difference),
        });
        await work(shadowed, random, ALL);
        await shadowed.settled();
        assert.ok(told.length > 0, 'a difference is told');
        const own = told.filter((difference) => difference.method === method);
        // A write that goes wrong in silence is found by what is read later.
        assert.ok(own.length > 0 || name.includes('does nothing'), told[0].method);
    });
}
