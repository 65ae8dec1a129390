'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { LockingQueue } = require('../../lib/locking-queue.js');
const { random } = require('./support/random.js');

test('first come, first served, one at a time', async () => {
    const queue = new LockingQueue();
    const order = [];
    let holders = 0;
    async function work(name) {
        await queue.getLock('key');
        holders += 1;
        assert.equal(holders, 1);
        order.push(name);
        await new Promise(setImmediate);
        holders -= 1;
        queue.releaseLock('key');
    }
    await Promise.all(['a', 'b', 'c', 'd'].map(work));
    assert.deepEqual(order, ['a', 'b', 'c', 'd']);
});

test('keys do not wait for each other', async () => {
    const queue = new LockingQueue();
    await queue.getLock('a');
    await queue.getLock('b');
    await queue.getLock();
    queue.releaseLock('a');
    queue.releaseLock('b');
    queue.releaseLock();
    await queue.getLock('a');
});

test('releasing what nobody holds is an error', async () => {
    const queue = new LockingQueue();
    assert.throws(() => queue.releaseLock('a'), {
        name: 'AssertionError', code: 'ASSERTION', message: /nobody holds the lock of the string "a"/,
    });
    assert.throws(() => queue.releaseLock(), { name: 'AssertionError', message: /nobody holds the lock$/ });
    await queue.getLock('a');
    queue.releaseLock('a');
    assert.throws(() => queue.releaseLock('a'), { name: 'AssertionError' });
});

test('100,000 in one queue', async () => {
    const queue = new LockingQueue();
    let count = 0;
    await Promise.all(Array.from({ length: 100_000 }, async () => {
        await queue.getLock('key');
        count += 1;
        queue.releaseLock('key');
    }));
    assert.equal(count, 100_000);
});

test('random use never lets two in, and everybody gets in', async () => {
    const { seed, next, pick } = random();
    const queue = new LockingQueue();
    const holders = new Map();
    let done = 0;
    await Promise.all(Array.from({ length: 500 }, async () => {
        const key = pick(['a', 'b', 'c', undefined]);
        for (let i = next(4); i > 0; i -= 1) {
            await null;
        }
        await queue.getLock(key);
        assert.equal(holders.has(key), false, `seed ${ seed }`);
        holders.set(key, true);
        for (let i = next(4); i > 0; i -= 1) {
            await null;
        }
        holders.delete(key);
        queue.releaseLock(key);
        done += 1;
    }));
    assert.equal(done, 500);
});
