'use strict';

// With storage 'disk' the rows of a view outlive the process.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { kixx, errorOf, openStore } = require('./helpers/store.js');
const { newDirectory } = require('./helpers/temp.js');

const DOCUMENTS = 300;

/** A store whose view counts how often its map function is called. */
async function openCounting(t, directory, view = {}) {
    const store = await openStore(t, { directory, storage: 'disk' });
    const calls = { count: 0 };
    counters.current = calls;
    store.setView('byNumber', { map: mapByNumber, ...view });
    return { store, calls };
}

// The map function is the same text in every "process", and reaches its counter from outside.
const counters = { current: { count: 0 } };

function mapByNumber(document, emit) {
    counters.current.count += 1;
    emit(document.number, document.text);
}

async function fill(store) {
    const numbers = Array.from({ length: DOCUMENTS }, (_, number) => number);
    await Promise.all(numbers.map((number) => store.setItem(`item:${ number }`, { number, text: 'first' })));
}

async function values(store) {
    const { items, total } = await store.queryView('byNumber', { limit: Infinity });
    assert.equal(items.length, total);
    return items.map((item) => item.value);
}

test('a view survives reopening: only what changed is mapped', async (t) => {
    const directory = newDirectory(t);
    const first = await openCounting(t, directory);
    await fill(first.store);
    assert.equal((await values(first.store)).length, DOCUMENTS);
    assert.equal(first.calls.count, DOCUMENTS);
    await first.store.close();

    const second = await openCounting(t, directory);
    assert.deepEqual(new Set(await values(second.store)), new Set(['first']));
    assert.equal(second.calls.count, 0, 'nothing changed');
    await second.store.setItem('item:7', { number: 7, text: 'second' });
    await second.store.deleteItem('item:8');
    await second.store.close();

    const third = await openCounting(t, directory);
    const found = await values(third.store);
    assert.equal(found[7], 'second');
    assert.equal(found.length, DOCUMENTS - 1);
    assert.equal(third.calls.count, 1);
});

test('a query does not keep the event loop while rows are written', async (t) => {
    const { store, calls } = await openCounting(t, newDirectory(t));
    await store.setItem('a', { number: 1, text: 'first' });
    const found = values(store);
    assert.equal(calls.count, 0, 'a thread asks for them');
    assert.deepEqual(await found, ['first']);
    assert.equal(calls.count, 1);
});

test('another map function, or another version, is built anew', async (t) => {
    const directory = newDirectory(t);
    const first = await openCounting(t, directory, { version: 1 });
    await fill(first.store);
    await values(first.store);
    await first.store.close();

    const same = await openCounting(t, directory, {
        version: 1,
        map: (document, emit) => mapByNumber(document, emit),
    });
    assert.equal((await values(same.store)).length, DOCUMENTS);
    assert.equal(same.calls.count, 0, 'the version decides');
    await same.store.close();

    const backwards = (document, emit) => emit(-document.number);
    const next = await openCounting(t, directory, { version: 2, map: backwards });
    const { items } = await next.store.queryView('byNumber', { limit: 1 });
    const last = DOCUMENTS - 1;
    assert.deepEqual(items, [{ key: -last, value: undefined, documentKey: `item:${ last }` }]);
});

test('two handles with the same view drive it together', async (t) => {
    const directory = newDirectory(t);
    const { store } = await openCounting(t, directory);
    await fill(store);
    await values(store);
    await Promise.all(Array.from({ length: DOCUMENTS }, (_, number) => (
        store.setItem(`item:${ number }`, { number, text: 'second' })
    )));
    // Two handles at once, each with a view object of its own.
    const other = await openStore(t, { directory, storage: 'disk' });
    other.setView('byNumber', { map: mapByNumber });
    const [ours, theirs] = await Promise.all([values(store), values(other)]);
    assert.deepEqual(new Set([...ours, ...theirs]), new Set(['second']));
});

test('a deleted view leaves nothing, and one that is set again is complete', async (t) => {
    const directory = newDirectory(t);
    const { store, calls } = await openCounting(t, directory);
    await fill(store);
    await values(store);
    assert.equal(store.deleteView('byNumber'), true);
    store.setView('byNumber', { map: mapByNumber });
    assert.equal((await values(store)).length, DOCUMENTS);
    assert.ok(calls.count >= DOCUMENTS);
});

test('a view that is set again while its rows are still being removed has all of them', async (t) => {
    const directory = newDirectory(t);
    const first = await openCounting(t, directory);
    const documents = 4 * DOCUMENTS;
    await first.store.batch(Array.from({ length: documents }, (_, number) => (
        { type: 'set', key: `item:${ number }`, document: { number, text: 'first' } }
    )));
    assert.equal((await values(first.store)).length, documents);
    for (let round = 0; round < 5; round += 1) {
        first.store.deleteView('byNumber');
        first.store.setView('byNumber', { map: mapByNumber });
        await first.store.setItem('item:0', { number: 0, text: String(round) });
        assert.equal((await values(first.store)).length, documents, `round ${ round }`);
    }
    await first.store.close();
    const second = await openCounting(t, directory);
    assert.equal((await values(second.store)).length, documents);
});

test('documents for which the map function threw are still told after reopening', async (t) => {
    const directory = newDirectory(t);
    const failures = async (store) => {
        await values(store);
        const { byNumber } = (await store.stats()).views;
        return [byNumber.failures, byNumber.failed.map(({ key }) => key)];
    };
    const map = (document, emit) => emit(document.number.toFixed());
    const first = await openCounting(t, directory, { map });
    await first.store.setItem('bad', {});
    await first.store.setItem('good', { number: 1 });
    assert.deepEqual(await failures(first.store), [1, ['bad']]);
    await first.store.close();

    const second = await openCounting(t, directory, { map });
    assert.deepEqual(await failures(second.store), [1, ['bad']]);
    await second.store.setItem('bad', { number: 2 });
    assert.deepEqual(await failures(second.store), [0, []]);
});

test('a version that is no version is refused', async (t) => {
    const store = await openStore(t, { directory: newDirectory(t), storage: 'disk' });
    for (const version of ['', NaN, {}, null, true, 1n]) {
        assert.throws(() => store.setView('v', { map() {}, version }), errorOf('AssertionError'));
    }
    assert.ok(store instanceof kixx.Datastore);
});
