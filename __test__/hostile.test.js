'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const path = require('node:path');
const { test } = require('node:test');
const { kixx, openStore, errorOf, allItems } = require('./helpers/store.js');
const { cleanup } = require('./helpers/temp.js');

const keysOf = (items) => items.map((item) => item.key);

/** Collects the process warnings until the test is over. */
function collectWarnings(t) {
    const warnings = [];
    const listener = (warning) => warnings.push(warning);
    process.on('warning', listener);
    cleanup(t, () => process.off('warning', listener));
    return warnings;
}

test('an update function that throws, rejects or gives no document: its error, then the next', async (t) => {
    const store = await openStore(t);
    await store.setItem('a', { n: 1 });
    const own = new RangeError('mine');
    const bad = [
        [() => {
            throw own;
        }, (error) => error === own],
        [() => Promise.reject(own), (error) => error === own],
        [async () => {
            await null;
            throw own;
        }, (error) => error === own],
        // A thenable that settles twice, and one that throws.
        [() => ({ then(resolve, reject) {
            reject(own);
            resolve({});
        } }), (error) => error === own],
        ...[undefined, null, 5, 'text', true, [], () => ({}), Symbol('s'), new Map(), new Date()]
            .map((value) => [() => value, errorOf('AssertionError')]),
        [async () => undefined, errorOf('AssertionError')],
        [() => ({ n: NaN }), errorOf('AssertionError', { message: 'document.n' })],
    ];
    for (const [update, expected] of bad) {
        const failing = store.updateItem('a', update);
        const next = store.updateItem('a', (current) => current);
        await assert.rejects(failing, expected);
        assert.equal((await next).n, 1);
    }
    assert.deepEqual(await store.getItem('a'), { n: 1, _rev: bad.length });
});

test('an update function that throws something that is no error', async (t) => {
    const store = await openStore(t);
    for (const thrown of [undefined, null, 'text', 5, { code: 'X' }]) {
        let caught = 'nothing';
        await store.updateItem('a', () => {
            throw thrown;
        }).catch((error) => {
            caught = error;
        });
        assert.equal(caught, thrown);
    }
    assert.deepEqual(await store.updateItem('a', () => ({})), { _rev: 0 });
});

test('an update function that does not settle holds up the updates of its own key only', async (t) => {
    const store = await openStore(t);
    let giveUp;
    const stuck = store.updateItem('stuck', () => new Promise((resolve, reject) => {
        giveUp = reject;
    }));
    assert.deepEqual(await store.updateItem('free', () => ({})), { _rev: 0 });
    assert.deepEqual(await store.setItem('stuck', {}), { _rev: 0 }, 'only updates queue up');
    assert.equal((await store.queryKeys()).total, 2);
    const next = store.updateItem('stuck', (current) => current);
    giveUp(new Error('given up'));
    await assert.rejects(stuck, /given up/);
    assert.equal((await next)._rev, 1);
});

test('an update function that deletes, sets or updates its own document', async (t) => {
    const store = await openStore(t);
    const conflict = errorOf('ConflictError', { key: 'a' });
    await store.setItem('a', { n: 1 });
    await assert.rejects(store.updateItem('a', async (current) => {
        await store.deleteItem('a');
        return { ...current, n: 2 };
    }), conflict);
    assert.equal(await store.hasItem('a'), false);
    await store.setItem('a', { n: 1 });
    await assert.rejects(store.updateItem('a', async (current) => {
        await store.setItem('a', { n: 5 });
        return { ...current, n: 2 };
    }), conflict);
    assert.deepEqual(await store.getItem('a'), { n: 5, _rev: 1 });
    let inner;
    const outer = store.updateItem('a', (current) => {
        inner = Promise.allSettled([store.updateItem('a', (later) => ({ n: later.n + 1 }))]);
        return { n: current.n * 2 };
    });
    assert.deepEqual(await outer, { n: 10, _rev: 2 });
    // The inner one comes after the outer one, or is refused: waiting for it in here would never end.
    const [{ value, reason }] = await inner;
    assert.deepEqual(value ?? { n: 11, _rev: 3 }, { n: 11, _rev: 3 });
    assert.ok(value || errorOf('AssertionError')(reason));
});

test('an update function that closes the datastore', async (t) => {
    const store = await openStore(t);
    let closing;
    const update = store.updateItem('a', () => {
        closing = store.close();
        return { n: 1 };
    });
    const [outcome] = await Promise.allSettled([update]);
    await closing;
    assert.ok(outcome.status === 'fulfilled' || errorOf('ClosedError')(outcome.reason));
    await assert.rejects(store.getItem('a'), errorOf('ClosedError'));
});

test('a map function that throws: no rows for that document, one warning, listed by stats()', async (t) => {
    const warnings = collectWarnings(t);
    const store = await openStore(t);
    store.setView('picky', { map(document, emit) {
        emit('before');
        if (document.bad) {
            throw new TypeError('no such field');
        }
        emit('after');
    } });
    await store.setItem('good', {});
    await store.setItem('evil', { bad: true });
    const warned = once(process, 'warning');
    for (let i = 0; i < 3; i += 1) {
        assert.deepEqual((await allItems(store, 'picky')).map((row) => [row.key, row.documentKey]),
            [['after', 'good'], ['before', 'good']]);
        await store.setItem('evil', { bad: true, i });
    }
    await warned;
    await allItems(store, 'picky');
    await new Promise(setImmediate);
    assert.equal(warnings.length, 1);
    for (const text of ['picky', 'no such field']) {
        assert.ok(warnings[0].message.includes(text), warnings[0].message);
    }
    const listed = JSON.stringify(await store.stats());
    assert.ok(listed.includes('picky') && listed.includes('evil'), listed);
    await store.setItem('evil', {});
    assert.equal((await allItems(store, 'picky')).length, 4, 'a document that is mended is back');
    assert.ok(!JSON.stringify(await store.stats()).includes('evil'));
});

test('a map function that throws what is no error', async (t) => {
    collectWarnings(t);
    const store = await openStore(t);
    await store.setItem('a', {});
    for (const thrown of [undefined, null, 'text', Symbol('s'), 1n]) {
        store.setView('v', { map() {
            throw thrown;
        } });
        assert.deepEqual(await allItems(store, 'v'), []);
    }
});

test('a map function that emits what JSON cannot hold: other documents keep their rows', async (t) => {
    collectWarnings(t);
    const store = await openStore(t);
    await store.setItem('bad', { bad: true });
    await store.setItem('good', {});
    const good = (rows) => rows.filter((row) => row.documentKey === 'good');
    const cyclic = {};
    cyclic.self = cyclic;
    for (const value of [1n, Symbol('s'), () => 1, NaN, cyclic, { deep: [new Map()] }]) {
        store.setView('key', { map: (document, emit) => emit(document.bad ? value : 'ok') });
        store.setView('value', { map: (document, emit) => emit('k', document.bad ? value : 'ok') });
        const [byKey, byValue] = [await allItems(store, 'key'), await allItems(store, 'value')];
        assert.deepEqual(good(byKey).map((row) => row.key), ['ok']);
        assert.deepEqual(good(byValue), [{ key: 'k', value: 'ok', documentKey: 'good' }]);
        if (typeof value === 'bigint' || value === cyclic) {
            assert.deepEqual([byKey.length, byValue.length], [1, 1], 'that document has none');
        }
    }
});

test('a map function that emits later, from a promise or a timer: that is not a row', async (t) => {
    collectWarnings(t);
    const store = await openStore(t);
    const late = [];
    store.setView('late', { map(document, emit) {
        emit('in time');
        late.push(Promise.resolve().then(() => emit('late')).catch(() => {}));
        late.push(new Promise((resolve) => {
            setImmediate(() => {
                try {
                    emit('later');
                } catch {
                    // It may say that it is too late.
                }
                resolve();
            });
        }));
    } });
    for (let n = 0; n < 3; n += 1) {
        await store.setItem('a', { n });
        assert.deepEqual(keysOf(await allItems(store, 'late')), ['in time']);
        await Promise.all(late);
        assert.deepEqual(keysOf(await allItems(store, 'late')), ['in time']);
    }
});

test('an async map function: what it emits before its first await', async (t) => {
    collectWarnings(t);
    const store = await openStore(t);
    store.setView('async', { async map(document, emit) {
        emit(document.n);
        await null;
        if (document.n === 2) {
            throw new Error('a rejection that nobody handles would end the process');
        }
    } });
    await store.setItem('a', { n: 1 });
    await store.setItem('b', { n: 2 });
    assert.ok(keysOf(await allItems(store, 'async')).includes(1));
    await new Promise(setImmediate);
    assert.ok(keysOf(await allItems(store, 'async')).includes(1));
});

test('a map function that emits 10,000 rows for each document', async (t) => {
    const store = await openStore(t);
    store.setView('many', { map(document, emit) {
        for (let i = 0; i < 10000; i += 1) {
            emit([i % 100, document.n], i);
        }
    } });
    for (let n = 0; n < 5; n += 1) {
        await store.setItem(`key ${ n }`, { n });
    }
    const page = await store.queryView('many', { key: [99, 3], limit: Infinity });
    assert.deepEqual(page.items.map((row) => row.value), Array.from({ length: 100 }, (_, i) => i * 100 + 99));
    assert.equal((await store.queryView('many', { limit: 1 })).total, 50000);
    await store.deleteItem('key 3');
    assert.equal((await store.queryView('many', { limit: 1 })).total, 40000);
});

test('a map function that uses the datastore, changes its document, or replaces its view', async (t) => {
    const store = await openStore(t);
    const calls = [];
    store.setView('busy', { map(document, emit) {
        calls.push(store.setItem('written', { n: 1 }), store.queryKeys());
        document.n = 'changed';
        emit('k', document);
        store.setView('other', { map: (value, emitOther) => emitOther('other') });
    } });
    await store.setItem('a', { n: 0 });
    const { items } = await store.queryView('busy');
    assert.equal(items[0].value.n, 'changed');
    assert.deepEqual(await store.getItem('a'), { n: 0, _rev: 0 });
    await Promise.all(calls);
    assert.deepEqual((await store.queryView('other')).items.map((row) => row.documentKey), ['a', 'written']);
});

/** A file system in memory whose next call of a method fails. */
function failingFileSystem() {
    const files = new Map();
    const fail = { next: null, error: null };
    const method = (name, run) => async (...args) => {
        if (fail.next === name) {
            fail.next = null;
            throw fail.error;
        }
        return run(...args);
    };
    const fileSystem = {
        readDocumentDirectory: method('readDocumentDirectory', () => [...files.keys()]),
        readDocumentFile: method('readDocumentFile',
            (file) => structuredClone(files.get(path.basename(file)))),
        writeDocumentFile: method('writeDocumentFile', (file, document) => {
            files.set(path.basename(file), structuredClone(document));
        }),
        removeDocumentFile: method('removeDocumentFile', (file) => {
            files.delete(path.basename(file));
        }),
    };
    return { files, fail, fileSystem };
}

test('a fileSystem whose calls fail: the right error, nothing changed, the next call works', async (t) => {
    const { files, fail, fileSystem } = failingFileSystem();
    files.set('a.json', { _rev: 0, n: 1 });
    const failing = (name) => {
        fail.next = name;
        fail.error = Object.assign(new Error(`no ${ name } today`), { code: 'EIO' });
        const { error } = fail;
        return (caught) => errorOf('StorageError')(caught) && assert.equal(caught.cause, error) === undefined;
    };
    const store = new kixx.Datastore({ directory: 'nowhere', fileSystem });
    cleanup(t, () => store.close());
    for (const name of ['readDocumentDirectory', 'readDocumentFile']) {
        const expected = failing(name);
        await assert.rejects(store.load(), expected);
    }
    await store.load();
    const calls = {
        writeDocumentFile: [
            () => store.setItem('a', { n: 2 }), () => store.insertItem('b', {}),
            () => store.updateItem('a', () => ({ n: 2 })),
        ],
        removeDocumentFile: [() => store.deleteItem('a')],
    };
    for (const [name, attempts] of Object.entries(calls)) {
        for (const attempt of attempts) {
            const expected = failing(name);
            await assert.rejects(attempt(), expected);
            assert.deepEqual(await store.getItem('a'), { _rev: 0, n: 1 });
            assert.equal((await store.queryKeys()).total, 1);
        }
    }
    assert.deepEqual(await store.updateItem('a', (a) => ({ ...a, n: 3 })), { _rev: 1, n: 3 });
    await store.deleteItem('a');
    assert.equal(files.size, 0);
});
