'use strict';

// Bytes that a key-value store answers with: they are the caller's own, though their buffer may be not.

const assert = require('node:assert/strict');
const path = require('node:path');
const vm = require('node:vm');
const v8 = require('node:v8');
const { execFile } = require('node:child_process');
const { test } = require('node:test');
const { promisify } = require('node:util');
const { collect, newStore, onEach } = require('./helpers/keyvalue.js');

/** Around the lengths at which they get to JavaScript in another way. */
const LENGTHS = [0, 1, 63, 64, 65, 100, 1_023, 1_024, 1_025, 4_096, 4_097];
/** So often that answers of every length are behind each other in many slabs. */
const ROUNDS = 40;

/** Bytes that tell their length. */
function bytesOf(length) {
    return Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 0xFF);
}

async function fill(store) {
    for (const length of LENGTHS) {
        await store.set(`key ${ length }`, bytesOf(length));
    }
}

onEach('answers are plain, aligned and apart, whatever is read or written later', async (t, backend) => {
    const store = await newStore(t, backend);
    await fill(store);
    const answers = [];
    for (let round = 0; round < ROUNDS; round += 1) {
        for (const length of LENGTHS) {
            const answer = await store.get(`key ${ length }`);
            assert.deepEqual(answer, bytesOf(length));
            assert.equal(Object.getPrototypeOf(answer), Uint8Array.prototype);
            assert.equal(answer.byteOffset % 8, 0);
            answer.fill(answers.length);
            answers.push(answer);
        }
    }
    for (const [i, answer] of answers.entries()) {
        assert.equal(answer.length, LENGTHS[i % LENGTHS.length]);
        assert.ok(answer.every((byte) => byte === (i & 0xFF)), `answer ${ i } was changed`);
    }
    for (const length of LENGTHS) {
        assert.deepEqual(await store.get(`key ${ length }`), bytesOf(length), 'the store has its own bytes');
    }
});

onEach('answers can be read as numbers', async (t, backend) => {
    const store = await newStore(t, backend);
    const numbers = Float64Array.from({ length: 12 }, (_, i) => i / 7);
    await store.set('numbers', new Uint8Array(numbers.buffer));
    await store.set('odd', bytesOf(65));
    for (let i = 0; i < 300; i += 1) {
        await store.get('odd');
        const { buffer, byteOffset, byteLength } = await store.get('numbers');
        assert.deepEqual(new Float64Array(buffer, byteOffset, byteLength / 8), numbers);
    }
});

onEach('of a view only its bytes are stored, also of an answer', async (t, backend) => {
    const store = await newStore(t, backend);
    const large = bytesOf(20_000);
    for (const length of LENGTHS) {
        await store.set('view', large.subarray(9, 9 + length));
        const answer = await store.get('view');
        assert.deepEqual(answer, large.slice(9, 9 + length));
        await store.set('again', answer);
        await store.setBatch({ 'in a batch': answer });
        assert.deepEqual([await store.get('again'), await store.get('in a batch')], [answer, answer]);
        const next = bytesOf(length + 1);
        assert.equal(await store.compareAndSwap('again', next, next), false);
        assert.equal(await store.compareAndSwap('again', answer, next), true);
        assert.equal(await store.compareAndSwap('in a batch', 'x', answer), false);
        assert.deepEqual(await store.get('again'), next);
    }
});

onEach('in a transaction bytes are the caller\'s own, too', async (t, backend) => {
    const store = await newStore(t, backend);
    await fill(store);
    for (const length of LENGTHS) {
        const key = `key ${ length }`;
        const outside = await store.get(key);
        await store.transaction(async (tx) => {
            const answer = await tx.get(key);
            assert.deepEqual(answer, outside);
            await tx.set('same', answer);
            await tx.set('other', Buffer.from(outside));
            answer.fill(1);
            for (const own of ['same', 'other']) {
                const [one, two] = [await tx.get(own), await tx.get(own)];
                assert.equal(Object.getPrototypeOf(one), Uint8Array.prototype);
                one.fill(2);
                assert.deepEqual(two, outside);
            }
        });
        const stored = await Promise.all([store.get('same'), store.get('other'), store.get(key)]);
        assert.deepEqual(stored, [outside, outside, outside]);
    }
    const walked = await collect(store.values({ prefix: 'key' }));
    const before = walked.map((value) => value.slice());
    walked[0].fill(3);
    assert.deepEqual(walked.slice(1), before.slice(1));
});

onEach('a transfer of an answer takes no other one along', async (t, backend) => {
    const store = await newStore(t, backend);
    await fill(store);
    for (const length of LENGTHS) {
        const key = `key ${ length }`;
        const [one, two] = [await store.get(key), await store.get(key)];
        try {
            assert.deepEqual(structuredClone(one, { transfer: [one.buffer] }), bytesOf(length));
        } catch (error) {
            // Newer versions of Node refuse what older ones copy.
            assert.equal(error.name, 'DataCloneError');
        }
        assert.deepEqual([two, await store.get(key)], [bytesOf(length), bytesOf(length)]);
    }
});

test('a slab that was detached all the same is not used any more', async (t) => {
    const store = await newStore(t, 'memory');
    v8.setFlagsFromString('--allow-natives-syntax');
    const detach = vm.runInThisContext('(buffer) => %ArrayBufferDetach(buffer)');
    await fill(store);
    for (const length of LENGTHS) {
        const answer = await store.get(`key ${ length }`);
        detach(answer.buffer);
        assert.equal(answer.length, 0);
        for (const other of LENGTHS) {
            assert.deepEqual(await store.get(`key ${ other }`), bytesOf(other));
        }
    }
});

test('where buffers cannot be kept from being transferred each answer has its own', async () => {
    const script = `
        require('node:worker_threads').markAsUntransferable = () => {
            throw new Error('not implemented');
        };
        const { Distributor } = require('kixx-datastore');
        new Distributor().getOrCreate('a', 'memory').then(async (store) => {
            for (const length of [${ LENGTHS }]) {
                await store.set('k', new Uint8Array(length).fill(7));
                const { buffer } = await store.get('k');
                const right = new Uint8Array(buffer).every((byte) => byte === 7);
                console.log(right && buffer.byteLength);
            }
            await store.close();
        });
    `;
    const cwd = path.join(__dirname, '..');
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { cwd });
    assert.deepEqual(stdout.trim().split('\n').map(Number), LENGTHS);
});
