'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { DocumentModel, ofKey, showOperation } = require('../helpers/document-model.js');
const { checkLinearizable, describeFailure } = require('../helpers/linearizability.js');
const { Random, chooseSeed } = require('../helpers/random.js');
const { simulate, LIES } = require('../helpers/simulated-history.js');

const isLinearizable = (history) => checkLinearizable(history, DocumentModel).ok;

/** An operation from `call` to `back`. */
const at = (call, back, operation) => (
    { client: 'a', name: 'test', call, return: back, outcome: 'ok', ...operation }
);
const doc = (value, rev) => ({ value, rev });
const get = (call, back, document) => at(call, back, { reads: [['k', document]] });
const has = (call, back, isThere) => at(call, back, { reads: [['k', isThere]] });
const put = (call, back, value, rev, check = {}) => at(call, back, {
    writes: [{ key: 'k', value, ...check }],
    ...(rev === 'conflict' ? { outcome: 'conflict', conflict: 'k' } : { revs: [rev] }),
});
const remove = (call, back, rev = null, check = {}) => put(call, back, null, rev, check);
const unknown = (call, value, check = {}) => ({
    ...put(call, Infinity, value, 0, check), outcome: 'unknown', revs: undefined,
});

const GOOD = {
    'nothing': [],
    'one after the other': [
        get(1, 2, null), put(3, 4, 'x', 0), get(5, 6, doc('x', 0)), put(7, 8, 'y', 1),
        get(9, 10, doc('y', 1)), has(11, 12, true), remove(13, 14), has(15, 16, false), get(17, 18, null),
        put(19, 20, 'z', 0),
    ],
    'a read beside a write sees either': [put(1, 10, 'x', 0), get(2, 3, null), get(4, 5, doc('x', 0))],
    'writes side by side, in the order that their revisions tell': [
        put(1, 10, 'x', 1), put(1, 10, 'y', 0), get(11, 12, doc('x', 1)),
    ],
    'one of two updates loses': [
        put(1, 2, 'x', 0), put(3, 9, 'y', 1, { from: doc('x', 0) }),
        put(3, 9, 'z', 'conflict', { from: doc('x', 0) }), get(10, 11, doc('y', 1)),
    ],
    'one of two insertions loses': [
        put(1, 5, 'x', 0, { absent: true }), put(1, 5, 'y', 'conflict', { absent: true }),
        get(6, 7, doc('x', 0)),
    ],
    'conditions on revisions': [
        put(1, 2, 'x', 0, { rev: 7 }), put(3, 4, 'y', 'conflict', { rev: 7 }), put(5, 6, 'y', 1, { rev: 0 }),
        remove(7, 8, 'conflict', { rev: 0 }), remove(9, 10, null, { rev: 1 }),
        remove(11, 12, 'conflict', { rev: 1 }),
    ],
    'a write without outcome that happened': [unknown(1, 'x'), get(2, 3, null), get(4, 5, doc('x', 0))],
    'a write without outcome that never happened': [unknown(1, 'x'), get(2, 3, null), put(4, 5, 'y', 0)],
    'a write without outcome that happens late': [
        put(1, 2, 'x', 0), unknown(3, 'y'), put(4, 5, 'z', 1), get(6, 7, doc('z', 1)), get(8, 9, doc('y', 2)),
    ],
    'calls and returns at the same time': [put(1, 2, 'x', 0), get(2, 3, null)],
};

const BAD = {
    'a read of a value that was never written': [put(1, 2, 'x', 0), get(1, 3, doc('y', 0))],
    'a stale read': [put(1, 2, 'x', 0), put(3, 4, 'y', 1), get(5, 6, doc('x', 0))],
    'a read from the future': [get(1, 2, doc('x', 0)), put(3, 4, 'x', 0)],
    'a read that misses an acknowledged insertion': [put(1, 2, 'x', 0, { absent: true }), has(3, 4, false)],
    'reads that go back': [
        put(1, 2, 'x', 0), put(3, 10, 'y', 1), get(4, 5, doc('y', 1)), get(6, 7, doc('x', 0)),
    ],
    'a lost update': [
        put(1, 2, 'x', 0), put(3, 9, 'y', 1, { from: doc('x', 0) }), put(3, 9, 'z', 2, { from: doc('x', 0) }),
    ],
    'a document inserted twice': [put(1, 5, 'x', 0, { absent: true }), put(1, 5, 'y', 1, { absent: true })],
    'a deleted document that comes back': [
        put(1, 2, 'x', 0), remove(3, 4), get(5, 6, null), get(7, 8, doc('x', 0)),
    ],
    'a revision that goes on behind a deletion': [put(1, 2, 'x', 0), remove(3, 4), put(5, 6, 'y', 1)],
    'a conflict without a reason': [
        put(1, 2, 'x', 0), put(3, 4, 'y', 'conflict', { from: doc('x', 0) }),
    ],
    'a conflict that wrote nevertheless': [
        put(1, 2, 'x', 0), put(3, 4, 'y', 'conflict', { rev: 9 }), get(5, 6, doc('y', 1)),
    ],
    'a write without outcome that happens twice': [
        unknown(1, 'x'), get(2, 3, doc('x', 0)), put(4, 5, 'y', 1), get(6, 7, doc('x', 2)),
    ],
    'a write without outcome that is taken back': [unknown(1, 'x'), get(2, 3, doc('x', 0)), get(4, 5, null)],
    'a write without outcome before its call': [get(1, 2, doc('x', 0)), unknown(3, 'x')],
    'a write without outcome against its condition': [
        put(1, 2, 'x', 0), unknown(3, 'y', { absent: true }), get(4, 5, doc('y', 1)),
    ],
    'writes seen in different orders': [
        put(1, 20, 'x', 0), put(1, 20, 'y', 1), get(2, 3, doc('y', 1)), get(4, 5, doc('x', 0)),
    ],
};

for (const [name, history] of Object.entries(GOOD)) {
    test(`linearizable: ${ name }`, () => assert.equal(isLinearizable(history), true));
}

for (const [name, history] of Object.entries(BAD)) {
    test(`not linearizable: ${ name }`, () => assert.equal(isLinearizable(history), false));
}

test('operations on several keys happen at one moment', () => {
    const both = (value) => ({ writes: [{ key: 'a', value }, { key: 'b', value }], revs: [0, 0] });
    const see = (a, b) => ({ reads: [['a', a], ['b', b]] });
    const history = [at(1, 9, both(1))];
    const [before, after] = [see(null, null), see(doc(1, 0), doc(1, 0))];
    assert.ok(isLinearizable([...history, at(2, 3, before), at(4, 5, after)]));
    assert.ok(!isLinearizable([...history, at(2, 3, see(doc(1, 0), null))]), 'half a batch');
    const first = { prefix: '', order: 'key', offset: 0, limit: 1 };
    const page = (total, ...items) => ({ page: { ...first, total, items } });
    const [a, b] = [{ key: 'a', ...doc(1, 0) }, { key: 'b' }];
    assert.ok(isLinearizable([...history, at(2, 3, page(0)), at(4, 5, page(2, a))]));
    assert.ok(!isLinearizable([...history, at(4, 5, page(1, a))]), 'a total that never was');
    assert.ok(!isLinearizable([...history, at(4, 5, page(2, b))]), 'another page');
    const last = { prefix: '', order: 'value', descending: true, offset: 1, limit: 9, total: 2, items: [a] };
    const tenth = at(10, 11, { writes: [{ key: 'b', value: 2 }], revs: [1] });
    assert.ok(isLinearizable([...history, tenth, at(12, 13, { page: last })]));
    // Each key for itself has nothing to complain about.
    const torn = [...history, at(2, 3, see(doc(1, 0), null))];
    for (const key of ['a', 'b']) {
        assert.ok(isLinearizable(torn.map((operation) => ofKey(operation, key))));
    }
});

test('the report has the shortest bad beginning', () => {
    const rest = Array.from({ length: 50 }, (_, i) => put(100 + 2 * i, 101 + 2 * i, `n${ i }`, 7));
    const pending = put(2.5, 90, 'late', 2);
    const failure = checkLinearizable([...BAD['a stale read'], pending, ...rest], DocumentModel);
    assert.equal(failure.culprit.call, 5);
    assert.equal(failure.prefix.length, 4, 'with what was under way');
    const text = describeFailure(failure, showOperation);
    assert.match(text, /no place:\n.*reads.*"x"/);
    assert.match(text, /only have been\n {4}k=late@2\n {4}k=y@1\n/);
    assert.ok(!text.includes('n1'), text);
});

/** Whether any order of any subset explains a history: slow and simple. */
function bruteForce(history) {
    const model = new DocumentModel();
    const isOpen = ({ outcome }) => outcome === 'unknown';
    const explain = (state, left) => left.every(isOpen) || left.some((next, i) => {
        const others = left.toSpliced(i, 1);
        const after = model.step(state, next);
        const inTime = others.every((other) => other.return >= next.call);
        return after !== undefined && inTime && explain(after, others);
    });
    return explain(model.initial, history);
}

test('short random histories: as if all orders were tried', (t) => {
    const seed = chooseSeed(t);
    const counts = { true: 0, false: 0 };
    for (let round = 0; round < 4000; round += 1) {
        const random = new Random(seed + round);
        const keys = ['k', 'l'].slice(random.int(2));
        let history = simulate(random, { clients: 3, operations: 7, keys });
        for (let lies = random.int(3); lies > 0; lies -= 1) {
            history = random.pick(Object.values(LIES))(random, history) ?? history;
        }
        history = history.map((operation) => (
            random.chance(0.1) ? { ...operation, outcome: 'unknown', return: Infinity } : operation
        )).filter(({ outcome, writes }) => outcome !== 'unknown' || writes !== undefined);
        const expected = bruteForce(history);
        counts[expected] += 1;
        assert.equal(isLinearizable(random.shuffle(history)), expected, `seed ${ seed + round }`);
    }
    t.diagnostic(`${ counts.true } good and ${ counts.false } bad ones`);
    assert.ok(counts.true > 500 && counts.false > 500);
});

test('random histories of a correct store pass, those with a lie are caught', (t) => {
    const seed = chooseSeed(t);
    const told = {};
    const caught = {};
    let operations = 0;
    let tried = 0;
    for (let round = 0; round < 60; round += 1) {
        const random = new Random(seed + round);
        const keys = ['a', 'b', 'c'].slice(random.int(3));
        const history = simulate(random, { clients: 1 + random.int(9), operations: 300, keys });
        const result = checkLinearizable(history, DocumentModel);
        if (!result.ok) {
            assert.fail(`seed ${ seed + round }: ${ describeFailure(result, showOperation) }`);
        }
        operations += history.length;
        tried += result.tried;
        for (const [name, lie] of Object.entries(LIES)) {
            const wrong = lie(random, history);
            if (wrong !== null) {
                told[name] = (told[name] ?? 0) + 1;
                caught[name] = (caught[name] ?? 0) + (isLinearizable(wrong) ? 0 : 1);
            }
        }
    }
    t.diagnostic(`${ operations } operations, ${ tried } steps; caught ${ JSON.stringify(caught) }`);
    for (const name of Object.keys(LIES)) {
        assert.ok(told[name] > 20, `${ name }: told ${ told[name] } times`);
        assert.ok(caught[name] >= told[name] * 0.3, `${ name }: caught ${ caught[name] } of ${ told[name] }`);
    }
    // Rarely an older state has come back since.
    assert.ok(caught.stale >= told.stale * 0.9, `${ caught.stale } of ${ told.stale }`);
    assert.equal(caught.invented, told.invented);
});
