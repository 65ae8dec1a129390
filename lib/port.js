'use strict';

const { setImmediate } = require('node:timers');
const native = require('./native.cjs');
const { errorFromText, errorFromThrown } = require('./errors.js');

const REJECTED = 1;
/** Behind it come the writes of a block that failed. */
const FIRST_COMMIT = 2;

/**
 * The promises of one environment that native code settles. Finished operations pile up in native
 * code; one callback drains them all, once in a turn of the event loop: Node goes on calling back without
 * a turn for as long as there is something new.
 */
class Port {
    #pending = new Map();
    #lastId = 0;
    #port = native.openPort(() => setImmediate(() => this.#drain()));

    /** What native.createStore needs. */
    get raw() {
        return this.#port;
    }

    /** Calls `start(id)`. The promise settles with the answer. */
    submit(start) {
        return new Promise((resolve, reject) => {
            this.start({ resolve, reject }, start);
        });
    }

    /**
     * Calls `start(id)`. `waiting` gets the answer: `resolve(text)`; or `settle(pairs, at)` and, for each
     * failure, `fail(index, text)`. `reject(error)` if there is none.
     */
    start(waiting, start) {
        this.#lastId += 1;
        const id = this.#lastId;
        this.#pending.set(id, waiting);
        try {
            start(id);
        } catch (error) {
            this.#pending.delete(id);
            waiting.reject(errorFromThrown(error));
        }
    }

    /** The promise that native code gave this number, which is negative. */
    promise(id) {
        return new Promise((resolve, reject) => {
            this.#pending.set(id, { resolve, reject });
        });
    }

    /** Calls `start(id)`. What it answers if that is not null, otherwise a promise. */
    ask(start) {
        this.#lastId += 1;
        const id = this.#lastId;
        let answer;
        try {
            answer = start(id);
        } catch (error) {
            throw errorFromThrown(error);
        }
        return answer === null ? this.promise(id) : answer;
    }

    #take(id) {
        const waiting = this.#pending.get(id);
        this.#pending.delete(id);
        return waiting;
    }

    #drain() {
        const done = native.drain(this.#port);
        const commits = done[0];
        const blocks = new Map();
        for (let at = 0; at < commits.length; at += 2 + 2 * commits[at + 1]) {
            const id = commits[at];
            const block = this.#take(id);
            blocks.set(id, block);
            block.settle(commits, at + 2);
        }
        for (let i = 1; i < done.length; i += 3) {
            this.#settle(done[i], done[i + 1], done[i + 2], blocks);
        }
    }

    #settle(id, tag, answer, blocks) {
        if (tag >= FIRST_COMMIT) {
            blocks.get(id).fail(tag - FIRST_COMMIT, answer);
        } else if (tag === REJECTED) {
            this.#take(id).reject(errorFromText(answer));
        } else {
            this.#take(id).resolve(answer);
        }
    }
}

let port;

/** The port of this environment. */
function openPort() {
    port ??= new Port();
    return port;
}

module.exports = { openPort };
