'use strict';

/**
 * Holds the locks of several keys at once, over any locking queue. The update function of a key may write
 * that key before its first await: it has the lock already.
 */
class KeyLocks {
    #queue;
    #updating;

    /** @param {{ getLock(key: string): Promise<void>, releaseLock(key: string): unknown }} queue */
    constructor(queue) {
        this.#queue = queue;
    }

    /** Whether this is called by the update function of `key`. */
    isUpdating(key) {
        return this.#updating === key;
    }

    /** Calls the update function of a key. */
    update(key, update, document) {
        this.#updating = key;
        try {
            return update(document);
        } finally {
            this.#updating = undefined;
        }
    }

    /** Runs `work` with the locks of `keys`. */
    hold(keys, work) {
        const missing = new Set(keys.filter((key) => key !== this.#updating));
        // Everybody takes locks in the same order, so that nobody waits in a circle.
        return this.#holdSorted([...missing].sort(), work);
    }

    async #holdSorted([key, ...others], work) {
        if (key === undefined) {
            return work();
        }
        await this.#queue.getLock(key);
        try {
            return await this.#holdSorted(others, work);
        } finally {
            await this.#queue.releaseLock(key);
        }
    }
}

module.exports = { KeyLocks };
