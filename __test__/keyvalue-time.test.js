'use strict';

// What depends on time and on others: expiry, locks, transactions, watching; and saved stores.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { Distributor } = require('kixx-datastore');
const { collect, newDistributor, newStore, onEach, open } = require('./helpers/keyvalue.js');
const { Random, chooseSeed } = require('./helpers/random.js');
const { eventually, newDirectory } = require('./helpers/temp.js');

/** Longer than any test. */
const LONG_MS = 3_600_000;

onEach('a value is there until its time has come, and not longer', async (t, backend) => {
    const store = await newStore(t, backend);
    const lasts = 20;
    for (const write of [
        () => store.set('k', 'v', { expiresIn: lasts }),
        () => store.setNx('k', 'v', { expiresIn: lasts }),
        async () => {
            await store.set('k', 'old');
            return await store.compareAndSwap('k', 'old', 'v', { expiresIn: lasts });
        },
    ]) {
        const earliest = Date.now() + lasts;
        assert.equal(await write(), true);
        const latest = Date.now() + lasts;
        for (let isThere = true; isThere;) {
            const before = Date.now();
            isThere = await store.exists('k');
            const after = Date.now();
            const times = `${ [earliest, before, after, latest] }`;
            assert.ok(isThere ? before < latest : after >= earliest, times);
            await new Promise(setImmediate);
        }
        const nothing = await Promise.all([store.get('k'), store.count(), store.del('k')]);
        assert.deepEqual(nothing, [undefined, 0, false]);
    }
});

onEach('expired entries are removed in the background', async (t, backend) => {
    const distributor = newDistributor(t);
    const store = await open(t, distributor, 'a', backend);
    const watch = store.watch();
    for (let i = 0; i < 1_000; i += 1) {
        await store.set(`k${ i }`, 'v', { expiresIn: 1 + i % 50 });
    }
    await store.set('kept', 'v', { expiresIn: LONG_MS });
    const keysOf = async () => (await distributor.stats()).stores[0].keys;
    await eventually(async () => await keysOf() === 1, 'all but one are removed');
    const changes = [];
    for await (const change of watch) {
        changes.push(change);
        if (change.key === 'kept') {
            break;
        }
    }
    assert.ok(changes.every(({ type, key }) => type === (key === 'kept' ? 'set' : 'del')));
    assert.equal(changes.length, 1_001);
});

onEach('a later write decides when a value expires', async (t, backend) => {
    const store = await newStore(t, backend);
    await store.set('a', 'v', { expiresIn: 1 });
    await store.set('a', 'w');
    await store.set('b', 'v', { expiresIn: 1 });
    await store.set('b', 'w', { expiresIn: LONG_MS });
    await store.set('c', 'v', { expiresIn: 1 });
    await eventually(async () => !await store.exists('c'), 'the last one is gone');
    assert.deepEqual(await collect(store.entries()), [['a', 'w'], ['b', 'w']]);
});

onEach('a transaction sees its own writes and commits them together', async (t, backend) => {
    const store = await newStore(t, backend);
    await store.setBatch({ a: '1', b: '2', c: '3', d: '4' });
    const buffer = Uint8Array.from([1]);
    const answer = await store.transaction(async (tx) => {
        const read = await Promise.all([tx.get('a'), tx.exists('none'), tx.get('none')]);
        assert.deepEqual(read, ['1', false, undefined]);
        assert.equal(await tx.set('b', 'own'), true);
        await tx.set('bb', buffer, { expiresIn: LONG_MS });
        buffer[0] = 9;
        assert.deepEqual([await tx.del('c'), await tx.del('c'), await tx.del('none')], [true, false, false]);
        assert.deepEqual([await tx.get('c'), await tx.get('bb')], [undefined, Uint8Array.from([1])]);
        const seen = [['a', '1'], ['b', 'own'], ['bb', Uint8Array.from([1])], ['d', '4']];
        assert.deepEqual(await collect(tx.entries()), seen);
        assert.deepEqual(await collect(tx.keys({ reverse: true, limit: 2 })), ['d', 'bb']);
        assert.deepEqual(await collect(tx.values({ prefix: 'b' })), ['own', Uint8Array.from([1])]);
        assert.deepEqual(await collect(tx.keys({ start: 'b', end: 'bb' })), ['b']);
        assert.equal(await store.get('b'), '2', 'nobody else sees it');
        return 'answer';
    });
    assert.equal(answer, 'answer');
    assert.deepEqual(await collect(store.keys()), ['a', 'b', 'bb', 'd']);
});

onEach('a transaction whose function throws writes nothing', async (t, backend) => {
    const store = await newStore(t, backend);
    const failure = new Error('mine');
    let kept;
    await assert.rejects(store.transaction(async (tx) => {
        kept = tx;
        await tx.set('k', 'v');
        throw failure;
    }), failure);
    assert.equal(await store.exists('k'), false);
    await assert.rejects(kept.get('k'), { code: 'ASSERTION', message: /^The transaction is over/ });
    await assert.rejects(kept.set('k', 'v'), { code: 'ASSERTION' });
});

onEach('a transaction begins again when what it read changes, so often as it may', async (t, backend) => {
    let asked = 0;
    const random = () => {
        asked += 1;
        return 0;
    };
    const store = await newStore(t, backend, { random });
    for (const [read, change] of [
        [(tx) => tx.get('k'), () => store.set('k', 'x')],
        [(tx) => tx.exists('absent'), (i) => (i % 2 ? store.set('absent', '') : store.del('absent'))],
        [(tx) => collect(tx.keys({ prefix: 'p:' })), (i) => store.set(`p:${ i }`, '')],
    ]) {
        let calls = 0;
        const work = (changes) => async (tx) => {
            calls += 1;
            await read(tx);
            if (calls <= changes) {
                await change(calls);
            }
            await tx.set('out', String(calls));
        };
        asked = 0;
        await store.transaction(work(3));
        assert.deepEqual([calls, asked, await store.get('out')], [4, 3, '4']);
        calls = 0;
        await assert.rejects(store.transaction(work(Infinity), { attempts: 3 }), { code: 'CONFLICT' });
        assert.deepEqual([calls, await store.get('out')], [3, '4']);
        await store.clear();
    }
});

onEach('transactions that meet are as if one came after the other', async (t, backend) => {
    const seed = chooseSeed(t);
    const random = new Random(seed);
    const store = await newStore(t, backend, { random: () => random.next() });
    // Write skew: each of two may go off duty only while the other is on.
    for (let round = 0; round < 20; round += 1) {
        await store.setBatch({ 'duty:a': 'on', 'duty:b': 'on' });
        const leave = (who, other) => store.transaction(async (tx) => {
            const isOn = await tx.get(`duty:${ other }`) === 'on';
            await new Promise(setImmediate);
            if (isOn) {
                await tx.set(`duty:${ who }`, 'off');
            }
            return isOn;
        });
        const left = await Promise.all([leave('a', 'b'), leave('b', 'a')]);
        assert.deepEqual(left.sort(), [false, true]);
        assert.deepEqual((await collect(store.values())).sort(), ['off', 'on']);
    }
    // Each takes the next number of a list that it counts.
    await store.clear();
    const append = () => store.transaction(async (tx) => {
        const { length } = await collect(tx.keys({ prefix: 'n:' }));
        await new Promise(setImmediate);
        await tx.set(`n:${ String(length).padStart(2, '0') }`, '');
    }, { attempts: 100 });
    await Promise.all(Array.from({ length: 12 }, append));
    assert.equal(await store.count({ prefix: 'n:' }), 12);
});

onEach('a lock is held by one at a time, with rising tokens', async (t, backend) => {
    const distributor = newDistributor(t);
    const handles = [await open(t, distributor, 'a', backend), await open(t, distributor, 'a', backend)];
    let inside = 0;
    const tokens = [];
    const work = async ({ token, signal }) => {
        inside += 1;
        assert.deepEqual([inside, signal.aborted], [1, false]);
        await new Promise(setImmediate);
        tokens.push(token);
        inside -= 1;
        return token;
    };
    const locked = (i) => handles[i % 2].withLock('lock', { ttl: LONG_MS, timeout: 60_000 }, work);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => locked(i)));
    assert.deepEqual(tokens, Array.from({ length: 20 }, (_, i) => i + 1));
    assert.deepEqual([...answers].sort((a, b) => a - b), tokens);
    assert.equal(await handles[0].exists('lock'), false);
    const failure = new Error('mine');
    await assert.rejects(handles[0].withLock('lock', {}, () => {
        throw failure;
    }), failure);
    assert.equal(await handles[1].withLock('lock', {}, ({ token }) => token), 22);
    await assert.rejects(handles[0].withLock('lock', {}, async () => {
        await handles[0].close();
        throw failure;
    }), failure);
});

onEach('a lock is waited for so long and no longer', async (t, backend) => {
    const store = await newStore(t, backend);
    await store.withLock('lock', { ttl: LONG_MS }, async () => {
        const waiting = store.withLock('lock', { timeout: 0 }, assert.fail);
        await assert.rejects(waiting, { name: 'LockedError', code: 'LOCKED', key: 'lock' });
    });
    await store.set('lock', 'of a process that was killed', { expiresIn: 30 });
    assert.equal(await store.withLock('lock', { timeout: 60_000 }, ({ token }) => token), 2);
});

onEach('a lock is renewed while its function goes on', async (t, backend) => {
    const store = await newStore(t, backend);
    const ttl = 100;
    await store.withLock('lock', { ttl }, async ({ signal }) => {
        const end = Date.now() + 4 * ttl;
        const owner = await store.get('lock');
        while (Date.now() < end && !signal.aborted) {
            await new Promise(setImmediate);
        }
        // A machine that stands still for a whole ttl loses the lock, and is told.
        assert.ok(signal.aborted || await store.get('lock') === owner);
    }).catch((error) => assert.equal(error.code, 'CONFLICT'));
});

onEach('who lost a lock is told, and takes it from nobody', async (t, backend) => {
    const store = await newStore(t, backend);
    const lost = store.withLock('lock', { ttl: 30 }, async ({ signal }) => {
        await store.set('lock', 'another');
        await eventually(() => signal.aborted, 'the signal tells');
        assert.equal(signal.reason.code, 'CONFLICT');
        return 'too late';
    });
    await assert.rejects(lost, { name: 'ConflictError', code: 'CONFLICT', key: 'lock' });
    assert.equal(await store.get('lock'), 'another');
});

onEach('a watch tells what changes, each key once for who is slow', async (t, backend) => {
    const store = await newStore(t, backend);
    await store.set('a:0', 'before');
    const watch = store.watch({ prefix: 'a:' });
    await store.set('a:1', 'v');
    assert.deepEqual(await watch.next(), { done: false, value: { type: 'set', key: 'a:1', value: 'v' } });
    const waiting = [watch.next(), watch.next()];
    await store.set('b', 'v');
    await store.setBatch({ 'a:0': undefined, 'a:2': Uint8Array.from([1]) });
    assert.deepEqual((await Promise.all(waiting)).map(({ value }) => value), [
        { type: 'del', key: 'a:0' }, { type: 'set', key: 'a:2', value: Uint8Array.from([1]) },
    ]);
    for (let i = 0; i < 1_000; i += 1) {
        await store.set('a:1', String(i));
    }
    assert.deepEqual((await watch.next()).value, { type: 'set', key: 'a:1', value: '999' });
    const pending = watch.next();
    assert.deepEqual(await watch.return(), { done: true, value: undefined });
    assert.deepEqual(await pending, { done: true, value: undefined });
    assert.deepEqual(await watch.next(), { done: true, value: undefined });
});

onEach('a watch that is far too slow is told to read all again', async (t, backend) => {
    const store = await newStore(t, backend);
    const watch = store.watch({ prefix: 'a:' });
    const all = Array.from({ length: 600 }, (_, i) => [`a:${ String(i).padStart(3, '0') }`, 'v']);
    await store.setBatch(all);
    for (let i = 0; i < 70; i += 1) {
        await store.setBatch(Array.from({ length: 1_000 }, (_, k) => [`busy:${ k }`, String(i)]));
    }
    assert.deepEqual((await watch.next()).value, { type: 'resync' });
    for (const [key, value] of all) {
        assert.deepEqual((await watch.next()).value, { type: 'set', key, value });
    }
    await store.del('a:000');
    assert.deepEqual((await watch.next()).value, { type: 'del', key: 'a:000' });
    await watch.return();
});

onEach('watches end with their handle', async (t, backend) => {
    const store = await newStore(t, backend);
    const watching = collect(store.watch());
    const waiting = store.watch();
    const next = waiting.next();
    await store.close();
    assert.deepEqual([await watching, await next], [[], { done: true, value: undefined }]);
});

test('a memory store is saved to a file and loaded from it, whole or not at all', async (t) => {
    const directory = newDirectory(t);
    const file = path.join(directory, 'saved');
    const store = await newStore(t, 'memory');
    const entries = [['', 'empty'], ['a', 'é日'], ['b', Uint8Array.from([0, 255])], ['\ud800', '\udfff']];
    await store.setBatch(entries);
    await store.set('short', 'v', { expiresIn: LONG_MS });
    assert.equal(await store.save(file), 5);
    await store.setBatch({ a: 'changed', new: 'x' });
    assert.equal(await store.load(file), 5);
    await store.del('short');
    assert.deepEqual(await collect(store.entries()), entries);
    assert.equal(await store.save(file), 4);
    assert.deepEqual(fs.readdirSync(directory), ['saved']);
    const other = await open(t, new Distributor(), 'loaded', 'memory');
    assert.equal(await other.load(file), 4);
    assert.deepEqual(await collect(other.entries()), entries);

    const good = fs.readFileSync(file);
    const text = Buffer.from('text');
    for (const bad of [good.subarray(0, -1), Buffer.concat([good, good]), Buffer.alloc(0), text]) {
        fs.writeFileSync(file, bad);
        await assert.rejects(store.load(file), { name: 'CorruptError', code: 'CORRUPT', message: /saved/ });
    }
    await assert.rejects(store.load(path.join(directory, 'missing')), { code: 'STORAGE' });
    await assert.rejects(store.save(directory), { code: 'STORAGE' });
    for (const bad of [undefined, '', 5, 'a\0']) {
        await assert.rejects(store.save(bad), { code: 'ASSERTION' });
        await assert.rejects(store.load(bad), { code: 'ASSERTION' });
    }
    assert.deepEqual(await collect(store.entries()), entries);
});
