'use strict';

const native = require('../native.cjs');
const { errorFromThrown } = require('../errors.js');
const { openPort } = require('../port.js');
const { Stretch } = require('../stretch.js');

/** What of each entry is wanted. */
const KEYS = 1;
const VALUES = 2;

/**
 * Yields portions of the entries as they are now: flat arrays of what is `wanted`.
 *
 * @param {() => object} open opens the native walk
 */
async function* portions(open, wanted) {
    const walk = begin(open);
    try {
        const stretch = new Stretch();
        for (;;) {
            const portion = nextPortion(walk, wanted);
            const items = portion instanceof Promise ? await portion : portion;
            if (items.length === 0) {
                return;
            }
            yield items;
            if (stretch.isOver()) {
                await stretch.giveWay();
            }
        }
    } finally {
        native.closeWalk(walk);
    }
}

/** Yields `[key, value]`, as the entries are now. */
async function* entries(open) {
    for await (const items of portions(open, KEYS | VALUES)) {
        for (let i = 0; i < items.length; i += 2) {
            yield [items[i], items[i + 1]];
        }
    }
}

/** Yields the keys or the values, as the entries are now. */
async function* parts(open, part) {
    for await (const items of portions(open, part)) {
        yield* items;
    }
}

/** The first part of each pair. */
async function* first(pairs) {
    for await (const [part] of pairs) {
        yield part;
    }
}

/** The second part of each pair. */
async function* second(pairs) {
    for await (const [, part] of pairs) {
        yield part;
    }
}

/** Calls `callback(key, value)` for each entry as they are now, until it answers false. Counts its calls. */
async function iterate(open, callback) {
    let count = 0;
    for await (const items of portions(open, KEYS | VALUES)) {
        for (let i = 0; i < items.length; i += 2) {
            count += 1;
            const answer = callback(items[i], items[i + 1]);
            if ((typeof answer === 'object' ? await answer : answer) === false) {
                return count;
            }
        }
    }
    return count;
}

function begin(open) {
    try {
        return open();
    } catch (error) {
        throw errorFromThrown(error);
    }
}

/** An array, or the promise of one. */
function nextPortion(walk, wanted) {
    return openPort().ask((id) => native.nextPortion(walk, id, wanted));
}

module.exports = { KEYS, VALUES, entries, first, iterate, parts, second };
