'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { DocumentCache } = require('../../lib/document-cache.js');
const { random } = require('./support/random.js');

const MEBI = 1024 * 1024;
const entryOf = (key, size = 10) => ({ key, size, older: null, newer: null });

test('the least recently used go first', () => {
    const cache = new DocumentCache(3);
    for (const key of ['a', 'b', 'c']) {
        cache.put(entryOf(key));
    }
    cache.get('a');
    cache.put(entryOf('d'));
    assert.deepEqual(['a', 'b', 'c', 'd'].map((key) => cache.has(key)), [true, false, true, true]);
    const newer = entryOf('c');
    cache.put(newer);
    cache.put(entryOf('e'));
    assert.deepEqual(['a', 'c', 'd', 'e'].map((key) => cache.has(key)), [false, true, true, true]);
    assert.equal(cache.get('c'), newer);
    assert.equal(cache.documents, 3);
});

test('large documents push out others, too large ones are not kept', () => {
    const cache = new DocumentCache(1_000_000);
    for (let i = 0; i < 40; i += 1) {
        cache.put(entryOf(`key ${ i }`, MEBI));
    }
    assert.equal(cache.documents, 32);
    assert.equal(cache.has('key 7'), false);
    cache.put(entryOf('key 39', 3 * MEBI));
    assert.equal(cache.has('key 39'), false);
    assert.equal(cache.documents, 31);
    cache.clear();
    assert.equal(cache.documents, 0);
    cache.put(entryOf('a', 2 * MEBI));
    assert.equal(cache.has('a'), true);
});

test('random use agrees with a plain model', () => {
    const { seed, next } = random();
    const cache = new DocumentCache(20);
    let model = [];
    for (let i = 0; i < 20_000; i += 1) {
        const key = `k${ next(40) }`;
        const known = model.includes(key);
        const action = next(5);
        if (action === 0) {
            cache.delete(key);
            model = model.filter((other) => other !== key);
        } else if (action === 1) {
            cache.put(entryOf(key));
            model = [...model.filter((other) => other !== key), key].slice(-20);
        } else {
            assert.equal(cache.get(key) !== undefined, known, `seed ${ seed }`);
            model = known ? [...model.filter((other) => other !== key), key] : model;
        }
        assert.equal(cache.documents, model.length, `seed ${ seed }`);
    }
});
