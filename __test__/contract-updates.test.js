'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { openStore, otherHandle, errorOf } = require('./helpers/store.js');

test('updateItem gets a copy or null and stores what comes back', async (t) => {
    const store = await openStore(t);
    const seen = [];
    const update = (next) => (current) => {
        seen.push(current);
        return next;
    };
    assert.deepEqual(await store.updateItem('a', update({ n: 1 })), { n: 1, _rev: 0 });
    assert.deepEqual(await store.updateItem('a', update({ n: 2 })), { n: 2, _rev: 1 });
    assert.deepEqual(seen, [null, { n: 1, _rev: 0 }]);
    assert.deepEqual(await store.getItem('a'), { n: 2, _rev: 1 });
});

test('an update function may change its copy and return it, or be async', async (t) => {
    const store = await openStore(t);
    await store.setItem('a', { n: 1 });
    await store.updateItem('a', (current) => {
        current.n += 1;
        return current;
    });
    await store.updateItem('a', async (current) => {
        await new Promise(setImmediate);
        return { ...current, n: current.n + 1 };
    });
    assert.deepEqual(await store.getItem('a'), { n: 3, _rev: 2 });
});

test('updates of one key queue up; no increment is lost', async (t) => {
    const store = await openStore(t);
    let inside = 0;
    const increment = async (current) => {
        inside += 1;
        assert.equal(inside, 1, 'one at a time');
        await new Promise(setImmediate);
        inside -= 1;
        return { n: (current?.n ?? 0) + 1 };
    };
    await Promise.all(Array.from({ length: 100 }, () => store.updateItem('counter', increment)));
    assert.deepEqual(await store.getItem('counter'), { n: 100, _rev: 99 });
});

test('updates of different keys do not wait for each other', async (t) => {
    const store = await openStore(t);
    let release;
    const gate = new Promise((resolve) => {
        release = resolve;
    });
    const slow = store.updateItem('slow', async () => {
        await gate;
        return { done: true };
    });
    assert.deepEqual(await store.updateItem('quick', () => ({})), { _rev: 0 });
    await assert.rejects(store.getItem('slow'), errorOf('NotFoundError'));
    release();
    assert.deepEqual(await slow, { done: true, _rev: 0 });
});

test('two handles on one directory lose no increment when they retry', async (t) => {
    const one = await openStore(t);
    const two = await otherHandle(t, one);
    let conflicts = 0;
    const increment = async (store) => {
        for (;;) {
            try {
                return await store.updateItem('counter', async (current) => {
                    await new Promise(setImmediate);
                    return { ...current, n: (current?.n ?? 0) + 1 };
                });
            } catch (error) {
                errorOf('ConflictError', { key: 'counter' })(error);
                conflicts += 1;
            }
        }
    };
    await Promise.all([one, two].map(async (store) => {
        for (let i = 0; i < 30; i += 1) {
            await increment(store);
        }
    }));
    assert.deepEqual(await one.getItem('counter'), { n: 60, _rev: 59 });
    t.diagnostic(`${ conflicts } conflicts, each retried`);
});

test('a returned _rev that is not the current one is a ConflictError', async (t) => {
    const store = await openStore(t);
    await store.setItem('a', { n: 1 });
    for (const _rev of [1, 7]) {
        const stale = store.updateItem('a', () => ({ n: 2, _rev }));
        await assert.rejects(stale, errorOf('ConflictError', { key: 'a' }));
    }
    assert.deepEqual(await store.getItem('a'), { n: 1, _rev: 0 });
    const forced = await store.updateItem('a', () => ({ n: 2, _rev: 7 }), { checkConsistency: false });
    assert.deepEqual(forced, { n: 2, _rev: 1 });
});

test('a change meanwhile is a ConflictError, also when the update returns no _rev', async (t) => {
    const store = await openStore(t);
    const other = await otherHandle(t, store);
    await store.setItem('a', { n: 1 });
    const changes = [
        () => other.setItem('a', { n: 9 }),
        () => other.deleteItem('a'),
        async () => {
            await other.deleteItem('a');
            await other.setItem('a', { n: 5 });
        },
    ];
    for (const change of changes) {
        await store.setItem('a', { n: 1 });
        const overtaken = store.updateItem('a', async () => {
            await change();
            return { n: 2 };
        });
        await assert.rejects(overtaken, errorOf('ConflictError', { key: 'a' }));
    }
    assert.equal((await store.getItem('a')).n, 5);
    const created = store.updateItem('new', async () => {
        await other.setItem('new', { by: 'the other' });
        return { by: 'me' };
    });
    await assert.rejects(created, errorOf('ConflictError', { key: 'new' }));
    assert.equal((await store.getItem('new')).by, 'the other');
});

test('an update after a failed one goes on with the queue', async (t) => {
    const store = await openStore(t);
    await store.setItem('a', { n: 1 });
    const failing = [
        store.updateItem('a', () => {
            throw new RangeError('thrown');
        }),
        store.updateItem('a', () => Promise.reject(new TypeError('rejected'))),
        store.updateItem('a', () => undefined),
        store.updateItem('a', () => ({ _rev: 12 })),
        store.updateItem('a', () => ({ bad: 1n })),
    ];
    const last = store.updateItem('a', (current) => ({ n: current.n + 1 }));
    const outcomes = await Promise.allSettled(failing);
    assert.deepEqual(outcomes.map(({ reason }) => reason.name),
        ['RangeError', 'TypeError', 'AssertionError', 'ConflictError', 'AssertionError']);
    assert.deepEqual(await last, { n: 2, _rev: 1 });
});
