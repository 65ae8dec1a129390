'use strict';

// What a datastore tells through node:diagnostics_channel, and that it does not need anybody to listen.

const assert = require('node:assert/strict');
const diagnostics = require('node:diagnostics_channel');
const fs = require('node:fs');
const path = require('node:path');
const { AsyncLocalStorage } = require('node:async_hooks');
const { test } = require('node:test');
const { Datastore } = require('kixx-datastore');
const { MapEngine } = require('./helpers/injected.js');
const { STORAGE, errorOf, makeStore, openStore, testFiles } = require('./helpers/store.js');
const { cleanup, eventually, newDirectory } = require('./helpers/temp.js');

const MANY = 2 ** 31 - 1;

/** The messages of a channel until the test is over. */
function listen(t, name) {
    const messages = [];
    const listener = (message) => messages.push(message);
    diagnostics.subscribe(`kixx-datastore:${ name }`, listener);
    cleanup(t, () => diagnostics.unsubscribe(`kixx-datastore:${ name }`, listener));
    return messages;
}

/** The events of the tracing channel until the test is over: `[event, context]`. */
function trace(t) {
    const events = [];
    const names = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'];
    const noting = (name) => [name, (context) => events.push([name, context])];
    const handlers = Object.fromEntries(names.map(noting));
    const channel = diagnostics.tracingChannel('kixx-datastore:call');
    channel.subscribe(handlers);
    cleanup(t, () => channel.unsubscribe(handlers));
    return events;
}

/** A message without its duration, which is a number of milliseconds. */
function timeless({ duration, ...message }) {
    assert.ok(duration >= 0, `a duration of ${ duration }`);
    return message;
}

test('every acknowledged write is a commit', async (t) => {
    const directory = newDirectory(t);
    const store = await openStore(t, { directory });
    const commits = listen(t, 'commit');
    await store.setItem('a', { n: 1 });
    await store.insertItem(2, { n: 2 });
    await store.updateItem('a', (document) => document);
    await store.batch([{ type: 'set', key: 'b', document: {} }, { type: 'delete', key: 'a' }]);
    await store.deleteItem('b');
    await store._db.setItem('c', { _rev: 5 });
    await store._db.deleteItem('c');
    await store.batch([]);
    await store.queryKeys();
    assert.deepEqual(commits.map(timeless), [
        { directory, operation: 'setItem', keys: ['a'] },
        { directory, operation: 'insertItem', keys: ['2'] },
        { directory, operation: 'updateItem', keys: ['a'] },
        { directory, operation: 'batch', keys: ['b', 'a'] },
        { directory, operation: 'deleteItem', keys: ['b'] },
        { directory, operation: 'setItem', keys: ['c'] },
        { directory, operation: 'deleteItem', keys: ['c'] },
    ]);
});

test('a refused write is a conflict and no commit', async (t) => {
    const directory = newDirectory(t);
    const store = await openStore(t, { directory });
    await store.setItem('a', {});
    const commits = listen(t, 'commit');
    const conflicts = listen(t, 'conflict');
    const refused = [
        ['setItem', () => store.setItem('a', { _rev: 7 })],
        ['insertItem', () => store.insertItem('a', {})],
        ['updateItem', () => store.updateItem('a', () => ({ _rev: 7 }))],
        ['deleteItem', () => store.deleteItem('a', { rev: 7 })],
        ['batch', () => store.batch([{ type: 'delete', key: 'a', rev: 7 }])],
    ];
    for (const [operation, write] of refused) {
        const error = await write().catch((caught) => caught);
        errorOf('ConflictError', { key: 'a' })(error);
        const expected = { directory, operation, keys: ['a'], key: 'a', error };
        assert.deepEqual(conflicts.splice(0).map(timeless), [expected]);
    }
    await assert.rejects(store.updateItem('a', () => { throw new Error('mine'); }), { message: 'mine' });
    assert.deepEqual([commits, conflicts], [[], []]);
    assert.equal((await store.stats()).conflicts, 5);
});

test('calls at or over the threshold are slow', async (t) => {
    const directory = newDirectory(t);
    const slow = listen(t, 'slow-call');
    const quick = await openStore(t, { directory: newDirectory(t), slowCallThreshold: MANY });
    await quick.setItem('a', {});
    assert.deepEqual(slow, []);
    const store = makeStore(t, { directory, slowCallThreshold: 0 });
    store.setView('v', { map: (document, emit) => emit(1) });
    await store.setItem('a', {});
    await store.queryKeys();
    await store.queryView('v');
    await store.flush();
    await assert.rejects(store.queryView('nope'), errorOf('AssertionError'));
    await store.close();
    const told = slow.map(timeless).map(({ error, ...call }) => ({ ...call, failed: error !== undefined }));
    const all = { directory, threshold: 0, failed: false };
    assert.deepEqual(told, [
        { ...all, operation: 'load' },
        { ...all, operation: 'setItem', keys: ['a'] },
        { ...all, operation: 'queryKeys' },
        // Without rows in the data file nobody waits for their build apart.
        ...(STORAGE === 'disk' ? [{ ...all, operation: 'buildView', view: 'v' }] : []),
        { ...all, operation: 'queryView', view: 'v' },
        { ...all, operation: 'flush' },
        { ...all, operation: 'queryView', view: 'nope', failed: true },
        { ...all, operation: 'close' },
    ]);
});

test('a slow call tells how long it took', async (t) => {
    const store = await openStore(t, { slowCallThreshold: 20 });
    const slow = listen(t, 'slow-call');
    const started = performance.now();
    await store.updateItem('a', async () => {
        await eventually(() => performance.now() - started > 30, 'the time has gone by');
        return {};
    });
    const took = performance.now() - started;
    const call = slow.find(({ operation }) => operation === 'updateItem');
    assert.equal(call.threshold, 20);
    assert.ok(call.duration >= 20 && call.duration <= took, `${ call.duration } of ${ took } ms`);
});

test('a view that is built on its thread is a call of its own', async (t) => {
    const store = await openStore(t, { slowCallThreshold: 0, durability: 'os' });
    await store.batch(Array.from({ length: 1000 }, (_, n) => ({ type: 'set', key: n, document: { n } })));
    store.setView('byN', { map: (document, emit) => emit(document.n) });
    const slow = listen(t, 'slow-call');
    assert.equal((await store.queryView('byN')).total, 1000);
    const calls = slow.map(({ operation, view }) => [operation, view]);
    assert.deepEqual(calls, [['buildView', 'byN'], ['queryView', 'byN']]);
});

test('tracing: one context from start to end, with what came of it', async (t) => {
    const directory = newDirectory(t);
    const store = await openStore(t, { directory });
    const events = trace(t);
    await store.setItem('a', { n: 1 });
    const context = events[0][1];
    assert.deepEqual(events.map(([name]) => name), ['start', 'end', 'asyncStart', 'asyncEnd']);
    assert.ok(events.every(([, other]) => other === context));
    assert.deepEqual([context.directory, context.operation, context.keys], [directory, 'setItem', ['a']]);
    events.splice(0);
    const error = await store.insertItem('a', {}).catch((caught) => caught);
    assert.deepEqual(events.map(([name]) => name), ['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    assert.equal(events[0][1].error, error);
    events.splice(0);
    await store.getItem('a');
    await store.hasItem('a');
    assert.deepEqual(events, [], 'reads by key are not traced');
});

test('tracing: what is called inside belongs to the call', async (t) => {
    const store = await openStore(t);
    const storage = new AsyncLocalStorage();
    const { start } = diagnostics.tracingChannel('kixx-datastore:call');
    start.bindStore(storage, ({ operation }) => operation);
    cleanup(t, () => start.unbindStore(storage));
    const seen = await store.updateItem('a', () => ({ seen: storage.getStore() }));
    assert.equal(seen.seen, 'updateItem');
    assert.equal(storage.getStore(), undefined);
});

test('errors are the same whether somebody listens or not', async (t) => {
    const store = await openStore(t);
    const plain = await store.deleteItem('a', { rev: 1 }).catch((error) => error);
    trace(t);
    const traced = await store.deleteItem('a', { rev: 1 }).catch((error) => error);
    assert.deepEqual(traced, plain);
    assert.match(traced.stack, /observability\.test\.js/);
    assert.match(plain.stack, /observability\.test\.js/);
});

test('an injected db and an injected file system are observed too', async (t) => {
    const commits = listen(t, 'commit');
    const store = new Datastore({ db: new MapEngine() });
    await store.setItem('a', {});
    assert.deepEqual(commits.map(timeless), [{ directory: undefined, operation: 'setItem', keys: ['a'] }]);
});

test('who listens to nothing changes nothing, and who stops is not told', async (t) => {
    const store = await openStore(t);
    const messages = [];
    const listener = (message) => messages.push(message);
    diagnostics.subscribe('kixx-datastore:commit', listener);
    await store.setItem('a', {});
    assert.equal(diagnostics.unsubscribe('kixx-datastore:commit', listener), true);
    await store.setItem('b', {});
    assert.equal(messages.length, 1);
});

test('options: slowCallThreshold', () => {
    for (const slowCallThreshold of [-1, 1.5, '5', NaN, null, Infinity]) {
        const options = { directory: 'data', slowCallThreshold };
        const refused = errorOf('AssertionError', { message: 'slowCallThreshold' });
        assert.throws(() => new Datastore(options), refused);
        assert.throws(() => new Datastore({ db: new MapEngine(), slowCallThreshold }), refused);
    }
});

testFiles('stats() counts what this process did', async (t) => {
    const directory = newDirectory(t);
    fs.writeFileSync(path.join(directory, 'old.json'), '{"_rev":0}');
    const store = await openStore(t, { directory });
    const before = await store.stats();
    assert.equal(before.directory, directory);
    assert.deepEqual([before.commits, before.conflicts, before.journalBytesWritten], [0, 0, 0]);
    await store.setItem('a', { text: 'x'.repeat(1000) });
    await store.batch([{ type: 'set', key: 'b', document: {} }, { type: 'set', key: 'c', document: {} }]);
    await assert.rejects(store.insertItem('a', {}));
    await store.getItem('old');
    await store.getItem('old');
    const after = await store.stats();
    assert.deepEqual([after.commits, after.conflicts], [2, 1]);
    const bytes = after.journalBytesWritten;
    assert.ok(bytes > 1000 && bytes < 2000, `${ bytes } bytes`);
    assert.equal(after.cacheMisses, before.cacheMisses + 1);
});
