'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { Random, chooseSeed } = require('./helpers/random.js');
const { checkLeft, openHandles, startHandles, codeIs } = require('./helpers/sharing.js');
const { openStore, allDocuments } = require('./helpers/store.js');
const { eventually, newDirectory } = require('./helpers/temp.js');

/** A hang is a failure. */
const LIMIT = { timeout: 120000 };

const MIB = 2 ** 20;
const TURNS_MAX = 200;

function journalFiles(directory) {
    return fs.readdirSync(path.join(directory, '.datastore')).filter((name) => name.startsWith('journal-'));
}

/** Writes until the journal consists of other files than now. */
async function turnJournalOver(handle, directory) {
    const old = journalFiles(directory);
    assert.ok(old.length > 0);
    for (let turn = 0; journalFiles(directory).some((name) => old.includes(name)); turn += 1) {
        assert.ok(turn < TURNS_MAX, `after ${ turn } times 4 MiB there still is one of ${ old.join(', ') }`);
        await handle.call('write', { prefix: 'big', keys: 4, bytes: MIB, total: 4 });
    }
}

/** What a closed store left in `directory`: a document for each key. */
async function prepare(t, directory, keys) {
    const store = await openStore(t, { directory });
    await Promise.all(keys.map((key) => store.setItem(key, { n: 1 })));
    await store.close();
}

/** Readers of files follow those who write. */
const READ_ONLY = process.env.KIXX_TEST_STORAGE === 'disk' ? [] : [{ readOnly: true }];

for (const options of [{}, { cache: false }, ...READ_ONLY]) {
    const title = 'a process that slept while the journal moved on sees the newest documents';
    test(`${ title }: ${ JSON.stringify(options) }`, LIMIT, async (t) => {
        const directory = newDirectory(t);
        await prepare(t, directory, ['changed', 'deleted', 'reborn', 'kept']);
        const [writer, sleeper] = startHandles(t, 2);
        await writer.call('open', { directory, durability: 'os' });
        await writer.call('setItem', 'written', { n: 1 });
        await sleeper.call('open', { directory, ...options });
        await sleeper.call('setView', 'byN');
        const keys = ['changed', 'deleted', 'kept', 'reborn', 'written'];
        // Read twice: the second time it may come from the cache.
        for (let i = 0; i < 2; i += 1) {
            const documents = await sleeper.call('getItems', keys);
            assert.deepEqual(documents, keys.map(() => ({ n: 1, _rev: 0 })));
        }
        assert.equal((await sleeper.call('queryView', 'byN', { key: 1 })).total, 5);
        const scan = await sleeper.begin('heldScan', { includeDocuments: true });
        await sleeper.process.pause();
        await writer.call('setItem', 'changed', { n: 2 });
        await writer.call('deleteItem', 'deleted');
        await writer.call('deleteItem', 'reborn');
        await writer.call('setItem', 'reborn', { n: 3 });
        await turnJournalOver(writer, directory);
        await writer.call('setItem', 'written', { n: 4 });
        await writer.call('insertItem', 'new', { n: 5 });
        sleeper.process.resume();
        const expected = [
            { n: 2, _rev: 1 }, null, { n: 1, _rev: 0 }, { n: 3, _rev: 0 }, { n: 4, _rev: 1 },
        ];
        assert.deepEqual(await Promise.all(keys.map((key) => sleeper.call('getItem', key))), expected);
        assert.deepEqual(await sleeper.call('getItems', keys), expected);
        assert.equal(await sleeper.call('hasItem', 'deleted'), false);
        const page = { startKey: 'c', includeDocuments: true };
        assert.deepEqual(await sleeper.call('queryKeys', page), await writer.call('queryKeys', page));
        assert.equal((await sleeper.call('queryKeys')).total, 5 + 4);
        const rows = (await sleeper.call('queryView', 'byN', { startKey: 1, limit: 20 })).items;
        const own = rows.filter(({ documentKey }) => !documentKey.startsWith('big'));
        assert.deepEqual(own.map(({ key, documentKey }) => [key, documentKey]), [
            [1, 'kept'], [2, 'changed'], [3, 'reborn'], [4, 'written'], [5, 'new'],
        ]);
        await sleeper.call('openGate');
        const seen = (await scan.done).map(({ key, document }) => [key, document]);
        assert.deepEqual(seen, keys.map((key) => [key, { n: 1, _rev: 0 }]), 'a scan shows its moment');
        await writer.call('setItem', 'kept', { n: 6 });
        assert.equal((await sleeper.call('getItem', 'kept')).n, 6);
    });
}

test('a process that slept in the middle of an update undoes nothing', LIMIT, async (t) => {
    const directory = newDirectory(t);
    await prepare(t, directory, ['loaded']);
    const [writer, sleeper] = await openHandles(t, 2, { directory, durability: 'os' });
    await writer.call('setItem', 'written', { n: 1 });
    for (const key of ['loaded', 'written']) {
        // Who is stopped while it writes files keeps others from doing so.
        await eventually(async () => (await sleeper.call('stats')).backlog === 0, 'its files are written');
        const { done } = await sleeper.begin('heldUpdate', key, { n: 'late' });
        await sleeper.process.pause();
        await writer.call('deleteItem', key);
        await writer.call('setItem', key, { n: 2 });
        await turnJournalOver(writer, directory);
        sleeper.process.resume();
        const refused = assert.rejects(done, codeIs('CONFLICT'));
        await sleeper.call('openGate');
        await refused;
        assert.deepEqual(await sleeper.call('getItem', key), { n: 2, _rev: 0 });
    }
    const { stored } = await sleeper.call('increment', 'written', 1);
    assert.deepEqual(stored, [3]);
    assert.deepEqual(await writer.call('getItem', 'written'), { n: 3, _rev: 1 });
});

test('processes read on while another one moves the journal on, several times', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const keys = ['big:0', 'big:1', 'big:2', 'big:3', 'counter'];
    const [writer, ...watchers] = await openHandles(t, 3, { directory, durability: 'os' }, { processes: 3 });
    await writer.call('increment', 'counter', 1);
    const watching = await Promise.all(watchers.map((watcher) => watcher.begin('watch', ['counter'])));
    for (let turn = 0; turn < 2; turn += 1) {
        await turnJournalOver(writer, directory);
        await writer.call('increment', 'counter', 10);
    }
    for (const [i, watcher] of watchers.entries()) {
        assert.deepEqual(await watcher.call('getItems', keys), await writer.call('getItems', keys));
        await watcher.call('halt');
        const { reads, newest } = await watching[i].done;
        assert.deepEqual(newest, [21]);
        assert.ok(reads > 0);
    }
});

const ORDERS = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/** Lets each write documents of its own and count one document up. */
async function writeSome(handles) {
    await Promise.all(handles.map((handle, i) => Promise.all([
        handle.call('write', { prefix: `by${ i }`, keys: 5, total: 20 }),
        handle.call('increment', 'counter', 3),
    ])));
}

/** What `writeSome` leaves behind: only the newest documents. */
function checkWritten(t, directory, handles, label) {
    const pad = 'x'.repeat(10);
    const expected = { counter: { n: 3 * handles, _rev: 3 * handles - 1 } };
    for (let i = 0; i < 5 * handles; i += 1) {
        const [by, n] = [Math.floor(i / 5), i % 5];
        expected[`by${ by }:${ n }`] = { n: 15 + n, pad, _rev: 3 };
    }
    return checkLeft(t, directory, expected, label);
}

test('whoever closes last leaves nothing but documents', LIMIT, async (t) => {
    const handles = startHandles(t, 3);
    for (const order of ORDERS) {
        const directory = newDirectory(t);
        await Promise.all(handles.map((handle) => handle.call('open', { directory })));
        await writeSome(handles);
        const closed = [];
        for (const i of order) {
            assert.ok(fs.existsSync(path.join(directory, '.datastore')), `${ closed } closed`);
            await handles[i].call('close');
            closed.push(i);
            for (const handle of handles.filter((_, k) => !closed.includes(k))) {
                assert.equal((await handle.call('getItem', 'counter')).n, 9);
                assert.equal((await handle.call('queryKeys')).total, 16);
            }
        }
        await checkWritten(t, directory, 3, `closed in the order ${ order }`);
    }
});

test('processes that close at the same time lose nothing', LIMIT, async (t) => {
    const handles = startHandles(t, 4);
    for (let round = 0; round < 10; round += 1) {
        const directory = newDirectory(t);
        await Promise.all(handles.map((handle) => handle.call('open', { directory, durability: 'os' })));
        await writeSome(handles);
        await Promise.all(handles.map((handle) => handle.call('close')));
        await checkWritten(t, directory, 4, `round ${ round }`);
    }
});

test('one that closes while others write loses nothing', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const [writer, guest] = startHandles(t, 2);
    await writer.call('open', { directory, durability: 'os' });
    const { done } = await writer.begin('write', { prefix: 'writer', keys: 50, inFlight: 8 });
    for (let round = 0; round < 20; round += 1) {
        await guest.call('open', { directory });
        await guest.call('setItem', `guest ${ round }`, { round });
        await guest.call('close');
        assert.deepEqual(await writer.call('getItem', `guest ${ round }`), { round, _rev: 0 });
    }
    await writer.call('halt');
    const acknowledged = await done;
    const newest = await writer.call('scan', { includeDocuments: true });
    await writer.call('close');
    const store = await openStore(t, { directory });
    const found = await allDocuments(store);
    assert.deepEqual([...found], newest.map(({ key, document }) => [key, document]));
    const commits = newest.reduce((sum, { document }) => sum + document._rev + 1, 0);
    assert.equal(commits, acknowledged + 20, 'every acknowledged write counts');
});

test('the last one leaves nothing but documents when others were killed', LIMIT, async (t) => {
    for (const killed of [1, 2]) {
        const directory = newDirectory(t);
        const handles = await openHandles(t, 3, { directory, durability: 'os' });
        await writeSome(handles);
        await Promise.all(handles.slice(0, killed).map((handle) => handle.process.kill()));
        for (const handle of handles.slice(killed)) {
            await handle.call('close');
        }
        await checkWritten(t, directory, 3, `${ killed } killed`);
    }
});

test('opened, counted up and closed by 4 processes in turn and at once', LIMIT, async (t) => {
    const seed = chooseSeed(t);
    const directory = newDirectory(t);
    const handles = startHandles(t, 4);
    const runs = handles.map((handle, i) => (
        handle.call('churn', { directory, durability: 'os' }, { key: 'counter', rounds: 15, seed: seed + i })
    ));
    const total = (await Promise.all(runs)).reduce((sum, counted) => sum + counted, 0);
    await checkLeft(t, directory, { counter: { n: total, _rev: total - 1 } });
    t.diagnostic(`opened 60 times, counted to ${ total }`);
});

test('opened, counted up and closed at random, and some are killed', LIMIT, async (t) => {
    const seed = chooseSeed(t);
    const random = new Random(seed);
    const directory = newDirectory(t);
    const options = { directory, durability: 'os' };
    let most = 0;
    let certain = 0;
    for (let round = 0; round < 3; round += 1) {
        const handles = startHandles(t, 3, { processes: 3 });
        let counted = handles.map(() => 0);
        const runs = handles.map((handle, i) => handle.watch((n) => {
            counted = counted.with(i, n);
            if (i === 0 && n > random.int(20)) {
                handle.process.kill();
            }
        }, 'churn', options, { key: 'counter', rounds: 8, seed: seed + 10 * round + i }));
        const outcomes = await Promise.allSettled(runs);
        assert.deepEqual(outcomes.slice(1).map(({ reason }) => reason), [undefined, undefined]);
        certain += counted.reduce((sum, n) => sum + n, 0);
        // What the killed one counted in its last round, it told nobody.
        most += counted.reduce((sum, n) => sum + n, 0) + 5;
    }
    const store = await openStore(t, options);
    const { n, _rev } = await store.getItem('counter');
    assert.ok(certain <= n && n <= most, `${ certain } <= ${ n } <= ${ most }`);
    assert.equal(_rev, n - 1);
    await store.close();
    await checkLeft(t, directory, { counter: { n, _rev } });
});
