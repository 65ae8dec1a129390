'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Random, chooseSeed } = require('./helpers/random.js');
const { openHandles, startHandles, codeIs } = require('./helpers/sharing.js');
const { newDirectory } = require('./helpers/temp.js');

/** A hang is a failure. */
const LIMIT = { timeout: 120000 };

const KILLS = 8;
const STOPS_MAX = 100;

/** A handle that writes all the time, and what was acknowledged. */
class Writer {
    newest = new Map();
    #handle;
    #acknowledged = 0;
    #waiting = [];
    done;

    constructor(handle, job) {
        this.#handle = handle;
        this.done = handle.watch(([key, n]) => this.#receive(key, n), 'write', job);
        this.done.catch((error) => this.#waiting.forEach(({ reject }) => reject(error)));
    }

    /** Waits for so many more acknowledgements. */
    more(count) {
        const end = this.#acknowledged + count;
        return new Promise((resolve, reject) => {
            this.#waiting.push({ end, resolve, reject });
        });
    }

    async halt() {
        await this.#handle.call('halt');
        return this.done;
    }

    #receive(key, n) {
        this.newest.set(key, n);
        this.#acknowledged += 1;
        this.#waiting.filter(({ end }) => end === this.#acknowledged).forEach(({ resolve }) => resolve());
    }
}

/** Checks that a handle sees everything that a writer was told to be stored. */
async function checkNothingLost(handle, { newest }, label) {
    const keys = [...newest.keys()];
    const documents = await handle.call('getItems', keys);
    const lost = keys.filter((key, i) => !(documents[i]?.n >= newest.get(key)));
    assert.deepEqual(lost, [], label);
}

test(`a process is killed while all write, ${ KILLS } times: the others go on`, LIMIT, async (t) => {
    const random = new Random(chooseSeed(t));
    const directory = newDirectory(t);
    const handles = await openHandles(t, 2, { directory });
    const survivors = handles.map((handle, i) => (
        new Writer(handle, { prefix: `survivor${ i }`, keys: 10, inFlight: 2 })
    ));
    let acknowledged = 0;
    for (let round = 0; round < KILLS; round += 1) {
        const [victim] = await openHandles(t, 1, { directory, durability: random.pick(['sync', 'os']) });
        const killed = new Writer(victim, {
            prefix: `victim${ round }`, keys: 50, inFlight: 16, bytes: random.pick([10, 20000]),
        });
        await killed.more(1 + random.int(200));
        await victim.process.kill();
        await Promise.all(survivors.map((survivor) => survivor.more(20)));
        for (const handle of handles) {
            await checkNothingLost(handle, killed, `round ${ round }`);
        }
        acknowledged += killed.newest.size;
    }
    await Promise.all(survivors.map((survivor) => survivor.halt()));
    for (const survivor of survivors) {
        await checkNothingLost(handles[0], survivor, 'at the end');
    }
    const [late] = await openHandles(t, 1, { directory });
    assert.deepEqual(await late.call('scan', { includeDocuments: true }),
        await handles[1].call('scan', { includeDocuments: true }));
    t.diagnostic(`${ KILLS } processes killed, ${ acknowledged } of their documents checked`);
});

test('a process is stopped while all write: the others wait, and go on when it does', LIMIT, async (t) => {
    const options = { directory: newDirectory(t), lockTimeout: 60000 };
    const [stopped, other] = await openHandles(t, 2, options);
    const writer = new Writer(stopped, { prefix: 'stopped', keys: 20, inFlight: 16, bytes: 20000 });
    for (let round = 0; round < 20; round += 1) {
        await writer.more(5);
        await stopped.process.pause();
        const write = other.call('setItem', 'other', { round });
        // It has begun: the other process performs calls in their order.
        await other.call('ping');
        stopped.process.resume();
        assert.equal((await write).round, round);
    }
    await writer.halt();
    await checkNothingLost(other, writer, 'at the end');
    assert.deepEqual(await stopped.call('getItem', 'other'), { round: 19, _rev: 19 });
});

test('LockedError names the process that is stopped while it writes; then all go on', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const [stopped] = await openHandles(t, 1, { directory });
    const others = await openHandles(t, 2, { directory, lockTimeout: 300, durability: 'os' });
    const writer = new Writer(stopped, { prefix: 'stopped', keys: 20, inFlight: 64, bytes: 50000 });
    const refused = codeIs('LOCKED', String(stopped.process.pid));
    let stops = 0;
    for (let timeouts = 0; timeouts < 2; stops += 1) {
        assert.ok(stops < STOPS_MAX, `it held the lock at none of ${ stops } stops`);
        await writer.more(5);
        await stopped.process.pause();
        const tries = others.map((other, i) => other.call('setItem', `try ${ stops } by ${ i }`, {}));
        const outcomes = await Promise.allSettled(tries);
        const isHeld = outcomes.every(({ status }) => status === 'rejected');
        if (isHeld) {
            outcomes.forEach(({ reason }) => refused(reason));
            await assert.rejects(others[0].call('batch', [{ type: 'delete', key: 'stopped:0' }]), refused);
            await assert.rejects(others[1].call('increment', 'counter', 1), refused);
            timeouts += 1;
        } else {
            assert.deepEqual(outcomes.map(({ status }) => status), ['fulfilled', 'fulfilled']);
        }
        stopped.process.resume();
        await writer.more(5);
        for (const [i, other] of others.entries()) {
            assert.equal(await stopped.call('hasItem', `try ${ stops } by ${ i }`), !isHeld);
            assert.equal((await other.call('setItem', `after ${ stops } by ${ i }`, { i })).i, i);
        }
    }
    await writer.halt();
    await checkNothingLost(others[0], writer, 'at the end');
    assert.equal(await others[1].call('hasItem', 'stopped:0'), true);
    t.diagnostic(`stopped ${ stops } times`);
});

for (const [durability, commits] of [['os', 8000], ['sync', 1500]]) {
    const title = `4 processes write at full speed and each gets its share, durability ${ durability }`;
    test(title, LIMIT, async (t) => {
        const handles = startHandles(t, 4);
        const options = { directory: newDirectory(t), durability };
        await Promise.all(handles.map((handle) => handle.call('open', options)));
        const every = 10;
        const counts = handles.map(() => 0);
        let runs;
        await new Promise((resolve, reject) => {
            let total = 0;
            const count = (i) => {
                counts[i] += every;
                total += every;
                if (total === commits) {
                    resolve();
                }
            };
            runs = handles.map((handle, i) => (
                handle.watch(() => count(i), 'write', { prefix: `writer${ i }`, keys: 10, every })
            ));
            Promise.all(runs).catch(reject);
        });
        const shares = [...counts];
        await Promise.all(handles.map((handle) => handle.call('halt')));
        await Promise.all(runs);
        t.diagnostic(`commits of each: ${ shares.join(', ') }`);
        assert.ok(Math.min(...shares) >= commits / 10, shares.join(', '));
    });
}
