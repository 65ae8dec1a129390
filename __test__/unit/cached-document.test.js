'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { CachedDocument, NOT_VALIDATED } = require('../../lib/cached-document.js');

const DEEP = 100_000;

test('every answer is a fresh copy, of text and of documents', () => {
    const text = '{"_rev":0,"list":[{"x":1}],"nested":{"y":{}}}';
    const entries = [
        [CachedDocument.fromText('a', 1, text), JSON.parse(text)],
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
        'a', 1, `{"_rev":3,"deep":${ '['.repeat(DEEP) }${ ']'.repeat(DEEP) }}`
    );
    for (let i = 0; i < 4; i += 1) {
        const answer = entry.answer();
        assert.equal(answer._rev, 3);
        assert.ok(Array.isArray(answer.deep));
    }
});

test('what fails changes nothing', () => {
    const deep = JSON.parse(`${ '['.repeat(DEEP) }${ ']'.repeat(DEEP) }`);
    const shallow = { first: 1, list: [[], [[]]] };
    const entry = CachedDocument.fromDocument('a', 1, shallow, 1);
    for (let i = 0; i < 4; i += 1) {
        assert.throws(() => CachedDocument.fromDocument('a', 1, { first: 1, deep }, 1), RangeError);
        assert.throws(atTheEndOfTheStack(() => entry.answer()), RangeError);
    }
    assert.deepEqual(entry.answer(), shallow);
});

/** Calls as deep as it goes, until the stack has no room for `work`. */
function atTheEndOfTheStack(work) {
    return function deeper() {
        work();
        deeper();
    };
}
