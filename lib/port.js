'use strict';

const native = require('./native.cjs');
const { errorFromText, errorFromThrown } = require('./errors.js');

const RESOLVED = 0;
const REJECTED = 1;

/**
 * The promises of one environment that native code settles. Finished operations pile up in native
 * code; one callback drains them all.
 */
class Port {
    #pending = new Map();
    #lastId = 0;
    #port = native.openPort(() => this.#drain());

    /** What native.createStore needs. */
    get raw() {
        return this.#port;
    }

    /**
     * Calls `start(id)`. The promise settles with the text of the answer, or with `{ version, sequence }`
     * for the write of one document.
     */
    submit(start) {
        return new Promise((resolve, reject) => {
            this.#lastId += 1;
            const id = this.#lastId;
            this.#pending.set(id, { resolve, reject });
            try {
                start(id);
            } catch (error) {
                this.#pending.delete(id);
                reject(errorFromThrown(error));
            }
        });
    }

    #take(id) {
        const promise = this.#pending.get(id);
        this.#pending.delete(id);
        return promise;
    }

    #drain() {
        const done = native.drain(this.#port);
        const settled = done[0];
        for (let i = 0; i < settled.length; i += 3) {
            this.#take(settled[i])?.resolve({ version: settled[i + 1], sequence: settled[i + 2] });
        }
        for (let i = 1; i < done.length; i += 3) {
            this.#settle(done[i], done[i + 1], done[i + 2]);
        }
    }

    #settle(id, tag, text) {
        const promise = this.#take(id);
        if (promise === undefined) {
            return;
        }
        if (tag === RESOLVED) {
            promise.resolve(text);
        } else {
            promise.reject(tag === REJECTED ? errorFromText(text) : text);
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
