'use strict';

const native = require('../native.cjs');
const { openPort } = require('../port.js');

/** Kinds of changes in what native code answers. */
const SET = 0;
const DELETED = 1;

/** The changes of a store, as an async iterator. What was not asked for yet waits in native code. */
class Watch {
    #native;
    #open;
    #onEnd;
    #changes = [];
    #at = 0;
    #turn = Promise.resolve();
    #isOver = false;

    /**
     * @param {object} handle
     * @param {string} prefix
     * @param {(watch: Watch) => void} onEnd also keeps the store, which must not be collected before this
     */
    constructor(handle, prefix, onEnd) {
        this.#native = native.newWatch(handle);
        this.#onEnd = onEnd;
        this.#open = Promise.resolve(openPort().ask((id) => native.openWatch(this.#native, id, prefix)));
        // Whoever asks for a change is told.
        this.#open.catch(() => {});
    }

    [Symbol.asyncIterator]() {
        return this;
    }

    /** Resolves with the next change. */
    next() {
        const next = this.#turn.then(() => this.#next());
        this.#turn = next.then(() => undefined, () => this.stop());
        return next;
    }

    async #next() {
        try {
            await this.#fetch();
        } catch (error) {
            // A store that is closed ends its watches.
            if (!this.#isOver) {
                throw error;
            }
        }
        if (this.#isOver || this.#changes.length === 0) {
            this.stop();
            return { done: true, value: undefined };
        }
        const [kind, key, value] = this.#changes.slice(this.#at, this.#at + 3);
        this.#at += 3;
        return { done: false, value: change(kind, key, value) };
    }

    async #fetch() {
        await this.#open;
        if (this.#at === this.#changes.length && !this.#isOver) {
            this.#changes = await openPort().submit((id) => native.nextChanges(this.#native, id));
            this.#at = 0;
        }
    }

    /** Ends the watch, also while a change is waited for. */
    async return() {
        this.stop();
        await this.#turn;
        return { done: true, value: undefined };
    }

    stop() {
        if (!this.#isOver) {
            this.#isOver = true;
            native.stopWatch(this.#native);
            this.#onEnd(this);
        }
    }
}

function change(kind, key, value) {
    if (kind === SET) {
        return { type: 'set', key, value };
    }
    return kind === DELETED ? { type: 'del', key } : { type: 'resync' };
}

module.exports = { Watch };
