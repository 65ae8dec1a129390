'use strict';

// Key-value stores: every method, on each backend.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { collect, newDistributor, newStore, onEach } = require('./helpers/keyvalue.js');
const { cleanup } = require('./helpers/temp.js');

const bytes = (...numbers) => Uint8Array.from(numbers);

/** Strings that sort or encode in ways of their own, in the order in which JavaScript sorts them. */
const STRINGS = ['', '\0', '\0\0', 'A', 'a', 'a\0', 'a.', 'aa', 'z', '\u007f', '\u0080', 'é', 'ÿ', 'Ā', '日本',
    '\ud800', '\ud83d\ude00', '\udfff', '\uffff'];

onEach('strings and bytes come back as they were', async (t, backend) => {
    const store = await newStore(t, backend);
    const long = 'x'.repeat(5_000);
    const values = [
        ...STRINGS, long, `${ long }é`, `${ long }日`, 'y'.repeat(2_000_000), bytes(), bytes(0, 255),
        new Uint8Array(4_096).fill(7), new Uint8Array(4_097).fill(8), new Uint8Array(300_000).fill(9),
    ];
    for (const [i, value] of values.entries()) {
        assert.equal(await store.set(`key ${ i }`, value), true);
    }
    for (const [i, value] of values.entries()) {
        const found = await store.get(`key ${ i }`);
        assert.deepEqual(found, value);
        assert.equal(Object.getPrototypeOf(found), Object.getPrototypeOf(value));
    }
    await store.set('buffer', Buffer.from('abc'));
    assert.deepEqual(await store.get('buffer'), bytes(97, 98, 99));
});

onEach('what goes in and what comes out is copied', async (t, backend) => {
    const store = await newStore(t, backend);
    const value = bytes(1, 2, 3);
    const writing = store.set('k', value);
    value[0] = 9;
    await writing;
    const [one, two] = await Promise.all([store.get('k'), store.get('k')]);
    one[1] = 9;
    assert.deepEqual([two, await store.get('k')], [bytes(1, 2, 3), bytes(1, 2, 3)]);
});

onEach('keys are any strings, in the order in which JavaScript sorts them', async (t, backend) => {
    const store = await newStore(t, backend);
    const sorted = [...STRINGS].sort();
    for (const key of [...STRINGS].reverse()) {
        await store.set(key, `value of ${ key }`);
    }
    assert.deepEqual(await collect(store.keys()), sorted);
    const values = sorted.map((key) => `value of ${ key }`);
    assert.deepEqual(await collect(store.values({ reverse: true })), values.reverse());
    for (const prefix of STRINGS) {
        const expected = sorted.filter((key) => key.startsWith(prefix));
        assert.deepEqual(await collect(store.keys({ prefix })), expected, JSON.stringify(prefix));
        assert.equal(await store.count({ prefix }), expected.length);
    }
    for (const key of STRINGS) {
        assert.equal(await store.get(key), `value of ${ key }`);
        assert.equal(await store.exists(key), true);
    }
});

onEach('del tells whether there was something', async (t, backend) => {
    const store = await newStore(t, backend);
    assert.equal(await store.del('k'), false);
    await store.set('k', '');
    assert.deepEqual([await store.exists('k'), await store.get('k')], [true, '']);
    assert.equal(await store.del('k'), true);
    assert.deepEqual([await store.exists('k'), await store.get('k')], [false, undefined]);
    assert.equal(await store.del('k'), false);
});

onEach('setBatch takes a Map, an object or pairs, and removes what is undefined', async (t, backend) => {
    const store = await newStore(t, backend);
    assert.equal(await store.setBatch({ a: '1', b: bytes(2), c: '3' }), true);
    assert.equal(await store.setBatch(new Map([['b', undefined], ['d', '4'], ['missing', undefined]])), true);
    assert.equal(await store.setBatch([['a', 'x'], ['e', '5'], ['a', 'y']]), true);
    assert.equal(await store.setBatch({}), true);
    assert.deepEqual(await collect(store.entries()), [['a', 'y'], ['c', '3'], ['d', '4'], ['e', '5']]);
});

onEach('a batch with something wrong in it changes nothing', async (t, backend) => {
    const store = await newStore(t, backend);
    await store.set('a', '1');
    const tooLong = 'k'.repeat(65_529);
    const noPairs = [[['a', '2'], ['b']], [['a', '2'], [3, 'c']]];
    for (const batch of [{ a: '2', b: 3 }, ...noPairs, { a: '2', [tooLong]: '' }]) {
        await assert.rejects(store.setBatch(batch), { code: 'ASSERTION' });
    }
    assert.deepEqual(await collect(store.entries()), [['a', '1']]);
});

onEach('setNx and compareAndSwap decide by what there is', async (t, backend) => {
    const store = await newStore(t, backend);
    assert.equal(await store.compareAndSwap('k', '', '1'), false);
    assert.equal(await store.setNx('k', '1'), true);
    assert.equal(await store.setNx('k', '2'), false);
    assert.equal(await store.compareAndSwap('k', '2', '3'), false);
    // A string never equals bytes.
    assert.equal(await store.compareAndSwap('k', Buffer.from('1'), '3'), false);
    assert.equal(await store.compareAndSwap('k', '1', bytes(7)), true);
    assert.equal(await store.compareAndSwap('k', '\u0007', '4'), false);
    assert.equal(await store.compareAndSwap('k', Buffer.from([7]), '日本'), true);
    assert.equal(await store.compareAndSwap('k', '日本', undefined), true);
    assert.deepEqual([await store.get('k'), await store.setNx('k', '5')], [undefined, true]);
});

onEach('calls that are not awaited happen in their order', async (t, backend) => {
    const store = await newStore(t, backend);
    const answers = await Promise.all([
        store.set('k', '1'), store.setNx('k', '2'), store.del('k'), store.setNx('k', '3'),
        store.compareAndSwap('k', '3', '4'), store.del('other'), store.set('other', 'x'), store.del('other'),
    ]);
    assert.deepEqual(answers, [true, false, true, true, true, false, true, true]);
    assert.deepEqual(await collect(store.entries()), [['k', '4']]);
});

onEach('entries, keys and values take a range, a direction and a limit', async (t, backend) => {
    const store = await newStore(t, backend);
    const all = Array.from({ length: 1_000 }, (_, i) => [`k${ String(i).padStart(3, '0') }`, `v${ i }`]);
    await store.setBatch(all);
    await store.set('other', '');
    assert.deepEqual(await collect(store.entries({ prefix: 'k' })), all);
    const range = { start: 'k100', end: 'k103' };
    assert.deepEqual(await collect(store.keys(range)), ['k100', 'k101', 'k102'], 'the end is not included');
    assert.deepEqual(await collect(store.values({ ...range, reverse: true })), ['v102', 'v101', 'v100']);
    assert.deepEqual(await collect(store.keys({ ...range, prefix: 'k102' })), ['k102']);
    assert.deepEqual(await collect(store.keys({ ...range, prefix: 'other' })), []);
    assert.deepEqual(await collect(store.keys({ start: 'k9', end: 'k0' })), []);
    for (const limit of [0, 1, 16, 17, 300, 1_001, Infinity]) {
        const expected = all.map(([key]) => key).concat('other').reverse().slice(0, limit);
        assert.deepEqual(await collect(store.keys({ reverse: true, limit })), expected);
    }
    for await (const [key] of store.entries()) {
        assert.equal(key, 'k000');
        break;
    }
});

onEach('iterate goes on in order until it is told to stop', async (t, backend) => {
    const store = await newStore(t, backend);
    const keys = Array.from({ length: 500 }, (_, i) => `a:${ String(i).padStart(3, '0') }`);
    await store.setBatch(keys.map((key, i) => [key, String(i)]));
    await store.set('b', '');
    const given = [];
    assert.equal(await store.iterate('a:', (key, value) => void given.push([key, value])), 500);
    assert.deepEqual(given, await collect(store.entries({ prefix: 'a:' })));
    let calls = 0;
    assert.equal(await store.iterate('', () => (calls += 1) < 300), 300);
    assert.equal(calls, 300);
    assert.equal(await store.iterate('', async (key) => key !== 'a:001'), 2, 'a promise is waited for');
    assert.equal(await store.iterate('none', assert.fail), 0);
    const failure = new Error('mine');
    await assert.rejects(store.iterate('', () => {
        throw failure;
    }), failure);
});

onEach('an iteration sees one moment', async (t, backend) => {
    const store = await newStore(t, backend);
    const all = Array.from({ length: 600 }, (_, i) => [`k${ i }`, 'old']);
    await store.setBatch(all);
    const iteration = store.entries();
    await iteration.next();
    await store.setBatch([...all.map(([key]) => [key, 'new']), ['k0', undefined], ['l', 'new']]);
    const rest = await collect(iteration);
    assert.equal(rest.length, 599);
    assert.ok(rest.every(([, value]) => value === 'old'));
    assert.equal(await store.count(), 600);
});

onEach('clear and count know prefixes', async (t, backend) => {
    const store = await newStore(t, backend);
    await store.setBatch({ 'a:1': '', 'a:2': '', 'b:1': '', 'a;': '' });
    assert.deepEqual([await store.count(), await store.count({ prefix: 'a:' })], [4, 2]);
    assert.equal(await store.clear({ prefix: 'a:' }), 2);
    assert.deepEqual(await collect(store.keys()), ['a;', 'b:1']);
    assert.equal(await store.clear(), 2);
    assert.deepEqual([await store.count(), await store.clear()], [0, 0]);
    await store.flush();
});

onEach('a transaction does what it was told in that order, awaited or not', async (t, backend) => {
    const store = await newStore(t, backend);
    await store.setBatch({ a: '1', b: '1', c: '1' });
    await store.transaction((tx) => {
        void tx.del('a');
    });
    const answers = await store.transaction((tx) => Promise.all([
        tx.del('b'), tx.set('b', '2'), tx.del('c'), tx.del('c'), tx.exists('c'),
    ]));
    assert.deepEqual(answers, [true, true, true, false, false]);
    assert.deepEqual(await collect(store.entries()), [['b', '2']]);
});

onEach('bytes whose buffer was transferred are refused: they are gone', async (t, backend) => {
    const store = await newStore(t, backend);
    await store.set('k', 'old');
    const value = bytes(1, 2, 3);
    structuredClone(value, { transfer: [value.buffer] });
    const refused = { name: 'AssertionError', code: 'ASSERTION', message: /transferred/ };
    await assert.rejects(store.set('k', value), refused);
    await assert.rejects(store.setBatch({ k: value }), refused);
    await assert.rejects(store.compareAndSwap('k', 'old', value), refused);
    await assert.rejects(store.transaction((tx) => tx.set('k', value)), refused);
    assert.equal(await store.get('k'), 'old');
    await store.set('k', new Uint8Array(new SharedArrayBuffer(8), 4, 0));
    assert.deepEqual(await store.get('k'), bytes());
});

onEach('stats tell what there is, and what it takes of memory', async (t, backend) => {
    const store = await newStore(t, backend);
    const { memory: empty } = await store.stats();
    assert.equal(empty.values, 0);
    await store.setBatch(Array.from({ length: 500 }, (_, i) => [`key${ i }`, 'x'.repeat(1_000)]));
    const { keys, memory } = await store.stats();
    assert.equal(keys, 500);
    // What a disk store has written to its file is in the cache of the file.
    const used = memory.values + memory.cache;
    assert.ok(used > 500_000, `${ used } bytes`);
    if (backend === 'memory') {
        assert.ok(used < 600_000, `${ used } bytes`);
        assert.equal(memory.cache, 0);
        assert.ok(memory.keys > empty.keys + 500 * 'key'.length, `${ memory.keys } bytes of keys`);
        await store.set('key0', 'x', { expiresIn: 1_000_000 });
        const { memory: { keys: withExpiry } } = await store.stats();
        assert.ok(withExpiry > memory.keys, 'when it expires is kept, too');
        await store.clear();
        assert.equal((await store.stats()).memory.values, 0);
    }
});

test('the cache of a disk store keeps its bound', async (t) => {
    const distributor = newDistributor(t);
    const options = { cacheSize: 100_000 };
    const first = await distributor.getOrCreate('test', 'disk', options);
    await first.setBatch(Array.from({ length: 500 }, (_, i) => [`key${ i }`, 'x'.repeat(1_000)]));
    await first.close();
    const store = await distributor.getOrCreate('test', 'disk', options);
    cleanup(t, () => store.close());
    assert.equal((await store.stats()).memory.values, 0, 'all is in the file');
    for (let i = 0; i < 500; i += 1) {
        assert.equal((await store.get(`key${ i }`)).length, 1_000);
    }
    assert.equal((await store.stats()).memory.cache, options.cacheSize);
});

onEach('strings and bytes of every length are told apart, whatever was read before', async (t, backend) => {
    const store = await newStore(t, backend);
    const lengths = [0, 1, 100, 2_048, 2_049, 4_095, 4_096, 4_097, 70_000];
    const values = lengths.flatMap((length) => [
        'a'.repeat(length), '\u00ff'.repeat(length), '\u20ac'.repeat(length), Buffer.alloc(length, 97),
    ]);
    for (const [i, value] of values.entries()) {
        await store.set(`${ i }`, value);
    }
    const places = [...values.keys()];
    for (const i of [...places, ...places.reverse()]) {
        const answer = await store.get(`${ i }`);
        if (typeof values[i] === 'string') {
            assert.equal(answer, values[i]);
        } else {
            assert.deepEqual(answer, new Uint8Array(values[i]));
        }
        assert.equal(await store.exists(`${ i }`), true);
    }
});
