'use strict';

// Documents that come out in flat form are what JSON.parse makes of their text, in every detail.

const test = require('node:test');
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { Random, chooseSeed } = require('./helpers/random.js');
const { storageOptions } = require('./helpers/storage.js');
const { openStore, testKept } = require('./helpers/store.js');
const { newDirectory } = require('./helpers/temp.js');

/** More often than all structures of a document have to be met before it is flat. */
const READS = 25;

/** Strings of more than this come as text. */
const LONG = 2100;

test('values of every kind, as often as they are read', async (t) => {
    const store = await openStore(t, { cache: false, durability: 'os' });
    const documents = {
        empty: {},
        numbers: { a: 0, b: -1, c: 1.5, d: 1e300, e: 5e-324, f: 2 ** 53, g: -(2 ** 31), h: 0.1 + 0.2 },
        strings: { a: '', b: 'é', c: '😀 and more', d: '"\\\n\u0000\u2028', e: '\ud800', f: 'x'.repeat(40) },
        others: { a: null, b: true, c: false, d: [], e: {}, f: [[], [[]], [{}, { a: [] }]] },
        items: { list: [{ id: 1 }, { id: 2 }, 'x', null, [1, 'y']] },
        names: { 10: 'ten', 2: 'two', b: 1, a: 2, '': 3, 'é "quoted"': 4, constructor: 5, toString: 6 },
        own: JSON.parse('{"__proto__":{"x":1},"a":1}'),
        wide: Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`name${ i }`, i])),
        long: { text: 'é'.repeat(LONG), more: ['a', 'b'] },
        many: { list: Array.from({ length: 1100 }, (_, i) => i) },
        deep: { list: JSON.parse('['.repeat(30) + ']'.repeat(30)) },
    };
    for (const [key, document] of Object.entries(documents)) {
        await store.setItem(key, document);
        await assertSame(store, key, { _rev: 0, ...document });
    }
});

test('random documents of a few structures, written and read again', async (t) => {
    const random = new Random(chooseSeed(t));
    for (const cache of [false, { maxDocuments: 20 }]) {
        const store = await openStore(t, { cache, durability: 'os' });
        const structures = Array.from({ length: 12 }, () => randomNames(random));
        const expected = new Map();
        for (let i = 0; i < 2_000; i += 1) {
            const key = `key${ random.int(60) }`;
            if (random.chance(0.4)) {
                expected.set(key, await store.setItem(key, randomDocument(random, structures)));
            } else {
                const found = await store.getItem(key).catch(() => undefined);
                assert.deepStrictEqual(found, expected.get(key));
                assert.equal(JSON.stringify(found), JSON.stringify(expected.get(key)));
            }
        }
    }
});

test('an answer is the caller\'s own', async (t) => {
    const store = await openStore(t, { cache: false });
    await store.setItem('key', { list: [{ a: 1 }], text: 'x'.repeat(30) });
    for (let i = 0; i < READS; i += 1) {
        const document = await store.getItem('key');
        assert.deepEqual(document, { _rev: 0, list: [{ a: 1 }], text: 'x'.repeat(30) });
        document.list[0].a = 2;
        document.more = 1;
    }
});

testKept('where code generation is forbidden, or prototypes are frozen, all documents come out', (t) => {
    const texts = [
        '{"1":2,"_rev":0,"a":[{"b":"x"},{"b":-1.5}]}',
        '{"_rev":0,"constructor":{"toString":"é","valueOf":[null]},"hasOwnProperty":true}',
        '{"_rev":0,"own":{"__proto__":{"a":1}}}',
    ];
    const script = `
        const { Datastore } = require(${ JSON.stringify(require.resolve('../index.cjs')) });
        const [directory, ...texts] = process.argv.slice(1);
        (async () => {
            const options = { ...${ JSON.stringify(storageOptions) }, directory };
            const stores = [{}, { cache: false }].map((more) => new Datastore({ ...options, ...more }));
            await Promise.all(stores.map((store) => store.load()));
            Object.freeze(Object.prototype);
            for (let i = 0; i < ${ READS }; i += 1) {
                for (const text of texts) {
                    const { _rev, ...document } = JSON.parse(text);
                    const found = [await stores[i % 2].setItem(text, document)];
                    found.push(...await Promise.all(stores.map((store) => store.getItem(text))));
                    for (const document of found) {
                        if (document._rev !== i || JSON.stringify({ ...document, _rev: 0 }) !== text) {
                            throw new Error('Not ' + text + ': ' + JSON.stringify(document));
                        }
                    }
                }
            }
            await Promise.all(stores.map((store) => store.close()));
            console.log('all the same');
        })();
    `;
    for (const flags of [[], ['--disallow-code-generation-from-strings']]) {
        const args = [...flags, '-e', script, newDirectory(t), ...texts];
        assert.equal(execFileSync(process.execPath, args, { encoding: 'utf8' }), 'all the same\n');
    }
});

/** Compares in every detail, the order of the properties included. */
async function assertSame(store, key, expected) {
    for (let i = 0; i < READS; i += 1) {
        const document = await store.getItem(key);
        assert.deepStrictEqual(document, JSON.parse(JSON.stringify(expected)));
        assert.equal(JSON.stringify(document), JSON.stringify(expected));
    }
}

function randomNames(random) {
    const names = ['id', 'name', 'tags', '7', 'nested', 'größe', 'a b', 'n'];
    return random.shuffle(names).slice(0, random.int(6));
}

function randomDocument(random, structures, depth = 0) {
    return Object.fromEntries(random.pick(structures).map((name) => [
        name, randomValue(random, structures, depth),
    ]));
}

function randomValue(random, structures, depth) {
    switch (random.int(depth > 3 ? 5 : 7)) {
        case 0:
            return random.text(20);
        case 1:
            return (random.next() - 0.5) * 10 ** random.int(20);
        case 2:
            return random.int(1e6);
        case 3:
            return random.pick([true, false, null]);
        case 4:
            return 'plain text of some length'.slice(random.int(25));
        case 5:
            return Array.from({ length: random.int(4) }, () => randomValue(random, structures, depth + 1));
        default:
            return randomDocument(random, structures, depth + 1);
    }
}
