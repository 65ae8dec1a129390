'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const vm = require('node:vm');
const { AssertionError } = require('../../lib/errors.js');
const { strictDocument, strictText } = require('../../lib/strict-json.js');
const { random } = require('./support/random.js');

const DEEPEST = 1_000;
const FUZZ_ROUNDS = 3_000;

function refused(document, message) {
    assert.throws(() => strictDocument(document), (error) => {
        assert.ok(error instanceof AssertionError, `${ error }`);
        assert.equal(error.code, 'ASSERTION');
        assert.match(error.message, message);
        return true;
    });
}

function stored(document) {
    const { document: copy, text } = strictDocument(document);
    assert.ok(text.startsWith('{"_rev":0'), text);
    assert.deepEqual(JSON.parse(text), copy);
    return copy;
}

test('a copy has _rev 0 first and shares nothing', () => {
    const source = { name: 'Jane', tags: ['a', { b: 1 }], nested: { deep: { x: null } } };
    const { document, text, rev } = strictDocument(source);
    assert.deepEqual(document, { _rev: 0, ...source });
    assert.equal(Object.keys(document)[0], '_rev');
    assert.equal(text, '{"_rev":0,"name":"Jane","tags":["a",{"b":1}],"nested":{"deep":{"x":null}}}');
    assert.equal(rev, undefined);
    assert.notEqual(document.tags, source.tags);
    assert.notEqual(document.tags[1], source.tags[1]);
    assert.notEqual(document.nested.deep, source.nested.deep);
});

test('the _rev that came is told, whatever it is, and only at the top', () => {
    assert.equal(strictDocument({ a: 1, _rev: 7 }).rev, 7);
    assert.equal(strictDocument({ _rev: NaN }).rev.toString(), 'NaN');
    assert.deepEqual(stored({ nested: { _rev: 5 }, _rev: 3 }), { _rev: 0, nested: { _rev: 5 } });
});

test('text begins with _rev also when names look like integers', () => {
    assert.equal(strictDocument({ 1: 'a', 0: 'b', x: 1 }).text, '{"_rev":0,"0":"b","1":"a","x":1}');
    assert.equal(strictDocument({}).text, '{"_rev":0}');
});

test('what JSON cannot hold is refused, with the path', () => {
    class Money {
        #amount = 1n;
        toJSON() {
            return this.#amount;
        }
    }
    const cases = [
        [1n, /^document\.bad is not JSON data: it is a BigInt$/],
        [() => 1, /^document\.bad .* a function$/],
        [Symbol('s'), /^document\.bad .* a symbol$/],
        [NaN, /^document\.bad .* NaN$/],
        [Infinity, /^document\.bad .* Infinity$/],
        [-Infinity, /^document\.bad .* -Infinity$/],
        [new Map(), /an instance of Map$/],
        [new Set(), /an instance of Set$/],
        [new WeakMap(), /an instance of WeakMap$/],
        [new Uint8Array(2), /an instance of Uint8Array$/],
        [new Float64Array(2), /an instance of Float64Array$/],
        [new ArrayBuffer(2), /an instance of ArrayBuffer$/],
        [new DataView(new ArrayBuffer(2)), /an instance of DataView$/],
        [/x/, /an instance of RegExp$/],
        [Promise.resolve(1), /an instance of Promise$/],
        [new Date(NaN), /an invalid Date$/],
        [Object(1n), /a BigInt$/],
        [Object(Symbol('s')), /a symbol$/],
        [Object(NaN), /NaN$/],
        [new Money(), /a BigInt$/],
        [{ toJSON: () => () => 1 }, /a function$/],
        [vm.runInNewContext('new Map()'), /an instance of Map$/],
    ];
    for (const [bad, message] of cases) {
        refused({ bad }, message);
        refused({ list: [0, { bad }] }, /^document\.list\[1\]\.bad /);
    }
    refused({ tags: [1, 2, NaN] }, /^document\.tags\[2\] /);
    refused({ 'two words': { 'ünï': [[NaN]] } }, /^document\["two words"\]\.ünï\[0\]\[0\] /);
});

test('only plain objects are documents', () => {
    class User {
        name = 'Jane';
    }
    const cases = [
        [undefined, /undefined$/], [null, /null$/], [5, /5$/], ['{}', /the string "{}"$/], [[], /an array$/],
        [new User(), /an instance of User$/], [
            new Date(), /an instance of Date$/,
        ], [new Map(), /instance of Map$/],
        [() => 1, /a function$/], [new Proxy([], {}), /an array$/], [Object(1), /an instance of Number$/],
        [{ toJSON: () => [1] }, /an array$/], [new Error('x'), /an instance of Error$/],
    ];
    for (const [bad, message] of cases) {
        refused(bad, message);
        refused(bad, /^document must be a plain object, got /);
    }
});

test('objects without prototype and of other realms are plain', () => {
    const bare = Object.assign(Object.create(null), { a: 1, inner: Object.create(null) });
    assert.deepEqual(stored(bare), { _rev: 0, a: 1, inner: {} });
    const foreign = vm.runInNewContext('({ a: [1, { b: new Date(0) }], n: new Number(3) })');
    assert.deepEqual(stored(foreign), { _rev: 0, a: [1, { b: '1970-01-01T00:00:00.000Z' }], n: 3 });
});

test('toJSON is honoured as JSON.stringify does', () => {
    const names = [];
    const spy = { toJSON: (name) => names.push(name) };
    stored({ a: spy, list: [spy] });
    assert.deepEqual(names, ['a', '0']);
    assert.deepEqual(stored({ toJSON: () => ({ b: 2, _rev: 4 }) }), { _rev: 0, b: 2 });
    assert.deepEqual(stored({ d: new Date(0), u: new URL('http://a.b/c'), gone: { toJSON() {} } }), {
        _rev: 0, d: '1970-01-01T00:00:00.000Z', u: 'http://a.b/c',
    });
    // The answer of toJSON is not asked again.
    assert.deepEqual(
        stored({ a: { toJSON: () => ({ x: 1, toJSON: undefined }) } }), { _rev: 0, a: { x: 1 } }
    );
    refused({ a: { toJSON: () => ({ toJSON: () => 5 }) } }, /^document\.a\.toJSON .* a function$/);
    assert.deepEqual(stored({ b: Buffer.from('hi') }).b, { type: 'Buffer', data: [104, 105] });
});

test('undefined is left out, and is null in arrays, holes too', () => {
    // eslint-disable-next-line no-sparse-arrays
    assert.deepEqual(stored({ a: undefined, b: [undefined, , 1], c: { d: undefined } }), {
        _rev: 0, b: [null, null, 1], c: {},
    });
});

test('__proto__ stays an ordinary property', () => {
    const source = JSON.parse('{"__proto__":{"admin":true},"nested":{"__proto__":1}}');
    const { document, text } = strictDocument(source);
    assert.equal(document.admin, undefined);
    assert.equal(Object.getPrototypeOf(document), Object.prototype);
    assert.deepEqual(Object.keys(document), ['_rev', '__proto__', 'nested']);
    assert.equal(text, '{"_rev":0,"__proto__":{"admin":true},"nested":{"__proto__":1}}');
});

test('instances, boxes, getters, symbols and -0 are taken as JSON.stringify takes them', () => {
    class Point {
        constructor() {
            this.x = -0;
        }
        get hidden() {
            return 1;
        }
    }
    const source = {
        point: new Point(), n: Object(5), s: Object('text'), b: Object(false),
        get computed() {
            return 42;
        },
        [Symbol('s')]: 1,
    };
    Object.defineProperty(source, 'invisible', { value: 1, enumerable: false });
    const copy = stored(source);
    assert.deepEqual(copy, { _rev: 0, point: { x: 0 }, n: 5, s: 'text', b: false, computed: 42 });
    assert.ok(Object.is(copy.point.x, 0));
    assert.deepEqual(Reflect.ownKeys(copy).filter((key) => typeof key === 'symbol'), []);
});

test('inherited properties stay out, even where Object.prototype was extended', () => {
    // eslint-disable-next-line no-extend-native
    Object.prototype.extension = 'x';
    try {
        assert.equal(strictDocument({ a: { b: 1 } }).text, '{"_rev":0,"a":{"b":1}}');
    } finally {
        delete Object.prototype.extension;
    }
    assert.equal(strictDocument({ child: Object.create({ parent: 1 }, {}) }).text, '{"_rev":0,"child":{}}');
});

test('a cycle is refused, the same object twice is not', () => {
    const shared = { x: 1 };
    assert.deepEqual(stored({ a: shared, b: [shared, shared] }), { _rev: 0, a: shared, b: [shared, shared] });
    const loop = { list: [{}] };
    loop.list[0].back = loop;
    refused(loop, /^document\.list\[0\]\.back .* \(a cycle\)$/);
    const inner = [];
    inner.push(inner);
    refused({ inner }, /^document\.inner\[0\] .* \(a cycle\)$/);
});

test('what is nested too deeply or too large is refused, without harm', () => {
    const nested = (levels) => JSON.parse(`${ '{"a":'.repeat(levels) }1${ '}'.repeat(levels) }`);
    assert.equal(
        strictDocument(nested(DEEPEST)).text.length, '{"_rev":0,'.length + DEEPEST * '{"a":}'.length
    );
    refused(nested(DEEPEST + 1), /^document is nested too deeply: at most 1000 levels$/);
    refused(nested(200_000), /^document is nested too deeply: at most 1000 levels$/);
    const endless = { toJSON: () => ({ endless: { toJSON: endless.toJSON } }) };
    refused({ endless }, /^document is nested too deeply: at most 1000 levels$/);
    const sparse = [];
    sparse[2 ** 32 - 2] = 1;
    refused({ sparse }, /^document\.sparse is too long/);
    const long = 'x'.repeat(2 ** 28);
    refused({ a: long, b: long }, /^document is too large/);
});

test('errors of getters and toJSON come as they are', () => {
    const mine = new RangeError('mine');
    const throws = () => {
        throw mine;
    };
    assert.throws(() => strictDocument({ a: { toJSON: throws } }), (error) => error === mine);
    assert.throws(() => strictDocument({ get a() {
        return throws();
    } }), (error) => error === mine);
});

test('text of any JSON value', () => {
    assert.equal(
        strictText(['a', null, { b: new Date(0) }], 'startKey'),
        '["a",null,{"b":"1970-01-01T00:00:00.000Z"}]'
    );
    assert.equal(strictText(null, 'key'), 'null');
    assert.throws(
        () => strictText(NaN, 'endKey'), { name: 'AssertionError', message: /^endKey is not .* NaN$/ }
    );
    assert.throws(
        () => strictText([1n], 'endKey'), { name: 'AssertionError', message: /^endKey\[0\] is not/ }
    );
});

test('agrees with JSON on random documents', () => {
    const { seed, next, pick } = random();
    const strings = [
        '', 'a', 'ünï', '😀', '\ud800', '"\\\n\u2028', '__proto__', 'toString', '1', '-1', '_rev',
        'x'.repeat(70),
    ];
    const leaves = [
        null, true, false, 0, -0, 1e21, 0.1 + 0.2, -1.5, 2 ** 53, 5e-324, undefined, new Date(5e11),
    ];
    function value(depth) {
        const kind = next(depth > 4 ? 2 : 5);
        if (kind === 0) {
            return pick(strings);
        }
        if (kind === 1) {
            return pick(leaves);
        }
        return kind === 2 ? Array.from({ length: next(4) }, () => value(depth + 1)) : object(depth + 1);
    }
    function object(depth) {
        const result = next(8) === 0 ? Object.create(null) : {};
        for (let i = next(6); i > 0; i -= 1) {
            Object.defineProperty(result, pick(strings), {
                value: value(depth), enumerable: true, writable: true, configurable: true,
            });
        }
        return result;
    }
    for (let i = 0; i < FUZZ_ROUNDS; i += 1) {
        const source = object(0);
        const { document, text } = strictDocument(source);
        const { _rev, ...expected } = JSON.parse(JSON.stringify(source));
        const { _rev: rev, ...got } = JSON.parse(text);
        assert.equal(rev, 0);
        assert.equal(JSON.stringify(got), JSON.stringify(expected), `seed ${ seed }`);
        const { _rev: zero, ...copied } = document;
        assert.deepEqual(copied, expected, `seed ${ seed }`);
    }
});
