'use strict';

const native = require('../native.cjs');
const { errorFromText, errorFromThrown } = require('../errors.js');
const { openPort } = require('../port.js');

/** So many writes are submitted together at most. */
const MAX_WRITES = 64;

/** Versions that stand for a failure, and for what was left undone. */
const FAILED = -2;
const UNDONE = -1;

/** Writes that wait for a disk. Those of one synchronous step are submitted together. */
class Writes {
    #handle;
    #block = new Block();
    #submitSoon = () => this.submit();
    #underWay = new Set();

    constructor(handle) {
        this.#handle = handle;
    }

    /** The promise of the write that native code queued just now. */
    add() {
        const block = this.#block;
        if (block.length === 0) {
            queueMicrotask(this.#submitSoon);
        }
        const promise = block.add();
        if (block.length === MAX_WRITES) {
            this.submit();
        }
        return promise;
    }

    /** Submits what waits for the end of this synchronous step. */
    submit() {
        const block = this.#block;
        if (block.length > 0) {
            this.#block = new Block();
            this.#underWay.add(block);
            block.onEnd = () => this.#underWay.delete(block);
            openPort().start(block, (id) => native.submitWrites(this.#handle, id));
        }
    }

    /** Resolves once all that was submitted is over. */
    async settled() {
        await Promise.all(Array.from(this.#underWay, (block) => new Promise((resolve) => {
            const forget = block.onEnd;
            block.onEnd = () => {
                forget();
                resolve();
            };
        })));
    }
}

/** Writes that are submitted together, and their promises. */
class Block {
    #resolve = [];
    #reject = [];
    onEnd;

    get length() {
        return this.#resolve.length;
    }

    add() {
        return new Promise((resolve, reject) => {
            this.#resolve.push(resolve);
            this.#reject.push(reject);
        });
    }

    /** Settles all that did not fail: from `at` on there are pairs of version and sequence number. */
    settle(pairs, at) {
        this.onEnd();
        for (let i = 0; i < this.length; i += 1) {
            const version = pairs[at + 2 * i];
            if (version !== FAILED) {
                this.#resolve[i](version !== UNDONE);
            }
        }
    }

    /** The write `index` failed. */
    fail(index, text) {
        this.#reject[index](errorFromText(text));
    }

    /** Nothing of it was submitted. */
    reject(error) {
        this.onEnd();
        this.#reject.forEach((reject) => reject(errorFromThrown(error)));
    }
}

module.exports = { Writes };
