'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { DocumentCache } = require('../../lib/document-cache.js');
const { random } = require('./support/random.js');

const MEBI = 1024 * 1024;
const entryOf = (key, size = 10) => ({ key, size, isUsed: false, older: null, newer: null });

const has = (cache, keys) => keys.filter((key) => cache.has(key)).join('');

test('what was not used goes first, the oldest of it', () => {
    const cache = new DocumentCache(3);
    for (const key of ['a', 'b', 'c']) {
        cache.put(entryOf(key));
    }
    cache.get('a');
    cache.put(entryOf('d'));
    assert.equal(has(cache, ['a', 'b', 'c', 'd']), 'acd');
    const newer = entryOf('c');
    cache.put(newer);
    assert.equal(cache.get('c'), newer);
    cache.put(entryOf('e'));
    assert.equal(has(cache, ['a', 'c', 'd', 'e']), 'ace', 'a was used once, and d never');
    assert.equal(cache.documents, 3);
});

test('reading much once leaves what is used again and again', () => {
    const cache = new DocumentCache(10);
    const hot = ['p', 'q', 'r', 's', 't'];
    hot.forEach((key) => cache.put(entryOf(key)));
    for (let i = 0; i < 1_000; i += 1) {
        hot.forEach((key) => assert.notEqual(cache.get(key), undefined, `${ key } after ${ i }`));
        cache.put(entryOf(`once ${ i }`));
        cache.put(entryOf(`once more ${ i }`));
    }
    assert.equal(cache.documents, 10);
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
    const model = new Model(20);
    for (let i = 0; i < 20_000; i += 1) {
        const key = `k${ next(40) }`;
        const action = next(5);
        if (action === 0) {
            cache.delete(key);
            model.delete(key);
        } else if (action === 1) {
            cache.put(entryOf(key));
            model.put(key);
        } else {
            assert.equal(cache.get(key) !== undefined, model.get(key), `seed ${ seed }`);
        }
        assert.equal(cache.documents, model.entries.length, `seed ${ seed }`);
        assert.ok(model.entries.every((entry) => cache.has(entry.key)), `seed ${ seed }`);
    }
});

/** SIEVE over a plain list, the oldest entry first; the hand is a place in it. */
class Model {
    entries = [];
    hand = 0;

    constructor(capacity) {
        this.capacity = capacity;
    }

    get(key) {
        const entry = this.entries.find((other) => other.key === key);
        if (entry !== undefined) {
            entry.isUsed = true;
        }
        return entry !== undefined;
    }

    put(key) {
        const isUsed = this.delete(key)?.isUsed ?? false;
        while (this.entries.length >= this.capacity) {
            this.hand %= this.entries.length;
            if (this.entries[this.hand].isUsed) {
                this.entries[this.hand].isUsed = false;
                this.hand += 1;
            } else {
                this.entries.splice(this.hand, 1);
            }
        }
        // The end of the list is the ring itself: what comes there is behind the hand.
        const atEnd = this.hand === this.entries.length;
        this.entries.push({ key, isUsed });
        this.hand += Number(atEnd);
    }

    delete(key) {
        const at = this.entries.findIndex((entry) => entry.key === key);
        if (at === -1) {
            return undefined;
        }
        this.hand -= Number(at < this.hand);
        return this.entries.splice(at, 1)[0];
    }
}
