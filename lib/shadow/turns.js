'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');
const { ClosedError } = require('../errors.js');

/** The updates that a call is made inside of, innermost first. */
const updates = new AsyncLocalStorage();

/**
 * Lets the writes of one document go ahead one after another, in the order of the calls: then everybody knows
 * in which order they happened. A write by the update function of its document has its turn already.
 */
class Turns {
    // By key, the newest write that is under way or waits.
    #tails = new Map();
    #underWay = new Set();
    #closed = false;

    /** Refuses new calls, and resolves once those under way are over. */
    async close() {
        this.#closed = true;
        await Promise.all(this.#underWay);
    }

    assertOpen() {
        if (this.#closed) {
            throw new ClosedError('The shadowed datastore is closed');
        }
    }

    /**
     * Runs a write of the documents `keys`, at once if nobody else writes these.
     *
     * @param {string[]} keys
     * @param {(hasWaited: boolean) => Promise<unknown>} work
     */
    async take(keys, work) {
        this.assertOpen();
        const mine = deferred();
        const free = keys.filter((key) => !isUpdating(key));
        const before = free.map((key) => this.#tails.get(key)).filter((tail) => tail !== undefined);
        free.forEach((key) => this.#tails.set(key, mine.promise));
        this.#underWay.add(mine.promise);
        try {
            if (before.length > 0) {
                await Promise.all(before);
            }
            return await work(before.length > 0);
        } finally {
            const last = free.filter((key) => this.#tails.get(key) === mine.promise);
            last.forEach((key) => this.#tails.delete(key));
            this.#underWay.delete(mine.promise);
            mine.resolve();
        }
    }
}

/** An update while it is under way. */
class Update {
    isActive = true;
    /** Whether its function has written the documents itself. */
    isContended = false;
    #outer = updates.getStore();

    constructor(keys) {
        this.keys = keys;
    }

    get outer() {
        return this.#outer;
    }

    /** Calls its function. */
    run(change, document) {
        return updates.run(this, change, document);
    }
}

/** Whether this is called by the update function of a document. */
function isUpdating(key) {
    for (let update = updates.getStore(); update !== undefined; update = update.outer) {
        if (update.isActive && update.keys.includes(key)) {
            update.isContended = true;
            return true;
        }
    }
    return false;
}

function deferred() {
    let resolve;
    const promise = new Promise((settle) => {
        resolve = settle;
    });
    return { promise, resolve };
}

module.exports = { Turns, Update, deferred };
