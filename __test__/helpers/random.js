'use strict';

const { randomInt } = require('node:crypto');

/** Repeatable randomness (mulberry32). */
class Random {
    #state;

    constructor(seed) {
        this.#state = seed >>> 0;
    }

    /** A number in [0, 1). */
    next() {
        this.#state = (this.#state + 0x6d2b79f5) >>> 0;
        let mixed = this.#state;
        mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    }

    /** An integer in [0, bound). */
    int(bound) {
        return Math.floor(this.next() * bound);
    }

    /** One of the items. */
    pick(items) {
        return items[this.int(items.length)];
    }

    /** True in this share of the calls. */
    chance(share) {
        return this.next() < share;
    }

    /** A shuffled copy. */
    shuffle(items) {
        const copy = [...items];
        for (let i = copy.length - 1; i > 0; i -= 1) {
            const j = this.int(i + 1);
            [copy[i], copy[j]] = [copy[j], copy[i]];
        }
        return copy;
    }

    /** A string of up to `length` code points from all of Unicode, without lone surrogates. */
    text(length) {
        let text = '';
        for (let i = this.int(length + 1); i > 0; i -= 1) {
            text += String.fromCodePoint(this.#codePoint());
        }
        return text;
    }

    #codePoint() {
        const [low, high] = this.pick(PLANES);
        return low + this.int(high - low + 1);
    }
}

// Around every border where UTF-8 order, UTF-16 order and locale order could part.
const PLANES = [
    [0x00, 0x7f], [0x61, 0x66], [0x80, 0x7ff], [0x800, 0xd7ff], [0xe000, 0xffff], [0xfff0, 0xffff],
    [0x10000, 0x1001f], [0x1f600, 0x1f60f], [0x10000, 0x10ffff],
];

/** The seed of this run: KIXX_TEST_SEED, or a new one; printed in either case. */
function chooseSeed(t) {
    const given = process.env.KIXX_TEST_SEED;
    const seed = given === undefined ? randomInt(2 ** 31) : Number(given);
    t.diagnostic(`seed ${ seed } (run again with KIXX_TEST_SEED=${ seed })`);
    return seed;
}

module.exports = { Random, chooseSeed };
