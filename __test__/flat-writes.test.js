'use strict';

// Documents that are written in flat form leave the text that JSON.stringify writes, and everything that is
// no plain data is treated as it always was.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { Random, chooseSeed } = require('./helpers/random.js');
const { directoryOf, errorOf, openStore, testFiles, testKept } = require('./helpers/store.js');

/** More often than all structures of a document have to be met before it is flat. */
const WRITES = 20;

testFiles('the text on disk is what JSON.stringify writes', async (t) => {
    const random = new Random(chooseSeed(t));
    const store = await openStore(t, { durability: 'os' });
    const texts = new Map();
    for (let i = 0; i < 1_500; i += 1) {
        const document = {
            id: random.text(6),
            number: randomNumber(random),
            nested: { 'größe': randomNumber(random), flags: [random.chance(0.5), null, random.text(3)] },
            list: Array.from({ length: random.int(4) }, () => (
                { x: randomNumber(random), y: '\u0000"\\\n' }
            )),
        };
        const key = `key${ i }`;
        texts.set(key, JSON.stringify({ _rev: 0, ...document }));
        await store.setItem(key, document);
    }
    await store.close();
    for (const [key, text] of texts) {
        assert.equal(fs.readFileSync(path.join(directoryOf(store), `${ key }.json`), 'utf8'), text);
    }
});

test('what is no plain data is stored as JSON sees it, every time', async (t) => {
    const store = await openStore(t, { durability: 'os' });
    class Point {
        x = 1;
        toJSON() {
            return { point: this.x };
        }
    }
    const hidden = Object.defineProperty({ a: 1 }, 'toJSON', { value: () => ({ b: 2 }) });
    const sparse = [1, , 3]; // eslint-disable-line no-sparse-arrays
    const documents = {
        date: { at: new Date(0) },
        point: { at: { deep: [new Point()] } },
        hidden: { of: hidden },
        wrapped: { a: Object('x'), b: Object(1) },
        missing: { a: undefined, b: [undefined, 1] },
        sparse: { sparse },
        bare: { of: Object.assign(Object.create(null), { a: 1 }) },
        zero: { a: -0 },
        halves: { a: 'x\ud83d', b: '\ude00y' },
        half: { a: '\ude00', b: 'z' },
        own: { a: JSON.parse('{"__proto__": 1, "b": 2}') },
    };
    for (const [key, document] of Object.entries(documents)) {
        const expected = JSON.stringify({ _rev: 0, ...document });
        for (let i = 0; i < WRITES; i += 1) {
            const answer = await store.setItem(key, document);
            assert.equal(JSON.stringify({ ...answer, _rev: 0 }), expected, key);
            assert.equal(JSON.stringify({ ...await store.getItem(key), _rev: 0 }), expected, key);
        }
    }
});

test('what is no JSON data is refused as ever, and what was written beside it is stored', async (t) => {
    const store = await openStore(t, { durability: 'os' });
    const good = { a: { b: [1, 'x'] } };
    for (let i = 0; i < WRITES; i += 1) {
        await store.setItem('good', good);
    }
    const cycle = { a: { b: [] } };
    cycle.a.b.push(cycle);
    const bad = [{ a: { b: [NaN] } }, { a: { b: [() => 1] } }, { a: { b: [Symbol('x')] } }, { a: 1n }, cycle];
    const thrown = new Error('from a getter');
    bad.push({ a: { get b() { throw thrown; } } });
    for (const [i, document] of bad.entries()) {
        const before = store.setItem(`before${ i }`, good);
        const refused = assert.rejects(store.setItem(`bad${ i }`, document), (error) => (
            error === thrown || errorOf('AssertionError')(error)
        ));
        const after = store.setItem(`after${ i }`, good);
        await Promise.all([before, refused, after]);
        assert.deepEqual(await store.getItem(`before${ i }`), { _rev: 0, ...good });
        assert.deepEqual(await store.getItem(`after${ i }`), { _rev: 0, ...good });
        assert.equal(await store.hasItem(`bad${ i }`), false);
    }
});

test('a getter may write while its document is being written', async (t) => {
    const store = await openStore(t, { durability: 'os' });
    const inner = [];
    for (let i = 0; i < WRITES; i += 1) {
        const document = {
            a: 'first',
            get b() {
                inner.push(store.setItem(`inner${ i }`, { a: 'inner', b: i }), store.deleteItem('nothing'));
                return 'second';
            },
        };
        await store.setItem(`outer${ i }`, document);
        await Promise.all(inner);
        assert.deepEqual(await store.getItem(`outer${ i }`), { _rev: 0, a: 'first', b: 'second' });
        assert.deepEqual(await store.getItem(`inner${ i }`), { _rev: 0, a: 'inner', b: i });
    }
});

test('a document may be changed as soon as the call is made, and so may the answer', async (t) => {
    const store = await openStore(t, { durability: 'os' });
    for (let i = 0; i < WRITES; i += 1) {
        const document = { list: [{ n: i }] };
        const promise = store.setItem('key', document);
        document.list[0].n = -1;
        document.more = true;
        const answer = await promise;
        assert.deepEqual(answer, { _rev: i, list: [{ n: i }] });
        answer.list.push('mine');
        assert.deepEqual(await store.getItem('key'), { _rev: i, list: [{ n: i }] });
    }
});

test('many writes of one step, each with an outcome of its own, in their order', async (t) => {
    const random = new Random(chooseSeed(t));
    const store = await openStore(t, { durability: 'os' });
    for (let round = 0; round < 5; round += 1) {
        const expected = new Map();
        const calls = Array.from({ length: 500 }, (_, i) => {
            const key = `key${ round }:${ random.int(50) }`;
            const current = expected.get(key);
            switch (random.int(5)) {
                case 0:
                    expected.delete(key);
                    return store.deleteItem(key);
                case 1: {
                    const inserted = store.insertItem(key, { i });
                    if (current !== undefined) {
                        return assert.rejects(inserted, errorOf('ConflictError', { key }));
                    }
                    expected.set(key, { _rev: 0, i });
                    return inserted;
                }
                case 2: {
                    const stale = store.setItem(key, { _rev: 1_000_000, i });
                    if (current !== undefined) {
                        return assert.rejects(stale, errorOf('ConflictError', { key }));
                    }
                    expected.set(key, { _rev: 0, i });
                    return stale;
                }
                default: {
                    const document = random.chance(0.5) ? { i } : { big: 'x'.repeat(i * 20) };
                    expected.set(key, { _rev: current === undefined ? 0 : current._rev + 1, ...document });
                    return store.setItem(key, document);
                }
            }
        });
        await Promise.all(calls);
        for (let i = 0; i < 50; i += 1) {
            const key = `key${ round }:${ i }`;
            const [found] = await store.getItems([key]);
            assert.deepEqual(found, expected.get(key) ?? null, key);
        }
    }
});

testKept('writes of other kinds keep their place among them', async (t) => {
    const store = await openStore(t, { durability: 'os' });
    const calls = [
        store.setItem('key', { n: 1 }),
        store.batch([{ type: 'set', key: 'key', document: { n: 2 } }]),
        store.setItem('key', { n: 3 }),
        store._db.setItem('key', { n: 4 }),
        store.deleteItem('other'),
        store.setItem('key', { n: 5 }),
        store.close(),
    ];
    await Promise.all(calls);
    const again = await openStore(t, { directory: directoryOf(store) });
    assert.deepEqual(await again.getItem('key'), { _rev: 4, n: 5 });
});

function randomNumber(random) {
    const bits = new DataView(new ArrayBuffer(8));
    switch (random.int(4)) {
        case 0:
            return random.int(1e9) - 5e8;
        case 1:
            return (random.next() - 0.5) * 10 ** (random.int(60) - 30);
        case 2:
            return Math.round(random.next() * 1e6) / 100;
        default:
            bits.setUint32(0, random.int(2 ** 32));
            bits.setUint32(4, random.int(2 ** 32));
            return Number.isFinite(bits.getFloat64(0)) ? bits.getFloat64(0) : 0;
    }
}
