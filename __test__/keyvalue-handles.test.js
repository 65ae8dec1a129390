'use strict';

// Distributors and handles: names, sharing between threads, ends, bad input.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFile } = require('node:child_process');
const { test } = require('node:test');
const { promisify } = require('node:util');
const { Datastore, Distributor, KeyValueStore } = require('kixx-datastore');
const {
    collect, newDistributor, newStore, onEach, open, runInWorker, Start,
} = require('./helpers/keyvalue.js');
const { openStore } = require('./helpers/store.js');
const { eventually, newDirectory, newPath, snapshotFiles } = require('./helpers/temp.js');

const WORKERS = 8;
/** By each of them. */
const SWAPS = 10_000;
/** More than are read at a time. */
const ACCOUNTS = 2_000;

onEach('asking again gives the same store, which lives as long as a handle', async (t, backend) => {
    const directory = newPath(t);
    const one = await open(t, new Distributor({ directory }), 'sessions', backend);
    const distributor = new Distributor({ directory: `${ directory }/x/..` });
    const two = await open(t, distributor, 'sessions', backend);
    assert.notEqual(one, two);
    assert.deepEqual([one.id, one.backend, one.isOpen()], ['sessions', backend, true]);
    await one.set('k', 'v');
    assert.equal(await two.get('k'), 'v');
    const { memory, ...figures } = await two.stats();
    assert.deepEqual(figures, { id: 'sessions', backend, handles: 2, keys: 1 });
    const { stores: [listed], ...others } = await distributor.stats();
    assert.deepEqual([{ ...listed, memory }, others], [{ ...figures, memory }, {}]);
    await one.close();
    await one.close();
    assert.deepEqual([one.isOpen(), two.isOpen(), await two.get('k')], [false, true, 'v']);
    await two.close();
    assert.deepEqual(await distributor.stats(), { stores: [] });
});

onEach('names are told apart by id and directory', async (t, backend) => {
    const distributor = newDistributor(t);
    const odd = ['', '.', '..', '../..', '/', 'con', 'ü', '\0', '%41', '😀'.repeat(10)];
    const ids = [...odd, 'a', 'A', 'a/b', 'a\\b'];
    for (const id of ids) {
        const store = await open(t, distributor, id, backend);
        await store.set('id', id);
    }
    for (const id of ids) {
        assert.equal(await (await open(t, distributor, id, backend)).get('id'), id);
    }
    assert.equal((await distributor.stats()).stores.length, ids.length);
    const elsewhere = await open(t, newDistributor(t), 'a', backend);
    assert.equal(await elsewhere.get('id'), undefined);
});

test('memory stores are lost with their last handle, and need no directory', async (t) => {
    const directory = newPath(t);
    const store = await open(t, new Distributor({ directory }), 'a', 'memory');
    await store.set('k', 'v');
    await store.close();
    assert.equal(await (await open(t, new Distributor({ directory }), 'a', 'memory')).get('k'), undefined);
    assert.equal(fs.existsSync(directory), false);
    const anywhere = await open(t, new Distributor(), 'no directory', 'memory');
    await anywhere.set('k', 'v');
    assert.equal(await (await open(t, new Distributor(), 'no directory', 'memory')).get('k'), 'v');
});

onEach('64 calls of 8 threads at once make one store', async (t, backend) => {
    const directory = newPath(t);
    for (let round = 0; round < 3; round += 1) {
        const start = new Start();
        const data = { directory, backend, count: 8, shared: start.shared };
        // Closed before its last handle, so that the rounds do not meet.
        const keeper = await open(t, new Distributor({ directory }), 'one', backend);
        await keeper.clear();
        const working = Array.from({ length: WORKERS }, () => runInWorker('getOrCreate', data));
        await start.of(WORKERS);
        const answers = await Promise.all(working);
        assert.equal(answers.reduce((sum, { added }) => sum + added, 0), 8, 'each key was added once');
        assert.ok(answers.every(({ open: stores }) => stores === 1));
        const { stores: [{ handles }] } = await new Distributor({ directory }).stats();
        assert.equal(handles, 1);
        await keeper.close();
    }
});

onEach('8 threads that swap lose nothing', async (t, backend) => {
    const directory = newPath(t);
    // Each swap is a commit of its own: with a flush for each it would take minutes.
    const options = backend === 'disk' ? { durability: 'os' } : undefined;
    const store = await open(t, new Distributor({ directory }), 'counter', backend, options);
    await store.set('n', '0');
    const start = new Start();
    const data = { directory, backend, options, count: SWAPS, shared: start.shared };
    const working = Array.from({ length: WORKERS }, () => runInWorker('increment', data));
    await start.of(WORKERS);
    await Promise.all(working);
    assert.equal(await store.get('n'), String(WORKERS * SWAPS));
    await store.close();
    const again = await open(t, new Distributor({ directory }), 'counter', backend);
    assert.equal(await again.get('n'), backend === 'disk' ? String(WORKERS * SWAPS) : undefined);
});

onEach('an iteration sees one moment while other threads write', async (t, backend) => {
    const directory = newPath(t);
    const store = await open(t, new Distributor({ directory }), 'bank', backend);
    await store.setBatch(Array.from({ length: ACCOUNTS }, (_, n) => [`account:${ n }`, '0']));
    await store.set('moved', '0');
    const shared = new SharedArrayBuffer(4);
    const working = runInWorker('transfer', { directory, backend, count: ACCOUNTS, shared });
    const seen = new Set();
    await eventually(async () => {
        let [sum, accounts] = [0, 0];
        for await (const value of store.values({ prefix: 'account:' })) {
            sum += Number(value);
            accounts += 1;
        }
        assert.deepEqual([sum, accounts], [0, ACCOUNTS]);
        let sumAgain = 0;
        await store.iterate('account:', (key, value) => {
            sumAgain += Number(value);
        });
        assert.equal(sumAgain, 0);
        seen.add(await store.get('moved'));
        return seen.size > 20;
    }, 'the other thread writes');
    Atomics.store(new Int32Array(shared), 0, 1);
    assert.ok((await working).moved > 20);
});

onEach('a thread that ends lets go of its handles', async (t, backend) => {
    const distributor = newDistributor(t);
    const directory = newPath(t);
    await runInWorker('leave', { directory, backend });
    const left = new Distributor({ directory });
    await eventually(async () => (await left.stats()).stores.length === 0, 'the store is closed');
    assert.deepEqual(await distributor.stats(), { stores: [] });
});

onEach('handles that are dropped leave nothing behind, and each is told once', async (t, backend) => {
    const script = `
        const { Distributor } = require('kixx-datastore');
        const fs = require('node:fs');
        const isOurs = (lock) => lock.includes(' ' + process.pid + ' ');
        const held = () => [
            ...['fd', 'task'].map((what) => fs.readdirSync('/proc/self/' + what).length),
            fs.readFileSync('/proc/locks', 'utf8').split('\\n').filter(isOurs).length,
        ];
        const distributor = new Distributor({ directory: process.argv[1] });
        const warnings = [];
        process.on('warning', (warning) => warnings.push(warning.code));
        const drop = async (count) => {
            for (let i = 0; i < count; i += 1) {
                const store = await distributor.getOrCreate('store ' + i % 7, '${ backend }');
                await store.set('k', 'v', { expiresIn: 3_600_000 });
            }
        };
        const collected = async (count) => {
            while (warnings.length < count || (await distributor.stats()).stores.length > 0) {
                gc();
                await new Promise(setImmediate);
            }
        };
        (async () => {
            await drop(100);
            await collected(100);
            const before = process.platform === 'linux' ? held() : [0, 0, 0];
            await drop(10_000);
            await collected(10_100);
            // Disk stores are closed on threads of their own.
            const end = performance.now() + 20_000;
            let after = before;
            do {
                after = process.platform === 'linux' ? held() : [0, 0, 0];
                await new Promise(setImmediate);
            } while (after.some((count, i) => count > before[i] + 1) && performance.now() < end);
            const codes = [...new Set(warnings)];
            console.log(JSON.stringify({ before, after, warnings: warnings.length, codes }));
        })();
    `;
    const args = ['--expose-gc', '--no-warnings', '-e', script, newPath(t)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: path.join(__dirname, '..') });
    const { before, after, warnings, codes } = JSON.parse(stdout);
    assert.deepEqual([warnings, codes], [10_100, ['KIXX_STORE_LEAKED']]);
    const [files, threads, locks] = after.map((count, i) => count - before[i]);
    assert.ok(files <= 1 && threads <= 1 && locks <= 0, `${ before } became ${ after }`);
});

test('a process ends while stores are open, and says nothing', async (t) => {
    const script = `
        const { Distributor } = require('kixx-datastore');
        new Distributor().getOrCreate('a', 'memory').then(async (store) => {
            globalThis.store = store;
            await store.set('k', 'v', { expiresIn: 3_600_000 });
            store.watch();
            console.log(await store.get('k'));
        });
    `;
    const cwd = path.join(__dirname, '..');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['-e', script], { cwd });
    assert.deepEqual([stdout, stderr], ['v\n', '']);
    assert.ok(t);
});

onEach('a closed handle refuses everything', async (t, backend) => {
    const store = await newStore(t, backend);
    const iteration = store.entries();
    await store.close();
    const calls = {
        get: ['k'], exists: ['k'], set: ['k', 'v'], del: ['k'], setNx: ['k', 'v'], setBatch: [{ k: 'v' }],
        compareAndSwap: ['k', 'v', 'w'], iterate: ['', () => {}], count: [], clear: [], flush: [],
        stats: [],
        transaction: [async () => {}], withLock: ['k', {}, async () => {}],
        ...(backend === 'memory' ? { save: ['file'], load: ['file'] } : {}),
    };
    for (const [method, args] of Object.entries(calls)) {
        await assert.rejects(store[method](...args), { name: 'ClosedError', code: 'CLOSED' }, method);
    }
    for (const method of ['entries', 'keys', 'values', 'watch']) {
        assert.throws(() => store[method](), { code: 'CLOSED' }, method);
    }
    await assert.rejects(iteration.next(), { code: 'CLOSED' });
    await store.close();
});

onEach('await using closes a handle', async (t, backend) => {
    const store = await newStore(t, backend);
    await store[Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]();
    assert.equal(store.isOpen(), false);
});

onEach('bad keys, values and options are named', async (t, backend) => {
    const store = await newStore(t, backend);
    const bad = { code: 'ASSERTION', name: 'AssertionError' };
    for (const key of [undefined, null, 1, {}, [], Symbol('k'), Buffer.from('k')]) {
        for (const method of ['get', 'exists', 'del']) {
            await assert.rejects(store[method](key), { ...bad, message: /^key must be a string, got / });
        }
        await assert.rejects(store.set(key, 'v'), bad);
        await assert.rejects(store.iterate(key, () => {}), bad);
    }
    for (const value of [undefined, null, 1, {}, ['a'], new ArrayBuffer(1), new Uint16Array(1)]) {
        const message = /^value must be a string or a Uint8Array, got /;
        await assert.rejects(store.set('k', value), { ...bad, message });
        await assert.rejects(store.setNx('k', value), { ...bad, message });
        await assert.rejects(store.compareAndSwap('k', value, 'v'), bad);
        if (value !== undefined) {
            await assert.rejects(store.compareAndSwap('k', 'v', value), bad);
            await assert.rejects(store.setBatch({ k: value }), bad);
        }
    }
    for (const expiresIn of [0, -1, 1.5, NaN, Infinity, '5', null, 2 ** 53]) {
        await assert.rejects(store.set('k', 'v', { expiresIn }), { ...bad, message: /^expiresIn must be / });
    }
    const longest = 'k'.repeat(65_528);
    await store.set(longest, 'v', { expiresIn: 60_000 });
    const message = /65529 bytes is longer than 65528/;
    await assert.rejects(store.set(`${ longest }k`, 'v'), { ...bad, message });
    await assert.rejects(store.set('日'.repeat(22_000), 'v'), { ...bad, message: /66000 bytes/ });
    assert.equal(await store.get(`${ longest }k`), undefined);
    for (const batch of [undefined, null, 'ab', 5, [['a']], [['a', 'b', 'c']], ['ab']]) {
        await assert.rejects(store.setBatch(batch), bad);
    }
    const wrong = [{ prefix: 5 }, { start: 5 }, { limit: -1 }, { limit: 1.5 }, { reverse: 1 }];
    for (const options of [null, 5, ...wrong]) {
        assert.throws(() => store.entries(options), bad);
    }
    for (const options of [{ attempts: 0 }, { attempts: '1' }, 5]) {
        await assert.rejects(store.transaction(() => {}, options), bad);
    }
    await assert.rejects(store.transaction(5), bad);
    await assert.rejects(store.withLock('k', { ttl: 0 }, () => {}), bad);
    await assert.rejects(store.withLock('k', {}), bad);
    assert.deepEqual(await collect(store.keys()), [longest]);
});

test('bad ids, backends and distributors are named', async (t) => {
    const bad = { code: 'ASSERTION', name: 'AssertionError' };
    const distributor = newDistributor(t);
    for (const id of [undefined, null, 5, {}, 'a\ud800']) {
        await assert.rejects(distributor.getOrCreate(id, 'memory'), { ...bad, message: /^id must be / });
    }
    for (const backend of [undefined, 'redis', 5]) {
        const message = /^backend must be one of 'memory', 'disk'/;
        await assert.rejects(distributor.getOrCreate('a', backend), { ...bad, message });
    }
    const nowhere = new Distributor().getOrCreate('a', 'disk');
    await assert.rejects(nowhere, { ...bad, message: /needs a directory/ });
    for (const options of [{ cacheSize: 0 }, { durability: 'maybe' }, { flushInterval: -1 }, 5]) {
        await assert.rejects(distributor.getOrCreate('a', 'disk', options), bad);
    }
    const wrong = [{ directory: '' }, { directory: 5 }, { directory: 'a\0' }, { random: 5 }];
    for (const options of [null, 5, ...wrong]) {
        assert.throws(() => new Distributor(options), bad);
    }
    assert.throws(() => new KeyValueStore(), bad);
    const file = path.join(newDirectory(t), 'file');
    fs.writeFileSync(file, '');
    const inFile = new Distributor({ directory: path.join(file, 'x') });
    await assert.rejects(inFile.getOrCreate('a', 'memory'), { code: 'STORAGE' });
});

/** What may be where a store is to be: how it came there, the refusal, and whether it is as it was. */
const OTHERS = {
    'a datastore with a data file': {
        code: 'ASSERTION',
        make: (t, place) => putDocument(t, { directory: place, storage: 'disk' }),
        check: (t, place) => assertDocument(t, { directory: place, storage: 'disk' }),
    },
    'a datastore with files': {
        code: 'ASSERTION',
        make: (t, place) => putDocument(t, { directory: place }),
        check: (t, place) => assertDocument(t, { directory: place }),
    },
    'a file': {
        code: 'STORAGE',
        make: (t, place) => fs.writeFileSync(place, 'mine'),
        check: (t, place) => assert.equal(fs.readFileSync(place, 'utf8'), 'mine'),
    },
    'a data file of somebody else': {
        code: 'CORRUPT',
        make(t, place) {
            fs.mkdirSync(place);
            fs.writeFileSync(path.join(place, 'data.redb'), 'mine '.repeat(1_000));
        },
        check: (t, place) => assert.deepEqual(snapshotFiles(place), { 'data.redb': 'mine '.repeat(1_000) }),
    },
};

async function putDocument(t, options) {
    const store = await openStore(t, options);
    await store.setItem('a', { n: 1 });
    await store.close();
}

async function assertDocument(t, options) {
    const store = await openStore(t, options);
    assert.deepEqual(await store.getItem('a'), { _rev: 0, n: 1 });
    await store.close();
}

for (const [what, { code, make, check }] of Object.entries(OTHERS)) {
    test(`${ what } is refused, named, and left as it is`, async (t) => {
        const directory = newDirectory(t);
        const place = path.join(directory, 'store-test');
        await make(t, place);
        const distributor = new Distributor({ directory });
        for (let again = 0; again < 2; again += 1) {
            const error = await distributor.getOrCreate('test', 'disk').catch((thrown) => thrown);
            assert.equal(error.code, code, `${ error.stack ?? 'was opened' }`);
            assert.ok(error.message.includes(place), error.message);
        }
        assert.deepEqual(await distributor.stats(), { stores: [] });
        await check(t, place);
    });
}

test('a key-value store is no datastore', async (t) => {
    const directory = newDirectory(t);
    const store = await open(t, new Distributor({ directory }), 'test', 'disk');
    await store.set('a', '1');
    for (const state of ['open', 'closed']) {
        const datastore = new Datastore({ directory: path.join(directory, 'store-test'), storage: 'disk' });
        const error = await datastore.load().catch((thrown) => thrown);
        assert.equal(error.code, 'ASSERTION', `${ state }: ${ error.stack ?? 'was opened' }`);
        assert.match(error.message, /is a key-value store/);
        await store.close();
    }
    assert.equal(await (await open(t, new Distributor({ directory }), 'test', 'disk')).get('a'), '1');
});

onEach('close() lets end what was asked before', async (t, backend) => {
    const distributor = newDistributor(t);
    for (let round = 0; round < 10; round += 1) {
        const store = await distributor.getOrCreate('test', backend);
        // Each has to know what the one before left.
        const writing = Array.from({ length: 20 }, () => [store.setNx('k', '1'), store.del('k')]).flat();
        const closing = store.close();
        assert.deepEqual(await Promise.all(writing), writing.map(() => true));
        await closing;
    }
});
