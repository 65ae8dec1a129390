'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { copy } = require('../../lib/copy.js');
const { random } = require('./support/random.js');

test('a copy is equal and shares nothing', () => {
    const source = JSON.parse('{"a":[1,{"b":null},[]],"__proto__":{"c":{"d":1}},"2":true,"1":"x","e":{}}');
    const result = copy(source);
    assert.deepEqual(result, source);
    assert.equal(JSON.stringify(result), JSON.stringify(source));
    assert.equal(Object.getPrototypeOf(result), Object.prototype);
    const inner = (object) => Object.getOwnPropertyDescriptor(object, '__proto__').value;
    assert.notEqual(inner(result), inner(source));
    assert.notEqual(inner(result).c, inner(source).c);
    assert.notEqual(result.a, source.a);
    assert.notEqual(result.a[1], source.a[1]);
    assert.notEqual(result.e, source.e);
});

test('primitives are themselves', () => {
    for (const value of [null, 0, '', 'a', true]) {
        assert.equal(copy(value), value);
    }
});

test('an extended Object.prototype does not get in', () => {
    // eslint-disable-next-line no-extend-native
    Object.prototype.extension = { x: 1 };
    try {
        assert.deepEqual(Object.keys(copy({ a: {} })), ['a']);
        assert.equal(copy({ a: {} }).extension, Object.prototype.extension);
    } finally {
        delete Object.prototype.extension;
    }
});

test('random JSON', () => {
    const { seed, next, pick } = random();
    function text(depth) {
        const kind = next(depth > 5 ? 1 : 3);
        if (kind === 0) {
            return pick(['null', 'true', '1', '-0.5', '""', '"__proto__"', '[]', '{}']);
        }
        const parts = Array.from({ length: next(5) }, () => text(depth + 1));
        const names = ['a', 'b', '__proto__', '7', '1', 'constructor', ''];
        return kind === 1 ? `[${ parts }]` : `{${ parts.map((part) => `"${ pick(names) }":${ part }`) }}`;
    }
    for (let i = 0; i < 2_000; i += 1) {
        const source = JSON.parse(text(0));
        assert.equal(JSON.stringify(copy(source)), JSON.stringify(source), `seed ${ seed }`);
    }
});
