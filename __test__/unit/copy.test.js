'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { CachedDocument } = require('../../lib/cached-document.js');
const { formFor } = require('../../lib/document-form.js');
const { copy } = require('../../lib/copy.js');
const { random } = require('./support/random.js');

/** The form of a shape that is not rare any more. */
function often(value) {
    let form;
    for (let i = 0; i < 3; i += 1) {
        form = formFor(value);
    }
    return form;
}

/** What goes into an entry and comes out of it again. */
function kept(value) {
    often(value);
    return CachedDocument.fromDocument('a', 1, value, 1).answer();
}

const copied = [copy, kept];

test('a copy is equal and shares nothing', () => {
    for (const copyOf of copied) {
        const source = JSON.parse(
            '{"a":[1,{"b":null},[]],"__proto__":{"c":{"d":1}},"2":true,"1":"x","e":{}}'
        );
        const result = copyOf(source);
        assert.deepEqual(result, source);
        assert.equal(JSON.stringify(result), JSON.stringify(source));
        assert.equal(Object.getPrototypeOf(result), Object.prototype);
        const inner = (object) => Object.getOwnPropertyDescriptor(object, '__proto__').value;
        assert.notEqual(inner(result), inner(source));
        assert.notEqual(inner(result).c, inner(source).c);
        assert.notEqual(result.a, source.a);
        assert.notEqual(result.a[1], source.a[1]);
        assert.notEqual(result.e, source.e);
    }
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
        for (const copyOf of copied) {
            assert.deepEqual(Object.keys(copyOf({ a: {} })), ['a']);
            assert.equal(copyOf({ a: {} }).extension, Object.prototype.extension);
        }
    } finally {
        delete Object.prototype.extension;
    }
});

test('values of one shape share a form, others never do', () => {
    const same = (...texts) => new Set(texts.map((text) => often(JSON.parse(text)))).size === 1;
    assert.ok(same('{"a":1,"b":[1,"x"]}', '{"a":null,"b":[false,2]}'));
    assert.ok(same('[1,2,3,4,5]', '[1,2,3,4,5,"x"]'));
    assert.ok(same('{"a":[{"b":[1]}]}', '{"a":[{"b":[]},{"b":[1,2]}]}'));
    assert.ok(same('{"a":[{"x":1},{"x":2}]}', '{"a":[{"x":null}]}'));
    for (const others of [
        ['{"a":1}', '{"b":1}'], ['{"a":1}', '{"a":{}}'], ['{"a":1}', '{"a":[]}'], ['{"a":{}}', '{"a":[]}'],
        ['[1]', '[1,2]'],
        ['{"a":1,"b":2}', '{"b":2,"a":1}'], [
            '{"a":{"b":1}}', '{"a":{"b":1},"b":1}',
        ], ['{"a":[1]}', '{"a":[[1]]}'],
        ['{"a":[{"x":1}]}', '{"a":[{"y":1}]}'], [
            '{"a":{"b":1,"c":1}}', '{"a":{"b":1},"c":1}',
        ], ['{"ab":1}', '{"a":1,"b":1}'],
    ]) {
        assert.ok(!same(...others), others.join());
    }
});

test('names cannot become code', () => {
    const names = ['"]: evil(), ["', '\u2028', '\\', '`${ evil() }`', '*/', 'value', 'copy', '\ud800', "'"];
    const source = Object.fromEntries(names.map((name) => [name, { [name]: [{ [name]: 1 }] }]));
    assert.deepEqual(kept(source), source);
});

test('a shape gets a form of its own once it was asked for often', () => {
    const rare = { rare: { indeed: [1] } };
    const entry = CachedDocument.fromDocument('a', 1, rare, 1);
    const [first, second] = [formFor(rare), formFor({ rare: { indeed: [2] } })];
    assert.equal(first === second, false);
    assert.equal(formFor(rare), second);
    for (let i = 0; i < 3; i += 1) {
        assert.deepEqual(entry.answer(), rare, 'an entry that was rare');
    }
});

test('documents with more values than an entry has room for', () => {
    for (const count of [19, 20, 21, 60, 300]) {
        const source = {};
        for (let i = 0; i < count; i += 1) {
            (source[`part ${ i >> 5 }`] ??= {})[`name ${ i }`] = i;
        }
        assert.equal(JSON.stringify(kept(source)), JSON.stringify(source));
    }
});

test('documents whose property names are data do not fill the memory', () => {
    for (let i = 0; i < 30_000; i += 1) {
        const source = { [`id ${ i }`]: { [`name ${ i }`]: i } };
        if (i % 500 === 0) {
            assert.deepEqual(kept(source), source);
        } else {
            formFor(source);
        }
    }
});

test('without the right to generate code', () => {
    const { spawnSync } = require('node:child_process');
    const module = JSON.stringify(require.resolve('../../lib/cached-document.js'));
    const script = `
        const { CachedDocument } = require(${ module });
        for (let i = 0; i < 5; i += 1) {
            const entry = CachedDocument.fromDocument('a', 1, { a: [{ b: 1 }] }, 1);
            console.log(JSON.stringify(entry.answer()));
        }`;
    const { stdout, stderr } = spawnSync(
        process.execPath, ['--disallow-code-generation-from-strings', '-e', script]
    );
    assert.equal(String(stdout), '{"a":[{"b":1}]}\n'.repeat(5), String(stderr));
});

test('random JSON', () => {
    const { seed, next, pick } = random();
    function text(depth) {
        const kind = next(depth > 7 ? 1 : 3);
        if (kind === 0) {
            return pick(['null', 'true', '1', '-0.5', '""', '"__proto__"', '[]', '{}']);
        }
        const parts = Array.from({ length: next(5) }, () => text(depth + 1));
        const names = ['a', 'b', '__proto__', '7', '1', 'constructor', ''];
        return kind === 1 ? `[${ parts }]` : `{${ parts.map((part) => `"${ pick(names) }":${ part }`) }}`;
    }
    const shares = (a, b) => typeof a === 'object' && a !== null
        && (a === b || Reflect.ownKeys(a).some((name) => shares(a[name], b[name])));
    for (let i = 0; i < 2_000; i += 1) {
        const source = JSON.parse(text(0));
        for (const copyOf of copied) {
            const result = copyOf(source);
            assert.equal(JSON.stringify(result), JSON.stringify(source), `seed ${ seed }`);
            assert.ok(!shares(result, source), `seed ${ seed }`);
        }
    }
});
