'use strict';

const { shown } = require('./outcome.js');

/** How many differences a summary shows. The counts go on. */
const MOST_SHOWN = 20;

const ZERO = { compared: 0, different: 0, ignored: 0, unchecked: 0 };

/**
 * Counts what was compared, and tells about differences. What the application's functions throw is a
 * warning: nobody waits here who could catch it.
 */
class Report {
    #onDifference;
    #ignore;
    #methods = new Map();
    #first = [];
    #warned = false;

    constructor({ onDifference, ignore }) {
        this.#onDifference = onDifference;
        this.#ignore = ignore;
    }

    /** Both stores did the same. */
    same(method) {
        this.#count(method, 'compared');
    }

    /** The stores did something else, and nobody will know whether that was right. */
    unchecked(method) {
        this.#count(method, 'unchecked');
    }

    /** The stores did not do the same. */
    different({ method, args, old, other }) {
        this.#count(method, 'compared');
        const difference = { method, args, old: shown(old), new: shown(other) };
        if (this.#ignore !== undefined && this.#guarded(this.#ignore, difference) === true) {
            this.#count(method, 'ignored');
            return;
        }
        this.#count(method, 'different');
        if (this.#first.length < MOST_SHOWN) {
            this.#first.push(difference);
        }
        if (this.#onDifference !== undefined) {
            this.#guarded(this.#onDifference, difference);
        }
    }

    /** The counts, in all and by method, and the first differences. */
    summary() {
        const all = { ...ZERO };
        for (const counts of this.#methods.values()) {
            Object.keys(all).forEach((name) => {
                all[name] += counts[name];
            });
        }
        const methods = [...this.#methods].map(([method, counts]) => [method, { ...counts }]);
        return { ...all, methods: Object.fromEntries(methods), first: [...this.#first] };
    }

    #count(method, what) {
        if (!this.#methods.has(method)) {
            this.#methods.set(method, { ...ZERO });
        }
        this.#methods.get(method)[what] += 1;
    }

    #guarded(callback, difference) {
        try {
            const answer = callback(difference);
            if (typeof answer?.then === 'function') {
                answer.then(undefined, (error) => this.#warn(error));
            }
            return answer;
        } catch (error) {
            this.#warn(error);
            return undefined;
        }
    }

    #warn(error) {
        if (!this.#warned) {
            this.#warned = true;
            process.emitWarning(`A callback of shadow() threw: ${ error?.stack ?? error }`, {
                type: 'DatastoreWarning',
                code: 'KIXX_SHADOW_CALLBACK',
            });
        }
    }
}

module.exports = { Report };
