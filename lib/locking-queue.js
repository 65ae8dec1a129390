'use strict';

const { AssertionError } = require('./errors.js');
const { describe } = require('./describe.js');

/**
 * Mutual exclusion per key: whoever asks first goes first.
 */
class LockingQueue {
    // One list of those who wait per held key. A key that nobody holds takes no memory.
    #waiting = new Map();

    /**
     * Resolves once the caller holds the lock.
     *
     * @param {string} [key] locks of different keys are independent
     * @returns {Promise<void>}
     */
    async getLock(key) {
        const waiting = this.#waiting.get(key);
        if (waiting === undefined) {
            this.#waiting.set(key, new Fifo());
            return;
        }
        await new Promise((resolve) => {
            waiting.push(resolve);
        });
    }

    /**
     * Hands the lock to the next in line.
     *
     * @param {string} [key]
     * @throws {AssertionError} when nobody holds it
     */
    releaseLock(key) {
        const waiting = this.#waiting.get(key);
        if (waiting === undefined) {
            const which = key === undefined ? 'the lock' : `the lock of ${ describe(key) }`;
            throw new AssertionError(`releaseLock() without getLock(): nobody holds ${ which }`);
        }
        const next = waiting.shift();
        if (next === undefined) {
            this.#waiting.delete(key);
        } else {
            next();
        }
    }
}

/** An array would move all its items at every shift. */
class Fifo {
    #incoming = [];
    #outgoing = [];

    push(item) {
        this.#incoming.push(item);
    }

    shift() {
        if (this.#outgoing.length === 0) {
            this.#outgoing = this.#incoming.reverse();
            this.#incoming = [];
        }
        return this.#outgoing.pop();
    }
}

module.exports = { LockingQueue };
