'use strict';

// What callers do while a document is being written, and near the end of the stack: nothing that was
// acknowledged is another document, and nobody's neighbour suffers.

const test = require('node:test');
const assert = require('node:assert/strict');
const { directoryOf, errorOf, openStore, testKept } = require('./helpers/store.js');

/** More often than all structures of a document have to be met before it is flat. */
const WRITES = 20;

/** Stack frames of neighbouring rounds end one word apart; a frame of the recursion has fewer words. */
const ROUNDS = 48;

test('near the end of the stack a write is refused or done', async (t) => {
    const store = await openStore(t, { durability: 'os' });
    for (let round = 0; round < ROUNDS; round += 1) {
        const name = `only in round ${ round }`;
        const puts = await attempts(round, (i) => store.setItem(`put${ i }`, { [name]: i, b: { c: [i] } }));
        for (const i of puts) {
            const [found] = await store.getItems([`put${ i }`]);
            assert.deepEqual({ ...found, _rev: 0 }, { _rev: 0, [name]: i, b: { c: [i] } });
        }
        const deletions = await attempts(round, (i) => store.deleteItem(`put${ i }`));
        const left = await store.getItems(deletions.map((i) => `put${ i }`));
        assert.deepEqual(left, left.map(() => null), 'what was deleted');
    }
});

/** Calls `call(i)` at the end of the stack, then at less and less depth. Resolves with what went well. */
async function attempts(round, call) {
    const promises = [];
    function descend() {
        try {
            descend();
        } finally {
            if (promises.length < 100) {
                promises.push(call(promises.length));
            }
        }
    }
    const words = new Array(round).fill(0);
    assert.throws(() => ((...args) => descend(args))(...words), RangeError);
    const outcomes = await Promise.allSettled(promises);
    return [...outcomes.keys()].filter((i) => outcomes[i].status === 'fulfilled');
}

test('an array that lies about its length', async (t) => {
    const store = await openStore(t, { durability: 'os' });
    const get = (target, name) => (name === 'length' ? 1.5 : target[name]);
    for (let i = 0; i < WRITES; i += 1) {
        const lie = new Proxy([1, 2], { get });
        const documents = [{ a: [0] }, { a: lie }, { a: [0] }];
        const writes = documents.map((document, n) => store.setItem(`${ n }`, document));
        await Promise.all(writes);
        const [before, , after] = await store.getItems(['0', '1', '2']);
        assert.deepEqual([before, after], [{ _rev: i, a: [0] }, { _rev: i, a: [0] }]);
    }
});

testKept('what a getter calls keeps its place among the writes of the same step', async (t) => {
    const store = await openStore(t, { durability: 'os' });
    const calls = [];
    const calling = (call) => ({
        get called() {
            calls.push(call());
            return true;
        },
    });
    const put = (n) => store.setItem('key', { n });
    const batch = (n) => store.batch([{ type: 'set', key: 'key', document: { n } }]);
    const found = async (from) => (await from.getItem('key')).n;
    for (let n = 0; n < WRITES; n += 1) {
        calls.push(store.setItem('outer', calling(() => put(-1))), put(n));
        await Promise.all(calls.splice(0));
        assert.equal(await found(store), n, 'behind a put');
        calls.push(put(-1), store.setItem('outer', calling(() => batch(n))));
        await Promise.all(calls.splice(0));
        assert.equal(await found(store), n, 'a batch');
        const refused = Object.assign(calling(() => put(n)), { bad: () => 1 });
        calls.push(put(-1), assert.rejects(store.setItem('refused', refused), errorOf('AssertionError')));
        await Promise.all(calls.splice(0));
        assert.equal(await found(store), n, 'a put of a document that was refused');
    }
    calls.push(put(WRITES), store.setItem('outer', calling(() => store.close())));
    await Promise.all(calls.splice(0));
    const again = await openStore(t, { directory: directoryOf(store) });
    assert.equal(await found(again), WRITES, 'close()');
    assert.equal((await again.getItem('outer')).called, true);
});
