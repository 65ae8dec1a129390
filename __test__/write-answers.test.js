'use strict';

// Writes of one step wait together. Each has an answer of its own, and an error shows who waited for it.

const test = require('node:test');
const assert = require('node:assert/strict');
const { createHook } = require('node:async_hooks');
const { errorOf, makeStore, openStore, otherHandle } = require('./helpers/store.js');
const { cleanup } = require('./helpers/temp.js');

/** More often than all structures of a document have to be met before it is flat. */
const WRITES = 20;

/** More than go together. */
const MANY = 150;

test('each write of a step has its own answer, whatever becomes of its neighbours', async (t) => {
    const store = await openStore(t, { durability: 'os' });
    await store.setItem('there', { n: 0 });
    const kinds = [
        (i) => [store.setItem(`flat${ i }`, { i, list: ['x'] }), { _rev: 0, i, list: ['x'] }],
        (i) => [store.insertItem('there', { i }), errorOf('ConflictError', { key: 'there' })],
        (i) => [store.insertItem(`text${ i }`, { at: new Date(i) }), { _rev: 0, at: new Date(i).toJSON() }],
        (i) => [store.deleteItem(`flat${ i - 3 }`), `flat${ i - 3 }`],
        (i) => [store.setItem(`bad${ i }`, { i: NaN }), errorOf('AssertionError')],
        (i) => [store.deleteItem('there', { rev: 7 + i }), errorOf('ConflictError', { key: 'there' })],
    ];
    const calls = Array.from({ length: MANY }, (_, i) => kinds[i % kinds.length](i));
    const outcomes = await Promise.allSettled(calls.map(([promise]) => promise));
    for (const [i, { value, reason }] of outcomes.entries()) {
        const [, expected] = calls[i];
        if (typeof expected === 'function') {
            expected(reason);
        } else {
            assert.deepEqual(value, expected);
        }
    }
});

test('the writes of two handles on one directory do not mix', async (t) => {
    const stores = [await openStore(t, { durability: 'os' })];
    stores.push(await otherHandle(t, stores[0], { durability: 'os' }));
    const revs = stores.map((store, n) => Array.from({ length: MANY }, async (_, i) => {
        const { _rev, ...document } = await store.setItem(`key${ i }`, { n, i });
        assert.deepEqual(document, { n, i });
        return _rev;
    }));
    const [own, others] = await Promise.all(revs.map((answers) => Promise.all(answers)));
    for (let i = 0; i < MANY; i += 1) {
        assert.deepEqual([own[i], others[i]].sort(), [0, 1]);
    }
});

test('the answer has the properties in their order, with _rev in front', async (t) => {
    const store = await openStore(t, { durability: 'os' });
    const other = await otherHandle(t, store, { durability: 'os' });
    for (let i = 0; i < WRITES; i += 1) {
        const document = { b: -0, 2: null, a: { z: 1, _rev: 'own' }, 1: true, _rev: i - 1 };
        const answer = await store.setItem('key', document, { checkConsistency: false });
        const text = `{"1":true,"2":null,"_rev":${ i },"b":0,"a":{"z":1,"_rev":"own"}}`;
        assert.equal(JSON.stringify(answer), text);
        assert.ok(Object.is(answer.b, 0));
        assert.equal(JSON.stringify(await other.getItem('key')), text);
    }
});

test('arrays of every length come back as JSON sees them', async (t) => {
    const store = await openStore(t, { durability: 'os' });
    const items = ['x', -0, undefined, { a: [1] }, 1.5, [], null, true];
    const saying = (length) => new Proxy(items, {
        get: (target, name) => (name === 'length' ? length : target[name]),
    });
    for (let i = 0; i < WRITES; i += 1) {
        for (let length = 0; length <= items.length; length += 1) {
            const turned = [...items.slice(i % items.length), ...items].slice(0, length);
            const documents = [turned, new Array(length), saying(length), saying(`${ length }`)];
            for (const list of documents) {
                const expected = JSON.parse(JSON.stringify({ list }));
                const { _rev, ...answer } = await store.setItem('key', { list });
                assert.deepEqual(answer, expected);
                assert.deepEqual({ ...await store.getItem('key'), _rev: 0 }, { _rev: 0, ...expected });
            }
        }
    }
});

test('errors of several writes show who waited for each', async (t) => {
    const store = await openStore(t);
    await store.setItem('key', {});
    async function inserts() {
        await store.insertItem('key', {});
    }
    async function sets() {
        await Promise.all([store.setItem('other', {}), store.setItem('key', { _rev: 7 })]);
    }
    async function deletes() {
        await store.deleteItem('key', { rev: 8 });
    }
    const promises = [inserts(), sets(), deletes()];
    const [inserted, set, deleted] = (await Promise.allSettled(promises)).map(({ reason }) => reason.stack);
    assert.match(inserted, /^ConflictError: [^]*at Datastore\.insertItem[^]*async inserts/);
    assert.match(set, /^ConflictError: [^]*at Datastore\.setItem[^]*async sets/);
    assert.match(deleted, /^ConflictError: [^]*Datastore\.deleteItem[^]*async deletes/);
});

test('an error of a call that loads first, or is refused at once, shows who waited', async (t) => {
    const store = makeStore(t);
    async function theCaller(key, document) {
        await store.insertItem(key, document);
    }
    const first = store.insertItem('key', {});
    await assert.rejects(theCaller('key', {}), seen('ConflictError'));
    await first;
    await assert.rejects(theCaller('', {}), seen('AssertionError'));
    await assert.rejects(theCaller('other', { bad: () => 1 }), seen('AssertionError'));

    function seen(name) {
        return (error) => errorOf(name)(error) && /theCaller/.test(error.stack);
    }
});

test('who is told of a new promise may write as well', async (t) => {
    const store = await openStore(t, { durability: 'os' });
    const inner = [];
    // How many promises of a call are left before the one that is followed by a write.
    let left = -1;
    const hook = createHook({
        init(id, type) {
            left -= Number(type === 'PROMISE');
            if (type === 'PROMISE' && left === -1) {
                inner.push(store.setItem(`inner${ inner.length }`, { inner: [inner.length] }));
            }
        },
    });
    cleanup(t, () => hook.disable());
    hook.enable();
    for (let i = 0; i < WRITES; i += 1) {
        left = i % 3;
        const outer = [0, 1, 2].map((n) => store.setItem(`outer${ i }:${ n }`, { outer: `no ${ i }`, n }));
        left = -1;
        const expected = outer.map((_, n) => ({ _rev: 0, outer: `no ${ i }`, n }));
        assert.deepEqual(await Promise.all(outer), expected);
    }
    hook.disable();
    assert.equal(inner.length, WRITES);
    const answers = await Promise.all(inner);
    assert.deepEqual(answers, answers.map((_, i) => ({ _rev: 0, inner: [i] })));
    for (let i = 0; i < WRITES; i += 1) {
        assert.deepEqual(await store.getItem(`outer${ i }:1`), { _rev: 0, outer: `no ${ i }`, n: 1 });
        assert.deepEqual(await store.getItem(`inner${ i }`), { _rev: 0, inner: [i] });
    }
});
