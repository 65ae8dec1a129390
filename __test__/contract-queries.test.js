'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Random, chooseSeed } = require('./helpers/random.js');
const { openStore, reopen, allItems } = require('./helpers/store.js');

const keysOf = (result) => result.items.map((item) => item.key);

async function storeWith(t, keys, options) {
    const store = await openStore(t, options);
    await Promise.all(keys.map((key) => store.setItem(key, { key })));
    return store;
}

test('queryKeys: the shape of an answer', async (t) => {
    const store = await storeWith(t, ['a', 'b', 'c']);
    assert.deepEqual(await store.queryKeys({ limit: 2 }), {
        items: [{ key: 'a', documentKey: 'a' }, { key: 'b', documentKey: 'b' }],
        exclusiveEndIndex: 2,
        total: 3,
    });
    assert.deepEqual(await store.queryKeys({ startKey: 'c', includeDocuments: true }), {
        items: [{ key: 'c', documentKey: 'c', document: { key: 'c', _rev: 0 } }],
        exclusiveEndIndex: null,
        total: 1,
    });
    assert.deepEqual(await store.queryKeys({ key: 'x' }), { items: [], exclusiveEndIndex: null, total: 0 });
    assert.equal((await store.queryKeys()).total, 3, 'the options may be left out');
});

test('queryKeys: ten items unless a limit is given', async (t) => {
    const store = await storeWith(t, Array.from({ length: 25 }, (_, i) => `key ${ i + 10 }`));
    const page = await store.queryKeys({});
    assert.deepEqual([page.items.length, page.exclusiveEndIndex, page.total], [10, 10, 25]);
    const all = await store.queryKeys({ limit: Infinity });
    assert.deepEqual([all.items.length, all.exclusiveEndIndex, all.total], [25, null, 25]);
});

test('queryKeys: bounds are inclusive, key overrides them', async (t) => {
    const store = await storeWith(t, ['a', 'b', 'c', 'd', 'e']);
    const ask = async (options) => keysOf(await store.queryKeys(options)).join('');
    assert.equal(await ask({ startKey: 'b', endKey: 'd' }), 'bcd');
    assert.equal(await ask({ startKey: 'b' }), 'bcde');
    assert.equal(await ask({ endKey: 'd' }), 'abcd');
    assert.equal(await ask({ startKey: 'bb', endKey: 'cc' }), 'c');
    assert.equal(await ask({ startKey: 'd', endKey: 'b' }), '', 'ascending from high to low: empty');
    assert.equal(await ask({ key: 'c', startKey: 'd', endKey: 'e' }), 'c');
    assert.equal(await ask({ key: 'c', descending: true }), 'c');
    assert.equal(await ask({ startKey: '', endKey: '\uffff' }), 'abcde');
    assert.equal(await ask({ startKey: undefined, endKey: undefined, key: undefined }), 'abcde');
});

test('queryKeys: descending takes its bounds in either order', async (t) => {
    const store = await storeWith(t, ['a', 'b', 'c', 'd', 'e']);
    const ask = async (options) => keysOf(await store.queryKeys({ descending: true, ...options })).join('');
    assert.equal(await ask({}), 'edcba');
    assert.equal(await ask({ startKey: 'b', endKey: 'd' }), 'dcb', 'low to high, as the guide writes it');
    assert.equal(await ask({ startKey: 'd', endKey: 'b' }), 'dcb', 'high to low, as the last code had it');
    assert.equal(await ask({ startKey: 'b', endKey: 'd', limit: 2 }), 'dc');
    assert.equal(await ask({ startKey: 'b', endKey: 'd', limit: 2, inclusiveStartIndex: 2 }), 'b');
});

test('queryKeys: pages in both directions are the whole range, once', async (t) => {
    const keys = Array.from({ length: 57 }, (_, i) => `item:${ String(i).padStart(3, '0') }`);
    const store = await storeWith(t, [...keys, 'items', 'iten', 'a']);
    const range = { startKey: 'item:', endKey: 'item:\uffff' };
    for (const descending of [false, true]) {
        for (const limit of [1, 7, 19, 56, 57, 58]) {
            const seen = [];
            let pages = 0;
            for (let next = 0; next !== null; pages += 1) {
                const options = { ...range, descending, limit, inclusiveStartIndex: next };
                const page = await store.queryKeys(options);
                assert.equal(page.total, 57);
                assert.ok(page.items.length <= limit);
                assert.ok(page.exclusiveEndIndex === null || page.exclusiveEndIndex === next + limit);
                seen.push(...keysOf(page));
                next = page.exclusiveEndIndex;
            }
            assert.deepEqual(seen, descending ? [...keys].reverse() : keys);
            assert.equal(pages, Math.ceil(57 / limit), 'the last page says that it is the last');
        }
    }
});

test('queryKeys: offset is another name of inclusiveStartIndex', async (t) => {
    const store = await storeWith(t, ['a', 'b', 'c', 'd']);
    const expected = await store.queryKeys({ inclusiveStartIndex: 1, limit: 2 });
    assert.deepEqual(await store.queryKeys({ offset: 1, limit: 2 }), expected);
    assert.deepEqual(keysOf(expected), ['b', 'c']);
    assert.equal(expected.exclusiveEndIndex, 3, 'counted from the start of the range, not of the page');
});

test('queryKeys: a start behind the end is an empty last page that still knows the total', async (t) => {
    const store = await storeWith(t, ['a', 'b', 'c']);
    for (const inclusiveStartIndex of [3, 4, 1e6, Number.MAX_SAFE_INTEGER]) {
        const page = await store.queryKeys({ inclusiveStartIndex, limit: 5 });
        assert.deepEqual(page, { items: [], exclusiveEndIndex: null, total: 3 });
    }
});

test('queryKeys: keys sort by UTF-16 code unit', async (t) => {
    const keys = [
        'Item:5', 'item', 'item:', 'item:1', 'item:é', 'item:\ud7ff', 'item:😀', 'item:\u{10ffff}',
        'item:\ue000', 'item:\ufffd', 'item:\uffff', 'item;', 'Ä', 'a', 'z',
        '日本', '\u0000', '~', '\u007f', 'İ', 'ß', 'ss',
    ];
    const store = await storeWith(t, keys);
    assert.deepEqual((await allItems(store)).map((item) => item.key), [...keys].sort());
    const inRange = await store.queryKeys({ startKey: 'item:', endKey: 'item:\uffff', limit: Infinity });
    assert.deepEqual(keysOf(inRange), keys.filter((key) => key.startsWith('item:')).sort());
    assert.equal(keysOf(inRange).at(-1), 'item:\uffff', 'it comes after the emoji');
    assert.ok(!keysOf(inRange).includes('Item:5'));
    const again = await reopen(t, store);
    assert.deepEqual((await allItems(again)).map((item) => item.key), [...keys].sort());
});

test('queryKeys: bounds may hold lone surrogates, as no key can', async (t) => {
    const keys = ['a', 'b\ud7ff', 'b\u{10000}', 'b😀', 'b\u{10ffff}', 'b\ue000', 'c'];
    const store = await storeWith(t, keys);
    for (const bound of ['b\ud800', 'b\ud83d', 'b\udbff', 'b\udc00', 'b\udfff', 'b\ud800\ud800']) {
        const low = await store.queryKeys({ startKey: bound, limit: Infinity });
        assert.deepEqual(keysOf(low), keys.filter((key) => key >= bound).sort());
        const high = await store.queryKeys({ endKey: bound, limit: Infinity });
        assert.deepEqual(keysOf(high), keys.filter((key) => key <= bound).sort());
    }
});

test('queryKeys: random keys and bounds from all of Unicode compare as < does', async (t) => {
    const random = new Random(chooseSeed(t));
    const keys = [...new Set(Array.from({ length: 300 }, () => random.text(6)))].filter((key) => key !== '');
    const store = await storeWith(t, keys, { durability: 'os' });
    const sorted = [...keys].sort();
    assert.deepEqual((await allItems(store)).map((item) => item.key), sorted);
    for (let i = 0; i < 300; i += 1) {
        const [startKey, endKey] = [random.text(4), random.text(4)];
        const offset = random.int(4);
        const page = await store.queryKeys({ startKey, endKey, offset, limit: 20 });
        const expected = sorted.filter((key) => key >= startKey && key <= endKey);
        assert.deepEqual(keysOf(page), expected.slice(offset, offset + 20));
        assert.equal(page.total, expected.length);
    }
});

test('queryKeys: sees what was deleted and added since', async (t) => {
    const store = await storeWith(t, ['a', 'b', 'c']);
    await store.deleteItem('b');
    await store.setItem('d', {});
    assert.deepEqual(await store.queryKeys({ limit: 2, inclusiveStartIndex: 1 }), {
        items: [{ key: 'c', documentKey: 'c' }, { key: 'd', documentKey: 'd' }],
        exclusiveEndIndex: null,
        total: 3,
    });
});
