'use strict';

const { Random } = require('./random.js');

const SHARED_KEYS = Array.from({ length: 10 }, (_, i) => `shared:${ i }`);
const OWN_KEYS_PER_THREAD = 6;
/** Only batches touch these, always both, so whoever looks sees the same in both. */
const PAIR = ['pair:a', 'pair:b'];
const BATCH_SIZE_MAX = 4;
/** Lines up to this length are written to a pipe as a whole, whatever other threads write. */
const PAD_MAX = 2000;

/** The keys that only this thread of this process writes; whoever takes its place goes on with them. */
function ownKeys(slot, thread) {
    return Array.from({ length: OWN_KEYS_PER_THREAD }, (_, i) => `own:${ slot }.${ thread }:${ i }`);
}

/** Every key that the processes of a kill loop may write. */
function allKeys(processes, threads) {
    const own = [];
    for (let slot = 0; slot < processes; slot += 1) {
        for (let thread = 0; thread < threads; thread += 1) {
            own.push(...ownKeys(slot, thread));
        }
    }
    return [...SHARED_KEYS, ...PAIR, ...own];
}

/** What the operation `id` stores, whoever asks; an update adds `was`, the id of what it replaced. */
function documentOf(id) {
    let hash = 0;
    for (let i = 0; i < id.length; i += 1) {
        hash = (Math.imul(hash, 31) + id.charCodeAt(i)) | 0;
    }
    const random = new Random(hash);
    const length = random.chance(0.1) ? random.int(PAD_MAX) : random.int(20);
    return { id, pad: 'x'.repeat(length) };
}

/**
 * Chooses operations that do not touch a key which an earlier one of the same thread still writes:
 *
 *     { id, type: 'set' | 'insert' | 'update' | 'delete', key, rev? }
 *     { id, type: 'batch', writes: [{ type: 'set' | 'delete', key, rev? }, ...] }
 */
class Planner {
    #prefix;
    #random;
    #own;
    #revisionOf;
    #busy = new Set();
    #count = 0;

    /** `revisionOf` answers the revision that a key is at, as far as this thread knows, or undefined. */
    constructor({ prefix, slot, thread, random, revisionOf }) {
        this.#prefix = prefix;
        this.#random = random;
        this.#own = ownKeys(slot, thread);
        this.#revisionOf = revisionOf;
    }

    /** The next operation, or null while all keys are busy. */
    next() {
        const operation = this.#choose();
        if (operation === null) {
            return null;
        }
        for (const { key } of writesOf(operation)) {
            this.#busy.add(key);
        }
        this.#count += 1;
        return { id: `${ this.#prefix }.${ this.#count }`, ...operation };
    }

    finished(operation) {
        for (const { key } of writesOf(operation)) {
            this.#busy.delete(key);
        }
    }

    #choose() {
        const random = this.#random;
        const free = (keys) => keys.filter((key) => !this.#busy.has(key));
        if (random.chance(0.1) && free(PAIR).length === PAIR.length) {
            const type = random.chance(0.2) ? 'delete' : 'set';
            return { type: 'batch', writes: PAIR.map((key) => ({ type, key })) };
        }
        if (random.chance(0.25)) {
            const keys = random.shuffle(free([...SHARED_KEYS, ...this.#own]));
            const chosen = keys.slice(0, 2 + random.int(BATCH_SIZE_MAX - 1));
            return { type: 'batch', writes: chosen.map((key) => this.#write(key)) };
        }
        const keys = free(random.chance(0.5) ? SHARED_KEYS : this.#own);
        return keys.length === 0 ? null : this.#single(random.pick(keys));
    }

    #single(key) {
        const type = this.#random.pick(['set', 'set', 'insert', 'update', 'update', 'write']);
        return type === 'write' ? this.#write(key) : { type, key };
    }

    /** A put or a deletion, often bound to a revision, which is not always the current one. */
    #write(key) {
        const random = this.#random;
        const type = random.chance(0.25) ? 'delete' : 'set';
        const current = random.chance(0.6) ? this.#revisionOf(key) : undefined;
        if (current === undefined) {
            return { type, key };
        }
        return { type, key, rev: random.chance(0.1) ? current + 1 : current };
    }
}

/** The writes of an operation, one of them unless it is a batch. */
function writesOf(operation) {
    return operation.type === 'batch' ? operation.writes : [operation];
}

module.exports = { PAIR, Planner, allKeys, documentOf, writesOf };
