'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { openStore, reopen, directoryOf, errorOf, allItems } = require('./helpers/store.js');

test('getItem', async (t) => {
    const store = await openStore(t);
    const missing = errorOf('NotFoundError', { key: 'user:1', message: 'user:1' });
    await assert.rejects(store.getItem('user:1'), missing);
    await store.setItem('user:1', { name: 'Jane', tags: ['a'] });
    assert.deepEqual(await store.getItem('user:1'), { name: 'Jane', tags: ['a'], _rev: 0 });
    await store.deleteItem('user:1');
    await assert.rejects(store.getItem('user:1'), errorOf('NotFoundError', { key: 'user:1' }));
});

test('getItem with missing: null answers null, as the old code did', async (t) => {
    const store = await openStore(t, { missing: 'null' });
    assert.equal(await store.getItem('user:1'), null);
    await store.setItem('user:1', {});
    assert.deepEqual(await store.getItem('user:1'), { _rev: 0 });
});

test('setItem counts revisions from 0', async (t) => {
    const store = await openStore(t);
    assert.deepEqual(await store.setItem('a', { n: 1 }), { n: 1, _rev: 0 });
    assert.deepEqual(await store.setItem('a', { n: 2 }), { n: 2, _rev: 1 }, 'no _rev: overwrite');
    assert.deepEqual(await store.setItem('a', { n: 3, _rev: 1 }), { n: 3, _rev: 2 }, 'the current _rev');
    assert.deepEqual(await store.getItem('a'), { n: 3, _rev: 2 });
});

test('setItem with another _rev than the current one is a ConflictError', async (t) => {
    const store = await openStore(t);
    await store.setItem('a', { n: 1 });
    await store.setItem('a', { n: 2 });
    for (const _rev of [0, 2, 7]) {
        await assert.rejects(store.setItem('a', { n: 3, _rev }), (error) => {
            errorOf('ConflictError', { key: 'a', message: 'a' })(error);
            assert.ok(String(error.expected).includes(String(_rev)), `expected: ${ error.expected }`);
            return true;
        });
    }
    assert.deepEqual(await store.getItem('a'), { n: 2, _rev: 1 });
    const forced = await store.setItem('a', { n: 3, _rev: 7 }, { checkConsistency: false });
    assert.deepEqual(forced, { n: 3, _rev: 2 });
});

test('setItem of a document that does not exist accepts any _rev and starts at 0', async (t) => {
    const store = await openStore(t);
    assert.deepEqual(await store.setItem('a', { _rev: 41, n: 1 }), { _rev: 0, n: 1 });
    await store.deleteItem('a');
    assert.deepEqual(await store.setItem('a', { _rev: 3 }), { _rev: 0 }, 'a deleted document is a new one');
});

test('deleteItem answers the key, also when there was nothing', async (t) => {
    const store = await openStore(t);
    assert.equal(await store.deleteItem('a'), 'a');
    await store.setItem('a', {});
    assert.equal(await store.deleteItem('a'), 'a');
    assert.equal(await store.hasItem('a'), false);
});

test('deleteItem of a revision', async (t) => {
    const store = await openStore(t);
    await store.setItem('a', {});
    await store.setItem('a', {});
    await assert.rejects(store.deleteItem('a', { rev: 0 }), errorOf('ConflictError', { key: 'a' }));
    assert.equal(await store.hasItem('a'), true);
    assert.equal(await store.deleteItem('a', { rev: 1 }), 'a');
    await assert.rejects(store.deleteItem('a', { rev: 1 }), errorOf('ConflictError', { key: 'a' }));
});

test('insertItem', async (t) => {
    const store = await openStore(t);
    assert.deepEqual(await store.insertItem('a', { n: 1 }), { n: 1, _rev: 0 });
    await assert.rejects(store.insertItem('a', { n: 2 }), errorOf('ConflictError', { key: 'a' }));
    assert.deepEqual(await store.getItem('a'), { n: 1, _rev: 0 });
    const racers = Array.from({ length: 20 }, (_, n) => store.insertItem('race', { n }));
    const outcomes = await Promise.allSettled(racers);
    assert.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1);
});

test('hasItem and getItems', async (t) => {
    const store = await openStore(t);
    await store.setItem('a', { n: 1 });
    await store.setItem('c', { n: 3 });
    assert.deepEqual([await store.hasItem('a'), await store.hasItem('b')], [true, false]);
    assert.deepEqual(await store.getItems(['c', 'b', 'a', 'a']),
        [{ n: 3, _rev: 0 }, null, { n: 1, _rev: 0 }, { n: 1, _rev: 0 }]);
    assert.deepEqual(await store.getItems([]), []);
    const [first, second] = await store.getItems(['a', 'a']);
    first.n = 9;
    assert.equal(second.n, 1, 'two answers are two copies');
});

test('a finite number is a key, as its string', async (t) => {
    const store = await openStore(t);
    await store.setItem(5, { n: 5 });
    await store.setItem(-0.5, { n: -0.5 });
    await store.setItem(1e21, { n: 1e21 });
    assert.deepEqual(await store.getItem('5'), { n: 5, _rev: 0 });
    assert.deepEqual(await store.getItem(5), { n: 5, _rev: 0 });
    assert.deepEqual((await allItems(store)).map((item) => item.key), ['-0.5', '1e+21', '5']);
    assert.equal((await store.queryKeys({ key: 5 })).total, 1);
    assert.equal((await store.queryKeys({ startKey: 2, endKey: 6 })).total, 1);
    assert.equal(String(await store.deleteItem(5)), '5');
    assert.equal(await store.hasItem('5'), false);
});

test('what goes in is copied', async (t) => {
    for (const cache of [undefined, false]) {
        const store = await openStore(t, { cache });
        const document = { nested: { list: [1, 2] } };
        const pending = store.setItem('a', document);
        document.nested.list.push(3);
        document.late = true;
        const answer = await pending;
        assert.deepEqual(answer, { nested: { list: [1, 2] }, _rev: 0 }, 'as it was at the call');
        document.nested.list.push(4);
        assert.deepEqual(await store.getItem('a'), { nested: { list: [1, 2] }, _rev: 0 });
        assert.equal(document._rev, undefined, 'and the argument is left alone');
    }
});

test('what comes out is a copy', async (t) => {
    for (const cache of [undefined, false]) {
        const store = await openStore(t, { cache });
        const expected = { nested: { list: [1, 2] }, _rev: 0 };
        const spoil = (document) => {
            assert.deepEqual(document, expected);
            document.nested.list.push('spoilt');
            document.nested.more = 'spoilt';
        };
        spoil(await store.setItem('a', { nested: { list: [1, 2] } }));
        store.setView('v', { map: (document, emit) => emit('k', document.nested) });
        for (let round = 0; round < 3; round += 1) {
            spoil(await store.getItem('a'));
            spoil((await store.getItems(['a']))[0]);
            spoil((await store.queryKeys({ includeDocuments: true })).items[0].document);
            spoil(store._db.getItem('a').document);
            for await (const { document } of store.scan({ includeDocuments: true })) {
                spoil(document);
            }
            const { items } = await store.queryView('v', { includeDocuments: true });
            spoil(items[0].document);
            assert.deepEqual(items[0].value, { list: [1, 2] });
            items[0].value.list.push('spoilt');
            await assert.rejects(store.updateItem('a', (current) => {
                spoil(current);
                throw new Error('nothing stored');
            }), /nothing stored/);
        }
        const row = store._db.queryView('v', { inclusiveStartIndex: 0, limit: 10 }).items[0];
        assert.deepEqual(row.value, { list: [1, 2] });
        assert.deepEqual(await store.getItem('a'), expected);
    }
});

test('the answer of a write is a copy too', async (t) => {
    const store = await openStore(t);
    const answers = [
        await store.setItem('a', { list: [1] }),
        await store.updateItem('b', () => ({ list: [1] })),
        await store.insertItem('c', { list: [1] }),
    ];
    for (const answer of answers) {
        answer.list.push('spoilt');
    }
    for (const key of ['a', 'b', 'c']) {
        assert.deepEqual(await store.getItem(key), { list: [1], _rev: 0 });
    }
});

test('JSON, strictly: what is converted', async (t) => {
    const store = await openStore(t);
    class Money {
        toJSON(key) {
            return { amount: 5, key };
        }
    }
    const date = new Date(Date.UTC(2024, 0, 15));
    const stored = await store.setItem('a', {
        date,
        price: new Money(),
        gone: undefined,
        nested: { gone: undefined, kept: null },
        empty: {},
        list: [],
    });
    const expected = {
        date: '2024-01-15T00:00:00.000Z', price: { amount: 5, key: 'price' }, nested: { kept: null },
        empty: {}, list: [], _rev: 0,
    };
    assert.deepEqual(stored, expected);
    assert.deepEqual(await store.getItem('a'), expected);
    const bare = Object.assign(Object.create(null), { n: 1 });
    assert.deepEqual(await store.setItem('b', bare), { n: 1, _rev: 0 });
});

test('a property called __proto__ stays an ordinary property', async (t) => {
    const document = JSON.parse('{"__proto__":{"isAdmin":true},"nested":{"__proto__":1},"constructor":2}');
    const store = await openStore(t);
    const check = (answer) => {
        assert.ok(Object.hasOwn(answer, '__proto__'));
        assert.deepEqual(Object.keys(answer).sort(), ['__proto__', '_rev', 'constructor', 'nested']);
        assert.equal(JSON.stringify(answer.nested), '{"__proto__":1}');
        assert.equal(answer.isAdmin, undefined);
        assert.equal(Object.getPrototypeOf(answer), Object.prototype);
    };
    check(await store.setItem('a', document));
    check(await store.getItem('a'));
    check(await store.getItem('a'));
    check((await store.getItems(['a']))[0]);
    store.setView('v', { map: (value, emit) => emit(1, value) });
    check((await store.queryView('v')).items[0].value);
    const again = await reopen(t, store);
    check(await again.getItem('a'));
    assert.equal({}.isAdmin, undefined);
});

const EXACT = {
    numbers: [1e21, 1e300, 5e-324, 0.1 + 0.2, 2 ** 53, -1.5e-7, 123456789012345680000, 1 / 3],
    loneSurrogates: ['\ud800', 'a\udfffb', '\udc00\ud800', '\ud83d'],
    pairs: ['😀', '\u{10ffff}', '日本', 'e\u0301'],
    controls: ['\u0000', '\u0001\b\f\n\r\t\u001f', '\u007f\u2028\u2029\ufeff\uffff', '"\\/'],
    deep: [[[[[{ a: [{ b: {} }] }]]]]],
    names: { '': 1, ' ': 2, '\ud800': 3, 'a.b': 4, '0': 5, '10': 6, '2': 7, 'ключ': 8 },
};

test('numbers and text come back bit for bit', async (t) => {
    for (const cache of [undefined, false]) {
        const store = await openStore(t, { cache });
        const expected = { ...EXACT, _rev: 0 };
        assert.deepEqual(await store.setItem('exact', EXACT), expected);
        assert.deepEqual(await store.getItem('exact'), expected);
        const again = await reopen(t, store, { cache });
        assert.deepEqual(await again.getItem('exact'), expected);
        const third = await reopen(t, again, { cache });
        assert.deepEqual((await third.queryKeys({ includeDocuments: true })).items[0].document, expected);
    }
});

test('properties that look like integers', async (t) => {
    const store = await openStore(t);
    const document = JSON.parse('{"b":1,"10":"ten","2":"two","_rev":5,"-1":"x","01":"y","a":2}');
    const expected = { ...document, _rev: 0 };
    assert.deepEqual(await store.setItem('a', document), expected);
    assert.deepEqual(await store.getItem('a'), expected);
    assert.deepEqual(await store.updateItem('a', (current) => current), { ...expected, _rev: 1 });
    const again = await reopen(t, store);
    assert.deepEqual(await again.getItem('a'), { ...expected, _rev: 1 });
});

test('-0 is what JSON makes of it', async (t) => {
    const store = await openStore(t);
    await store.setItem('a', { n: -0 });
    assert.ok(Object.is((await store.getItem('a')).n, 0));
});

test('a 16 MiB string', async (t) => {
    const text = `${ 'x'.repeat(2 ** 24 - 2) }é`;
    const store = await openStore(t);
    await store.setItem('big', { text });
    assert.ok((await store.getItem('big')).text === text);
    const again = await reopen(t, store);
    assert.ok((await again.getItem('big')).text === text);
    assert.ok(directoryOf(again) === directoryOf(store));
});

test('1,000 writes in flight keep the order in which they were made', async (t) => {
    const store = await openStore(t);
    const writes = Array.from({ length: 1000 }, (_, n) => store.setItem(`key ${ n % 10 }`, { n }));
    const answers = await Promise.all(writes);
    assert.deepEqual(answers.map((answer) => answer._rev), answers.map((_, n) => Math.floor(n / 10)));
    for (let i = 0; i < 10; i += 1) {
        assert.deepEqual(await store.getItem(`key ${ i }`), { n: 990 + i, _rev: 99 });
    }
});
