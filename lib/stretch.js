'use strict';

/** How long a loop may keep the event loop to itself. */
const MAX_BLOCK_MS = 2;

/** The time since a loop gave way to the event loop last. */
class Stretch {
    #began = performance.now();

    /** Whether it is time to give way. */
    isOver() {
        return performance.now() - this.#began > MAX_BLOCK_MS;
    }

    /** Lets the event loop have its turn. Then the next stretch begins. */
    async giveWay() {
        await new Promise(setImmediate);
        this.#began = performance.now();
    }
}

module.exports = { Stretch };
