'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { openHandles, startHandles, codeIs } = require('./helpers/sharing.js');
const { kixx, errorOf, makeStore } = require('./helpers/store.js');
const { newDirectory } = require('./helpers/temp.js');

/** A hang is a failure. */
const LIMIT = { timeout: 60000 };

/** How long whoever must not succeed tries it. */
const SHORTLY = { lockTimeout: 200 };

test('nobody else opens what one process opened exclusively', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const [owner, other] = startHandles(t, 2);
    await owner.call('open', { directory, exclusive: true });
    await owner.call('setItem', 'a', { n: 1 });
    const locked = codeIs('LOCKED', String(owner.process.pid), directory);
    for (const options of [{}, { exclusive: true }, { readOnly: true }]) {
        await assert.rejects(other.call('open', { directory, ...SHORTLY, ...options }), locked);
    }
    assert.equal((await owner.call('increment', 'a', 1)).stored[0], 2, 'the owner goes on');
    await owner.call('close');
    assert.deepEqual(fs.readdirSync(directory), ['a.json']);
    await other.call('open', { directory, ...SHORTLY });
    assert.deepEqual(await other.call('getItem', 'a'), { n: 2, _rev: 1 });
});

test('nobody opens exclusively what others have open', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const [one, two, owner] = startHandles(t, 3);
    await Promise.all([one, two].map((handle) => handle.call('open', { directory })));
    const exclusively = { directory, exclusive: true, ...SHORTLY };
    const eitherOf = (error) => codeIs('LOCKED', directory)(error)
        && [one, two].some(({ process: { pid } }) => error.message.includes(String(pid)));
    await assert.rejects(owner.call('open', exclusively), eitherOf);
    await one.call('setItem', 'a', {});
    await one.call('close');
    await assert.rejects(owner.call('open', exclusively), codeIs('LOCKED', String(two.process.pid)));
    assert.equal(await two.call('hasItem', 'a'), true, 'it was not disturbed');
    await two.call('close');
    await owner.call('open', exclusively);
    assert.deepEqual(await owner.call('getItem', 'a'), { _rev: 0 });
});

test('who waits for a directory gets it when it is closed', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const file = path.join(directory, 'a.json');
    const [owner, other] = startHandles(t, 2);
    for (const waiting of [{}, { exclusive: true }]) {
        await owner.call('open', { directory, exclusive: true });
        await owner.call('increment', 'a', 1);
        const opened = other.call('open', { directory, lockTimeout: 60000, ...waiting });
        await other.call('ping');
        await owner.call('close');
        await opened;
        await other.call('increment', 'a', 1);
        await other.call('close');
    }
    assert.equal(fs.readFileSync(file, 'utf8'), '{"_rev":3,"n":4}');
});

test('a directory whose exclusive owner was killed is free', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const [owner] = await openHandles(t, 1, { directory, exclusive: true });
    await owner.call('setItem', 'a', { n: 1 });
    await owner.process.kill();
    const [next, third] = startHandles(t, 2);
    await next.call('open', { directory, exclusive: true, ...SHORTLY });
    assert.deepEqual(await next.call('getItem', 'a'), { n: 1, _rev: 0 });
    await next.process.kill();
    await third.call('open', { directory, ...SHORTLY });
    assert.deepEqual(await third.call('getItem', 'a'), { n: 1, _rev: 0 });
});

test('of several that open exclusively at once, one at a time has it', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const handles = startHandles(t, 4);
    const options = { directory, durability: 'os', exclusive: true, lockTimeout: 60000 };
    const runs = handles.map((handle, i) => (
        handle.call('churn', options, { key: 'counter', rounds: 5, seed: i })
    ));
    const total = (await Promise.all(runs)).reduce((sum, counted) => sum + counted, 0);
    const file = path.join(directory, 'counter.json');
    assert.equal(fs.readFileSync(file, 'utf8'), JSON.stringify({ _rev: total - 1, n: total }));
});

test('handles of the process that owns a directory share it', LIMIT, async (t) => {
    const options = { directory: newDirectory(t), exclusive: true };
    const [one, two] = await openHandles(t, 2, options, { processes: 1 });
    await one.call('setItem', 'a', { n: 1 });
    assert.deepEqual(await two.call('getItem', 'a'), { n: 1, _rev: 0 });
});

test('bad options', () => {
    const directory = 'never opened';
    const bad = [
        { lockTimeout: -1 }, { lockTimeout: NaN }, { lockTimeout: 1.5 }, { lockTimeout: '300' },
        { lockTimeout: {} }, { exclusive: 'yes' }, { exclusive: 1 }, { readOnly: 'yes' }, { readOnly: 0 },
    ];
    for (const options of bad) {
        const [name] = Object.keys(options);
        const refused = errorOf('AssertionError', { message: name });
        assert.throws(() => new kixx.Datastore({ directory, ...options }), refused, JSON.stringify(options));
        assert.throws(() => new kixx.DatastoreEngine({ directory, ...options }), refused);
    }
    assert.equal(fs.existsSync(directory), false);
});

test('the engine takes the options too', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const [owner] = await openHandles(t, 1, { directory, exclusive: true });
    const engine = new kixx.DatastoreEngine({ directory, ...SHORTLY });
    const locked = errorOf('LockedError', { message: [String(owner.process.pid), directory] });
    await assert.rejects(engine.loadDocuments(), locked);
    const store = makeStore(t, { directory, ...SHORTLY });
    await assert.rejects(store.getItem('a'), locked);
    await owner.call('close');
    await engine.loadDocuments();
    await engine.setItem('a', { n: 1 });
    await engine.close();
    assert.deepEqual(await store.getItem('a'), { n: 1, _rev: 0 });
});
