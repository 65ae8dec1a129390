'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { test } = require('node:test');
const { startScript } = require('./helpers/child.js');
const { plan, compareAfterCrash } = require('./helpers/crash-plan.js');
const { Random, chooseSeed } = require('./helpers/random.js');
const { openStore, allDocuments } = require('./helpers/store.js');
const { newDirectory } = require('./helpers/temp.js');

/** A hang is a failure. */
const LIMIT = { timeout: 240000 };

const IN_FLIGHT = 1000;
const ACKS_MAX = 3000;

/** Reads what a child found when it opened the directory. */
async function readFound(child) {
    await child.until('loading');
    const lines = await child.until('writing');
    return new Map(lines.map((line) => JSON.parse(line)));
}

/** The numbers of all lines that begin with this word. */
function numbersAfter(word, lines) {
    const chosen = lines.filter((line) => line.startsWith(`${ word } `));
    return chosen.flatMap((line) => line.split(' ').slice(1)).map(Number);
}

/**
 * Lets a child write, kills it after so many acknowledgements, and answers what it had found, what it can
 * have begun and what it must not lose.
 */
async function killWhileWriting(child, seed, acks, durability) {
    const before = await readFound(child);
    const lines = [];
    while (lines.length < acks) {
        const line = await child.line();
        assert.notEqual(line, null, child.stderr);
        lines.push(line);
    }
    child.kill();
    lines.push(...await child.rest());
    const { signal, stderr } = await child.exited;
    assert.equal(signal, 'SIGKILL', stderr);
    const acknowledged = numbersAfter('a', lines);
    const begun = acknowledged.length + IN_FLIGHT;
    const operations = [];
    for (const operation of plan(seed)) {
        if (operation.n >= begun) {
            break;
        }
        operations.push(operation);
    }
    const kept = new Set(durability === 'batched' ? numbersAfter('f', lines) : acknowledged);
    return { before, operations, kept, acknowledged: acknowledged.length };
}

/** Kills `kills` processes on one directory; each one finds what the one before left behind. */
async function crashTest(t, durability, kills) {
    const seed = chooseSeed(t);
    const random = new Random(seed);
    const directory = newDirectory(t);
    let last = { before: new Map(), operations: [], kept: new Set() };
    let total = 0;
    const verify = (after, label) => {
        const wrong = compareAfterCrash(last.before, last.operations, last.kept, after);
        assert.deepEqual(wrong.slice(0, 5), [], `${ wrong.length } wrong ${ label }`);
    };
    for (let round = 0; round < kills; round += 1) {
        if (round % 8 === 7) {
            await killWhileOpening(startScript(t, 'crash-child.js', [directory, durability, seed]));
        }
        const child = startScript(t, 'crash-child.js', [directory, durability, seed + round]);
        const next = await killWhileWriting(child, seed + round, 1 + random.int(ACKS_MAX), durability);
        verify(next.before, `after kill ${ round }`);
        total += next.acknowledged;
        last = next;
    }
    const store = await openStore(t, { directory });
    const after = await allDocuments(store);
    verify(after, 'at the end');
    await store.close();
    assert.equal(fs.readdirSync(directory).length, after.size, 'only the documents are left');
    t.diagnostic(`${ kills } kills survived, ${ total } acknowledged operations`);
}

/** A kill in the middle of the recovery must not matter either. */
async function killWhileOpening(child) {
    await child.until('loading');
    child.kill();
    assert.equal((await child.exited).signal, 'SIGKILL');
}

test('kill -9 with 1,000 writes in flight, 50 times, durability sync', LIMIT, (t) =>
    crashTest(t, 'sync', 50));

test('kill -9 with 1,000 writes in flight, durability os', LIMIT, (t) => crashTest(t, 'os', 8));

test('kill -9 with 1,000 writes in flight, durability batched: what was flushed is kept', LIMIT, (t) =>
    crashTest(t, 'batched', 8));

test('the comparison after a crash notices what is wrong', LIMIT, () => {
    const write = (key, id) => ({ type: 'set', key, document: { id } });
    const operations = [
        { n: 0, isBatch: false, writes: [write('a', 'w0')] },
        { n: 1, isBatch: true, writes: [write('a', 'w1'), write('b', 'w1')] },
        { n: 2, isBatch: false, writes: [{ type: 'delete', key: 'b' }] },
    ];
    const compare = (kept, after) => compareAfterCrash(new Map(), operations, new Set(kept),
        new Map(Object.entries(after))).length;
    const [first, second] = [{ _rev: 0, id: 'w0' }, { _rev: 1, id: 'w1' }];
    assert.equal(compare([], {}), 0);
    assert.equal(compare([0], { a: first }), 0);
    assert.equal(compare([1], { a: second, b: { _rev: 0, id: 'w1' } }), 0);
    assert.equal(compare([0, 1, 2], { a: second }), 0);
    assert.equal(compare([0], {}), 1, 'lost');
    assert.equal(compare([2], { a: second, b: { _rev: 0, id: 'w1' } }), 1, 'a deleted document is back');
    assert.equal(compare([], { a: { _rev: 1, id: 'w0' } }), 1, 'a revision that never was');
    assert.equal(compare([], { c: first }), 1, 'invented');
    assert.equal(compare([], { a: first, b: { _rev: 0, id: 'w1' } }), 1, 'half a batch');
});
