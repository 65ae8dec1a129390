'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Random, chooseSeed } = require('./helpers/random.js');
const { openHandles, startHandles, codeIs } = require('./helpers/sharing.js');
const { newDirectory } = require('./helpers/temp.js');

/** A hang is a failure. */
const LIMIT = { timeout: 120000 };

const KEYS = ['a', 'b', 'c', 'd', 'e'];
const ALL = { inclusiveStartIndex: 0, limit: 100, includeDocuments: true };

/** Writes that change `expected`, the documents by key, as they change the store. */
const WRITES = {
    async setItem(handle, expected, key, n) {
        expected.set(key, await handle.call('setItem', key, { n }));
    },
    async batch(handle, expected, key, n) {
        const keys = KEYS.filter((other) => other !== key);
        const operations = keys.map((other) => ({ type: 'set', key: other, document: { n } }));
        const answers = await handle.call('batch', [...operations, { type: 'delete', key }]);
        keys.forEach((other, i) => expected.set(other, answers[i]));
        expected.delete(key);
    },
    async deleteItem(handle, expected, key) {
        await handle.call('deleteItem', key);
        expected.delete(key);
    },
    async increment(handle, expected, key) {
        const before = expected.get(key) ?? { n: 0, _rev: -1 };
        const { stored } = await handle.call('increment', key, 1);
        assert.deepEqual(stored, [before.n + 1], 'an update starts from the newest document');
        expected.set(key, { n: before.n + 1, _rev: before._rev + 1 });
    },
};

/** All ways to read; each has to show `expected`. */
async function checkReads(handle, expected) {
    const items = [...expected].sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, document]) => ({ key, documentKey: key, document }));
    const rows = [...items].sort((a, b) => a.document.n - b.document.n)
        .map(({ key, document }) => ({ key: document.n, documentKey: key, document }));
    const documents = KEYS.map((key) => expected.get(key) ?? null);
    for (const [i, key] of KEYS.entries()) {
        assert.deepEqual(await handle.call('getItem', key), documents[i]);
        assert.deepEqual(await handle.call('now', 'getItem', key), { key, document: documents[i] });
        assert.equal(await handle.call('hasItem', key), documents[i] !== null);
    }
    assert.deepEqual(await handle.call('getItems', KEYS), documents);
    assert.deepEqual(await handle.call('scan', { includeDocuments: true }), items);
    const page = { items, exclusiveEndIndex: null, total: items.length };
    assert.deepEqual(await handle.call('queryKeys', ALL), page);
    assert.deepEqual(await handle.call('now', 'queryKeys', ALL), page);
    const viewPage = { items: rows, exclusiveEndIndex: null, total: items.length };
    assert.deepEqual(await handle.call('queryView', 'byN', ALL), viewPage);
    assert.deepEqual(await handle.call('now', 'queryView', 'byN', ALL), viewPage);
}

for (const cache of [true, false]) {
    test(`all processes see a write once it is acknowledged, cache: ${ cache }`, LIMIT, async (t) => {
        const random = new Random(chooseSeed(t));
        const handles = await openHandles(t, 3, { directory: newDirectory(t), cache });
        await Promise.all(handles.map((handle) => handle.call('setView', 'byN')));
        const expected = new Map();
        for (let n = 1; n <= 80; n += 1) {
            const [writer, ...readers] = random.shuffle(handles);
            await random.pick(Object.values(WRITES))(writer, expected, random.pick(KEYS), 1000 * n);
            // Rows of equal numbers are in the order of their keys, as `sort` leaves them.
            await checkReads(random.pick(readers), expected);
        }
        for (const handle of handles) {
            await checkReads(handle, expected);
        }
    });
}

test('views follow the writes of other processes, set before them or after', LIMIT, async (t) => {
    const options = { directory: newDirectory(t), durability: 'os' };
    const [writer, early, late] = await openHandles(t, 3, options);
    await early.call('setView', 'byN');
    const { done } = await writer.begin('write', { prefix: 'key', keys: 500, inFlight: 8 });
    let queries = 0;
    for (let total = 0; total < 500; queries += 1) {
        const page = await early.call('queryView', 'byN', { limit: 1000 });
        assert.equal(page.items.length, page.total);
        assert.ok(page.total >= total, 'nothing is deleted');
        total = page.total;
    }
    await late.call('setView', 'byN');
    await late.call('queryView', 'byN');
    await writer.call('halt');
    await done;
    const documents = await writer.call('scan', { includeDocuments: true });
    const rows = documents.map(({ key, document }) => ({ key: document.n, value: null, documentKey: key }));
    rows.sort((a, b) => a.key - b.key);
    for (const handle of [early, late]) {
        const { items } = await handle.call('queryView', 'byN', { limit: 1000 });
        assert.deepEqual(items.map((item) => ({ value: null, ...item })), rows);
    }
    t.diagnostic(`${ queries } view queries while another process wrote`);
});

test('a directory is opened and closed while others write to it', LIMIT, async (t) => {
    const options = { directory: newDirectory(t), durability: 'os' };
    const writers = await openHandles(t, 2, options, { processes: 2 });
    const newest = new Map();
    const runs = writers.map((writer, i) => writer.watch(([key, n]) => newest.set(key, n), 'write', {
        prefix: `writer${ i }`, keys: 20, inFlight: 4, bytes: 2000,
    }));
    const [guest] = startHandles(t, 1);
    for (let round = 0; round < 15; round += 1) {
        const before = new Map(newest);
        await guest.call('open', options);
        const found = new Map((await guest.call('scan', { includeDocuments: true }))
            .map(({ key, document }) => [key, document.n]));
        const stale = [...before].filter(([key, n]) => !(found.get(key) >= n));
        assert.deepEqual(stale, [], `round ${ round }`);
        await guest.call('setItem', `guest ${ round }`, { round });
        assert.equal((await writers[round % 2].call('getItem', `guest ${ round }`)).round, round);
        await guest.call('close');
    }
    await Promise.all(writers.map((writer) => writer.call('halt')));
    const acknowledged = await Promise.all(runs);
    assert.equal((await writers[0].call('queryKeys')).total, 40 + 15);
    t.diagnostic(`15 visits while ${ acknowledged.join(' and ') } writes were acknowledged`);
});

for (const [durability, times] of [['os', 2500], ['sync', 60]]) {
    const title = `4 processes count one document up ${ times } times each, durability ${ durability }`;
    test(title, LIMIT, async (t) => {
        const handles = await openHandles(t, 4, { directory: newDirectory(t), durability });
        const runs = await Promise.all(handles.map((handle) => handle.call('increment', 'counter', times)));
        const total = 4 * times;
        assert.deepEqual(await handles[0].call('getItem', 'counter'), { n: total, _rev: total - 1 });
        const stored = runs.flatMap((run) => run.stored).sort((a, b) => a - b);
        assert.deepEqual(stored, Array.from({ length: total }, (_, i) => i + 1), 'each number once');
        const conflicts = runs.reduce((sum, run) => sum + run.conflicts, 0);
        t.diagnostic(`${ total } updates, ${ conflicts } conflicts`);
    });
}

test('an update whose document another process changed is a ConflictError', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const changes = {
        set: (other) => other.call('setItem', 'a', { n: 'theirs' }),
        delete: (other) => other.call('deleteItem', 'a'),
        // The same revision again, of another document.
        'delete and set': async (other) => {
            await other.call('deleteItem', 'a');
            assert.equal((await other.call('setItem', 'a', { n: 'theirs' }))._rev, 0);
        },
    };
    const [one, other] = await openHandles(t, 2, { directory });
    for (const [name, change] of Object.entries(changes)) {
        await one.call('deleteItem', 'a');
        await one.call('setItem', 'a', { n: 'before' });
        const { event, done } = await one.begin('heldUpdate', 'a', { n: 'mine' });
        assert.deepEqual(event, { n: 'before', _rev: 0 });
        await change(other);
        const theirs = await other.call('getItem', 'a');
        const refused = assert.rejects(done, codeIs('CONFLICT', '"a"'), name);
        await one.call('openGate');
        await refused;
        assert.deepEqual(await one.call('getItem', 'a'), theirs, 'it left no trace');
        const again = await one.begin('heldUpdate', 'a', { n: 'mine' });
        await one.call('openGate');
        assert.equal((await again.done).n, 'mine', 'the next try succeeds');
        assert.equal((await other.call('getItem', 'a')).n, 'mine');
    }
});

test('of several that insert one document, one succeeds', LIMIT, async (t) => {
    const handles = await openHandles(t, 4, { directory: newDirectory(t), durability: 'os' });
    for (let round = 0; round < 50; round += 1) {
        const key = `key ${ round }`;
        const tries = handles.map((handle, i) => handle.call('insertItem', key, { by: i }));
        const outcomes = await Promise.allSettled(tries);
        const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
        const lost = outcomes.filter(({ reason }) => reason?.code === 'CONFLICT');
        assert.equal(lost.length, 3, JSON.stringify(outcomes));
        assert.deepEqual(await handles[round % 4].call('getItem', key), { by: winner, _rev: 0 });
    }
});
