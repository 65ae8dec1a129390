'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { startScript } = require('./helpers/child.js');
const { History, check, compareAll, registerViews } = require('./helpers/history.js');
const { Random, chooseSeed } = require('./helpers/random.js');
const { STORAGE, openStore, testKept } = require('./helpers/store.js');
const { newDirectory } = require('./helpers/temp.js');

/** A hang is a failure. */
const LIMIT = { timeout: 120000 };

const OPTIONS = [
    {}, { cache: false }, { durability: 'os' }, { durability: 'batched' }, { cache: { maxDocuments: 2 } },
];

/** How many steps before a store is closed and opened again; in memory there is nothing to open. */
const LEGS = STORAGE === 'memory' ? [240] : Array(6).fill(40);

/** Opens the store, performs steps on it, each one checked, and closes it. */
async function leg(t, history, options, steps) {
    const store = await openStore(t, options);
    registerViews(store, history.model);
    await compareAll(store, history.model, 'after opening');
    for (let i = 0; i < steps; i += 1) {
        await check(store, history.model, history.next());
    }
    await store.close();
}

test('random operations, closed and opened again, answer as a plain model does', LIMIT, async (t) => {
    const seed = chooseSeed(t);
    const random = new Random(seed);
    for (let round = 0; round < 6; round += 1) {
        const history = new History(seed + round);
        const directory = newDirectory(t);
        for (const steps of LEGS) {
            await leg(t, history, { ...random.pick(OPTIONS), directory }, steps);
        }
    }
    t.diagnostic('6 histories of 240 steps, each view compared with a full scan after every step');
});

testKept('random operations in processes that are killed answer as a plain model does', LIMIT, async (t) => {
    const seed = chooseSeed(t);
    const history = new History(seed);
    const directory = newDirectory(t);
    let done = 0;
    for (let round = 0; round < 10; round += 1) {
        const steps = 10 + new Random(seed + round).int(60);
        const child = startScript(t, 'model-child.js', [directory, seed, done, done + steps]);
        const { signal, stderr } = await child.exited;
        assert.equal(signal, 'SIGKILL', stderr);
        for (let i = 0; i < steps; i += 1) {
            history.next();
        }
        done += steps;
        if (round % 3 === 2) {
            await leg(t, history, { directory }, 20);
            done += 20;
        }
    }
    await leg(t, history, { directory }, 0);
    t.diagnostic(`10 processes killed, ${ done } steps`);
});

testKept('two handles on one directory answer as one', LIMIT, async (t) => {
    const seed = chooseSeed(t);
    const random = new Random(seed);
    const history = new History(seed);
    const directory = newDirectory(t);
    const stores = [];
    for (const options of OPTIONS.slice(0, 2)) {
        const store = await openStore(t, { ...options, directory });
        registerViews(store, history.model);
        stores.push(store);
    }
    for (let i = 0; i < 200; i += 1) {
        const next = history.next();
        const [method, id] = next.step;
        if (method === 'setView') {
            stores.forEach((store) => store.setView(id, history.model.views.get(id)));
            continue;
        }
        const [actor, other] = random.shuffle(stores);
        await check(actor, history.model, next);
        await compareAll(other, history.model, `seen by the other after ${ JSON.stringify(next.step) }`);
    }
});
