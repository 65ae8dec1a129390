'use strict';

const { Random } = require('./random.js');

const KEYS = Array.from({ length: 200 }, (_, i) => `key:${ i }`);
const BATCH_SIZE_MAX = 6;
const PAD_MAX = 4000;

/**
 * The operations that one process of the crash test makes, in order: the parent and the child compute the
 * same ones from the seed. Each document says which operation wrote it.
 */
function* plan(seed) {
    const random = new Random(seed);
    for (let n = 0; ; n += 1) {
        if (random.chance(0.3)) {
            const keys = random.shuffle(KEYS).slice(0, 2 + random.int(BATCH_SIZE_MAX - 1));
            yield { n, isBatch: true, writes: keys.map((key) => write(random, key, seed, n)) };
        } else {
            yield { n, isBatch: false, writes: [write(random, random.pick(KEYS), seed, n)] };
        }
    }
}

function write(random, key, seed, n) {
    if (random.chance(0.1)) {
        return { type: 'delete', key };
    }
    const pad = 'x'.repeat(random.chance(0.1) ? random.int(PAD_MAX) : random.int(20));
    return { type: 'set', key, document: { id: `${ seed }/${ n }`, pad } };
}

/**
 * Compares what a store holds after a crash with what it may hold.
 *
 * @param {Map<string, object>} before the documents when the process began
 * @param {object[]} operations those that it made, at least all that it can have begun
 * @param {Set<number>} kept those that must not be lost
 * @param {Map<string, object>} after the documents now
 * @returns {string[]} what is wrong
 */
function compareAfterCrash(before, operations, kept, after) {
    const wrong = [];
    const places = new Map();
    const written = operations.flatMap(({ writes }) => writes.map(({ key }) => key));
    for (const key of new Set([...before.keys(), ...after.keys(), ...written])) {
        const states = statesOf(key, before, operations);
        const found = textOf(after.get(key) ?? null);
        const possible = states.filter((state) => state.text === found).map((state) => state.n);
        const needed = Math.max(-1, ...states.map((state) => state.n).filter((n) => kept.has(n)));
        if (possible.length === 0) {
            wrong.push(`${ key } was never ${ found.slice(0, 100) }`);
        } else if (Math.max(...possible) < needed) {
            wrong.push(`${ key } lost operation ${ needed }, it has ${ Math.max(...possible) }`);
        }
        places.set(key, possible.filter((n) => n >= needed));
    }
    return [...wrong, ...tornBatches(operations, places)];
}

/** Every state that a key can be in: as it was before (-1), and as each operation on it left it. */
function statesOf(key, before, operations) {
    let current = before.get(key) ?? null;
    const states = [{ n: -1, text: textOf(current) }];
    for (const { n, writes } of operations) {
        const own = writes.find((candidate) => candidate.key === key);
        if (own !== undefined) {
            const _rev = current === null ? 0 : current._rev + 1;
            current = own.type === 'delete' ? null : { _rev, ...own.document };
            states.push({ n, text: textOf(current) });
        }
    }
    return states;
}

/** A document as a text to compare, whatever the order of its properties. */
function textOf(document) {
    return JSON.stringify(document === null ? null : Object.entries(document).sort());
}

/** Batches of which one key surely has the effect and another surely has not. */
function tornBatches(operations, places) {
    const torn = [];
    for (const { n, isBatch, writes } of operations) {
        if (isBatch) {
            const known = writes.filter(({ key }) => places.get(key).length > 0);
            const has = known.filter(({ key }) => places.get(key).every((place) => place >= n));
            const hasNot = known.filter(({ key }) => places.get(key).every((place) => place < n));
            if (has.length > 0 && hasNot.length > 0) {
                torn.push(`batch ${ n } is there at ${ has[0].key } and not at ${ hasNot[0].key }`);
            }
        }
    }
    return torn;
}

module.exports = { plan, compareAfterCrash };
