'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { CachedDocument } = require('../../lib/cached-document.js');

const DEEP = 100_000;

test('every answer is a fresh copy, of text and of documents', () => {
    const text = '{"_rev":0,"list":[{"x":1}],"nested":{"y":{}}}';
    const entries = [
        [CachedDocument.fromText('a', 1, text), JSON.parse(text)],
        [CachedDocument.fromText('a', 1, text, 7), { ...JSON.parse(text), _rev: 7 }],
        [CachedDocument.fromDocument('a', 1, JSON.parse(text), 10), JSON.parse(text)],
    ];
    for (const [entry, expected] of entries) {
        for (let i = 0; i < 6; i += 1) {
            const answer = entry.answer();
            assert.deepEqual(answer, expected);
            assert.equal(Object.keys(answer)[0], '_rev');
            answer.list[0].x = 2;
            answer.list.push(3);
            answer.nested.y.z = 4;
            answer._rev = 9;
        }
    }
});

test('an entry is valid only at the head at which it was validated', () => {
    const entry = CachedDocument.fromText('a', 1, '{}');
    assert.equal(entry.isValidAt(0, 0), false);
    assert.equal(entry.isValidAt(NaN, NaN), false);
    entry.validate(5, 1);
    assert.deepEqual(
        [entry.isValidAt(5, 1), entry.isValidAt(6, 1), entry.isValidAt(5, 2)], [true, false, false]
    );
});

test('what is nested too deeply to be copied is parsed each time', () => {
    const entry = CachedDocument.fromText(
        'a', 1, `{"_rev":0,"deep":${ '['.repeat(DEEP) }${ ']'.repeat(DEEP) }}`, 3
    );
    for (let i = 0; i < 4; i += 1) {
        const answer = entry.answer();
        assert.equal(answer._rev, 3);
        assert.ok(Array.isArray(answer.deep));
    }
});
