'use strict';

// How many instructions the hot paths of the core take, against the figures in `benches/counts.json`.

const assert = require('node:assert/strict');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { test } = require('node:test');
const { compare, compiler, measure, readFigures, table, verdict } = require('../benches/counts.cjs');
const { needs } = require('./helpers/needs.js');

const root = path.join(__dirname, '..');
const COUNTS = { instructions: 500, calls: 4 };
const COMMITTED = { rustc: '1.90.0', paths: { 'tree-get': COUNTS, 'collate': COUNTS } };

/** The committed figures, with these of `tree-get`. */
const withTreeGet = (counts, rustc = COMMITTED.rustc) => {
    return { rustc, paths: { ...COMMITTED.paths, 'tree-get': { ...COUNTS, ...counts } } };
};

/** The crates in the build of the core as it is part of a package, with versions and features. */
const crates = (...options) => {
    const args = ['tree', ...options, '--locked', '--edges=normal', '--prefix=none', '--no-dedupe'];
    const text = execFileSync('cargo', [...args, '--format={p} {f}'], { cwd: root, encoding: 'utf8' });
    return [...new Set(text.trim().split('\n'))].sort();
};

test('the hot paths take as many instructions as committed', { skip: needs('callgrind') }, async (t) => {
    const { host } = await compiler();
    const committed = readFigures(host);
    if (committed === undefined) {
        t.skip(`no figures for ${ host }`);
        return;
    }
    const comparison = compare(committed, await measure());
    t.diagnostic(verdict(comparison));
    assert.deepEqual(comparison.problems, [], `\n${ table(comparison.rows) }\n${ verdict(comparison) }`);
});

test('more than 3 % away from a figure is a problem, slower or faster', () => {
    for (const fine of [{ instructions: 515 }, { instructions: 485 }, {}, { calls: 4.1 }]) {
        assert.deepEqual(compare(COMMITTED, withTreeGet(fine)).problems, []);
    }
    for (const [counts, problem] of [
        [{ instructions: 515.1 }, 'tree-get: +3.0 % instructions, 500 before, 515.1 now'],
        [{ instructions: 480 }, 'tree-get: -4.0 % instructions, 500 before, 480 now'],
        [{ calls: 5 }, 'tree-get: +25.0 % calls, 4 before, 5 now'],
    ]) {
        const comparison = compare(COMMITTED, withTreeGet(counts));
        assert.deepEqual(comparison.problems, [problem]);
        assert.match(verdict(comparison), /npm run counts -- --write/);
    }
});

test('what hardly ever happens may happen twice as often', () => {
    const problemsOf = (calls) => compare(withTreeGet({ calls: 0.01 }), withTreeGet({ calls })).problems;
    assert.deepEqual(problemsOf(0.02), []);
    assert.deepEqual(problemsOf(0), []);
    assert.equal(problemsOf(1).length, 1);
});

test('figures of another compiler give way to 10 %, and that is said', () => {
    const comparison = compare(COMMITTED, withTreeGet({ instructions: 540 }, '1.91.0'));
    assert.deepEqual(comparison.problems, []);
    assert.match(verdict(comparison), /figures are of rustc 1\.90\.0.*\n.*rustc 1\.91\.0, renew them before/);
    const { problems } = compare(COMMITTED, withTreeGet({ instructions: 551 }, '1.91.0'));
    assert.deepEqual(problems, ['tree-get: +10.2 % instructions, 500 before, 551 now']);
});

test('a path without a figure is a problem, and a figure without a path', () => {
    const other = { rustc: COMMITTED.rustc, paths: { 'tree-get': COUNTS, 'record-scan': COUNTS } };
    assert.deepEqual(compare(COMMITTED, other).problems, [
        'collate: there is no such path any more', 'record-scan: no figure is committed',
    ]);
});

test('what is counted is built of the crates that the addon is built of', () => {
    const benches = path.join('benches', 'rust', 'Cargo.toml');
    const counted = crates('--manifest-path', benches, '-p', 'kixx-datastore');
    assert.deepEqual(counted, crates('--no-default-features'), 'cargo update -p <name> --precise <version>');
});
