'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { AssertionError, ClosedError, Datastore, shadow } = require('../index.cjs');
const { sequences } = require('./fixtures/kixx.json');
const { OldDatastore } = require('./helpers/old-kixx.js');
const { errorOf, makeStore, openStore } = require('./helpers/store.js');
const { cleanup, newDirectory } = require('./helpers/temp.js');
const { VIEWS, perform } = require('./helpers/vectors.js');

/** A shadow over two new stores; `broken` replaces methods of the new one. */
async function openShadow(t, { broken = {}, ...options } = {}) {
    const old = makeStore(t);
    const other = makeStore(t);
    const shadowed = shadow(old, Object.assign(Object.create(proxyOf(other)), broken), options);
    cleanup(t, () => shadowed.close());
    await shadowed.load();
    return { old, other, shadowed };
}

/** The store, whose methods may be replaced on top. */
function proxyOf(store) {
    return new Proxy(store, {
        get(target, name) {
            const value = Reflect.get(target, name, target);
            return typeof value === 'function' ? value.bind(target) : value;
        },
    });
}

async function summary(shadowed) {
    await shadowed.settled();
    return shadowed.differences();
}

const nothing = { different: 0, ignored: 0, unchecked: 0 };

test('everything is answered by the old store and done by both', async (t) => {
    const { old, other, shadowed } = await openShadow(t);
    assert.deepEqual(await shadowed.setItem('a', { n: 1 }), { _rev: 0, n: 1 });
    assert.deepEqual(await shadowed.insertItem(5, { n: 5 }), { _rev: 0, n: 5 });
    assert.deepEqual(await shadowed.updateItem('a', (a) => ({ ...a, m: 2 })), { _rev: 1, n: 1, m: 2 });
    assert.deepEqual(await shadowed.batch([
        { type: 'set', key: 'b', document: { n: 3 } }, { type: 'delete', key: '5', rev: 0 },
    ]), [{ _rev: 0, n: 3 }, '5']);
    shadowed.setView('byN', { map: (document, emit) => emit(document.n) });
    assert.equal(shadowed.hasView('byN'), true);
    assert.equal((await shadowed.queryView('byN', { key: 3 })).items[0].documentKey, 'b');
    assert.equal((await shadowed.queryKeys({ includeDocuments: true })).total, 2);
    assert.deepEqual(await shadowed.getItems(['b', 'none']), [{ _rev: 0, n: 3 }, null]);
    assert.equal(await shadowed.hasItem('b'), true);
    const scanned = [];
    for await (const { key } of shadowed.scan()) {
        scanned.push(key);
    }
    assert.deepEqual(scanned, ['a', 'b']);
    assert.equal(shadowed._db.getItem('b').document.n, 3);
    assert.equal(await shadowed.deleteItem('b'), 'b');
    assert.equal(shadowed.deleteView('byN'), true);
    await shadowed.flush();
    assert.equal((await shadowed.stats()).documents, 1);
    const { compared, methods, mirroring, first, ...rest } = await summary(shadowed);
    assert.deepEqual({ ...rest, first, mirroring }, { ...nothing, first: [], mirroring: true });
    assert.equal(compared, 16, JSON.stringify(methods));
    assert.deepEqual(await other.getItem('a'), await old.getItem('a'));
    assert.equal(await other.hasItem('b'), false);
    await shadowed.close();
    await shadowed.close();
    await assert.rejects(shadowed.setItem('a', {}), errorOf('ClosedError'));
    assert.throws(() => shadowed.hasView('a'), ClosedError);
    await assert.rejects(old.getItem('a'), errorOf('ClosedError'));
    await assert.rejects(other.getItem('a'), errorOf('ClosedError'));
});

test('errors come from the old store and are compared', async (t) => {
    const { shadowed } = await openShadow(t);
    await shadowed.setItem('a', { n: 1 });
    await shadowed.setItem('a', { n: 2 });
    await assert.rejects(shadowed.getItem('none'), errorOf('NotFoundError', { key: 'none' }));
    await assert.rejects(shadowed.setItem('a', { _rev: 0 }), errorOf('ConflictError', { key: 'a' }));
    await assert.rejects(shadowed.setItem('a', { n: NaN }), errorOf('AssertionError'));
    await assert.rejects(shadowed.setItem('', {}), errorOf('AssertionError'));
    await assert.rejects(shadowed.getItem(Symbol('a')), errorOf('AssertionError'));
    await assert.rejects(shadowed.updateItem('a', 5), errorOf('AssertionError'));
    await assert.rejects(shadowed.updateItem('a', (a) => ({ ...a, _rev: 0 })), errorOf('ConflictError'));
    await assert.rejects(shadowed.batch('no'), errorOf('AssertionError'));
    await assert.rejects(shadowed.queryView('none'), errorOf('AssertionError'));
    assert.throws(() => shadowed.setView('a', {}), AssertionError);
    const { compared, ...rest } = await summary(shadowed);
    assert.equal(compared, 13);
    assert.equal(rest.different + rest.unchecked, 0, JSON.stringify(rest.first));
});

test('an update function runs once, and its error is nobody else\'s', async (t) => {
    const { other, shadowed } = await openShadow(t);
    let calls = 0;
    await Promise.all([1, 2, 3, 4].map((n) => shadowed.updateItem('a', async (a) => {
        calls += 1;
        await new Promise(setImmediate);
        return { sum: (a?.sum ?? 0) + n, now: calls };
    })));
    assert.equal(calls, 4);
    const failure = new Error('mine');
    await assert.rejects(shadowed.updateItem('a', () => {
        throw failure;
    }), (error) => error === failure);
    await shadowed.settled();
    assert.deepEqual(await other.getItem('a'), { _rev: 3, sum: 10, now: 4 });
    const { different, unchecked } = shadowed.differences();
    assert.deepEqual([different, unchecked], [0, 1]);
});

test('an update function may write its own document, as it may without a shadow', async (t) => {
    const { old, other, shadowed } = await openShadow(t);
    await shadowed.setItem('a', { n: 0 });
    const update = shadowed.updateItem('a', async (a) => {
        await new Promise(setImmediate);
        await shadowed.setItem('a', { n: 1 });
        return { ...a, n: 2 };
    });
    await assert.rejects(update, errorOf('ConflictError'));
    await shadowed.updateItem('a', async (a) => {
        await shadowed.setItem('a', { n: 3 });
        return { ...a, _rev: undefined, n: 4 };
    }, { checkConsistency: false });
    assert.equal((await summary(shadowed)).different, 0);
    assert.deepEqual(await other.getItem('a'), { _rev: 3, n: 4 });
    assert.deepEqual(await old.getItem('a'), { _rev: 3, n: 4 });
});

test('what the caller changes after the call changes nothing', async (t) => {
    const { other, shadowed } = await openShadow(t);
    const document = { list: [1], when: new Date(0) };
    const keys = ['a'];
    const writes = [shadowed.setItem('a', document), shadowed.setItem('a', document)];
    const read = shadowed.getItems(keys);
    document.list.push(2);
    keys.push('b');
    const [, stored] = await Promise.all(writes);
    await read;
    stored.list.push(3);
    assert.equal((await summary(shadowed)).different, 0);
    assert.deepEqual(await other.getItem('a'), { _rev: 1, list: [1], when: '1970-01-01T00:00:00.000Z' });
});

test('a difference tells the method, the arguments and both answers', async (t) => {
    const told = [];
    const broken = {
        getItem: async () => ({ _rev: 7 }),
        hasItem() {
            throw new TypeError('broken');
        },
    };
    const options = { broken, onDifference: (difference) => told.push(difference) };
    const { shadowed } = await openShadow(t, options);
    await shadowed.setItem('a', { n: 1 });
    assert.deepEqual(await shadowed.getItem('a'), { _rev: 0, n: 1 });
    assert.equal(await shadowed.hasItem('a'), true);
    const { first, different, methods } = await summary(shadowed);
    assert.deepEqual(told[0], {
        method: 'getItem', args: ['a'], old: { value: { _rev: 0, n: 1 } }, new: { value: { _rev: 7 } },
    });
    assert.equal(told[1].new.error.message, 'broken');
    assert.deepEqual(first, told);
    assert.equal(different, 2);
    assert.deepEqual(methods.getItem, { compared: 1, different: 1, ignored: 0, unchecked: 0 });
});

test('differences may be ignored; the examples are bounded, the counts go on', async (t) => {
    const ignore = ({ method }) => method === 'hasItem';
    const broken = { getItem: async () => null, hasItem: async () => 5 };
    const { shadowed } = await openShadow(t, { broken, ignore });
    await shadowed.setItem('a', {});
    await Promise.all(Array.from({ length: 50 }, () => shadowed.getItem('a')));
    await shadowed.hasItem('a');
    const { first, different, ignored } = await summary(shadowed);
    assert.deepEqual([different, ignored, first.length], [50, 1, 20]);
});

test('callbacks that throw are a warning', async (t) => {
    const onDifference = () => {
        throw new Error('my callback');
    };
    const { shadowed } = await openShadow(t, { broken: { hasItem: async () => 5 }, onDifference });
    const warned = new Promise((resolve) => {
        process.once('warning', resolve);
    });
    assert.equal(await shadowed.hasItem('a'), false);
    assert.match((await warned).message, /my callback/);
    assert.equal((await summary(shadowed)).different, 1);
});

test('a new store that never answers is left behind, and memory stays bounded', async (t) => {
    const broken = { setItem: () => new Promise(() => undefined) };
    const { old, shadowed } = await openShadow(t, { broken, maxPending: 20 });
    for (let n = 0; n < 100; n += 1) {
        assert.deepEqual(await shadowed.setItem(`k${ n % 7 }`, { n }), { _rev: Math.floor(n / 7), n });
        assert.equal((await shadowed.getItem(`k${ n % 7 }`)).n, n);
    }
    const { mirroring, different, first, methods } = await summary(shadowed);
    assert.deepEqual([mirroring, different, first[0].new.error.code], [false, 1, 'BEHIND']);
    assert.deepEqual([methods.setItem.unchecked, methods.getItem.unchecked], [99, 100]);
    await shadowed.close();
    await assert.rejects(old.getItem('k1'), errorOf('ClosedError'));
});

test('a failure of the old store is passed on, and not made again', async (t) => {
    const old = makeStore(t);
    const other = makeStore(t);
    const failing = Object.assign(Object.create(proxyOf(old)), {
        setItem: () => Promise.reject(Object.assign(new Error('disk full'), { code: 'STORAGE' })),
    });
    const shadowed = shadow(failing, other);
    await assert.rejects(shadowed.setItem('a', {}), { message: 'disk full' });
    await shadowed.settled();
    assert.equal(await other.hasItem('a'), false);
    assert.deepEqual(shadowed.differences().methods.setItem, { ...nothing, compared: 0, unchecked: 1 });
});

test('arguments of shadow() are checked', async (t) => {
    const store = makeStore(t);
    const other = makeStore(t);
    assert.throws(() => shadow(undefined, store), errorOf('AssertionError', { message: 'oldStore' }));
    assert.throws(() => shadow(store, {}), errorOf('AssertionError', { message: 'newStore.getItem' }));
    assert.throws(() => shadow(store, store), errorOf('AssertionError', { message: 'newStore' }));
    for (const options of [{ ignore: 1 }, { onDifference: {} }, { maxPending: 0 }]) {
        const message = Object.keys(options);
        assert.throws(() => shadow(store, other, options), errorOf('AssertionError', { message }));
    }
    const kixx = new OldDatastore({ directory: newDirectory(t) });
    const shadowed = shadow(kixx, other);
    await assert.rejects(shadowed.batch([]), errorOf('AssertionError', { message: 'no method batch()' }));
});

for (const { seed, ops, files } of sequences) {
    test(`the recorded operations ${ seed } in the old Kixx and here give no difference`, async (t) => {
        const directories = [newDirectory(t), newDirectory(t)];
        const different = [];
        const open = async () => {
            const old = new OldDatastore({ directory: directories[0] });
            const other = new Datastore({ directory: directories[1], missing: 'null' });
            const shadowed = shadow(old, other, { onDifference: (difference) => different.push(difference) });
            Object.entries(VIEWS).forEach(([id, map]) => shadowed._db.setView(id, { map }));
            return shadowed.load();
        };
        let shadowed = await open();
        let compared = 0;
        for (const op of ops) {
            if (op.op === 'reopen') {
                await shadowed.close();
                compared += shadowed.differences().compared;
                shadowed = await open();
                continue;
            }
            const answer = await perform(shadowed, op).catch((error) => ({ error: error.name }));
            const recorded = op.error === undefined ? op.ok : { error: op.error };
            assert.deepEqual(JSON.parse(JSON.stringify(answer)), recorded, JSON.stringify(op));
        }
        await shadowed.close();
        compared += shadowed.differences().compared;
        assert.deepEqual(different, []);
        assert.ok(compared >= ops.length, `${ compared } compared`);
        for (const directory of directories) {
            const read = (name) => JSON.parse(fs.readFileSync(path.join(directory, name), 'utf8'));
            const found = fs.readdirSync(directory).map((name) => [name, read(name)]);
            assert.deepEqual(Object.fromEntries(found), files);
        }
    });
}

test('an old store with documents: the new one gets a copy of its files first', async (t) => {
    const directory = newDirectory(t);
    const old = await new OldDatastore({ directory }).load();
    await old.setItem('user:1', { name: 'Jane' });
    const copy = newDirectory(t);
    fs.cpSync(directory, copy, { recursive: true });
    const shadowed = shadow(old, await openStore(t, { directory: copy, missing: 'null' }));
    assert.equal((await shadowed.getItem('user:1')).name, 'Jane');
    await shadowed.updateItem('user:1', (user) => ({ ...user, seen: true }));
    assert.equal((await summary(shadowed)).different, 0);
    assert.equal(shadowed.differences().compared, 2);
});
