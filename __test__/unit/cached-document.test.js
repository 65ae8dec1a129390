'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { CachedDocument, NOT_VALIDATED } = require('../../lib/cached-document.js');

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

test('a new entry has to be looked at first', () => {
    assert.equal(CachedDocument.fromText('a', 1, '{}').generation, NOT_VALIDATED);
    assert.equal(CachedDocument.fromDocument('a', 1, {}, 2).generation, NOT_VALIDATED);
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
