'use strict';

const { PAIR, documentOf, writesOf } = require('./kill-plan.js');
const { Register } = require('./kill-register.js');

/**
 * Knows what a datastore may hold, from what its processes say: each names an operation before it begins and
 * again, with the answer, once it is acknowledged. The clock of the events is common to all processes.
 *
 *     { at, type: 'begin', process, operation }    see Planner
 *     { at, type: 'ack', id, result }              result: { revs, was? } or { conflict: key }
 *     { at, type: 'look', look }                   somebody begins to open the directory
 *     { at, type: 'seen', look, documents }        and has found this
 *     { at, type: 'end', process }                 the process is gone, in whatever way
 */
class Oracle {
    #registers;
    /** By process: the steps of which we do not know whether they happened. */
    #unsure = new Map();
    #running = new Map();
    #looks = new Map();
    /** When each process ended of which unsure steps are left. */
    #ended = new Map();
    wrong = [];
    acknowledged = 0;

    constructor(keys) {
        this.#registers = new Map(keys.map((key) => [key, new Register(key)]));
    }

    /** Takes what happened while processes lived; at the end of `events` none does. */
    take(events) {
        // What came of a step decides when it can have happened, so it is known from its beginning on.
        const results = new Map();
        for (const event of events) {
            if (event.type === 'ack') {
                results.set(event.id, event.result);
            } else if (event.type === 'seen') {
                results.set(event.look, event.documents);
            }
        }
        const inOrder = [...events].sort((a, b) => a.at - b.at || ORDER[a.type] - ORDER[b.type]);
        for (const event of inOrder) {
            this[event.type](event, results);
        }
    }

    /** The documents by key: the only ones possible, once somebody looked and no process lives. */
    documents() {
        const documents = new Map();
        for (const [key, register] of this.#registers) {
            const states = register.states();
            if (states.length !== 1) {
                throw new Error(`${ key } has ${ states.length } possible states`);
            }
            if (states[0] !== null) {
                const { id, rev, was } = states[0];
                const update = was === undefined ? {} : { was };
                documents.set(key, { _rev: rev, ...documentOf(id), ...update });
            }
        }
        return documents;
    }

    begin({ process, operation }, results) {
        const result = results.get(operation.id);
        const steps = stepsOf(operation, result);
        for (const step of steps) {
            this.#registers.get(step.key).begin(step);
        }
        if (result !== undefined) {
            this.#running.set(operation.id, steps);
        } else {
            this.#unsure.set(process, [...this.#unsure.get(process) ?? [], { operation, steps }]);
        }
    }

    ack({ id }) {
        this.acknowledged += 1;
        for (const step of this.#running.get(id)) {
            this.#finish(step);
        }
        this.#running.delete(id);
    }

    end({ at, process }) {
        this.#ended.set(process, at);
    }

    look({ at, look }, results) {
        const documents = results.get(look);
        const steps = [];
        for (const [key, register] of this.#registers) {
            const document = documents.get(key);
            const found = document === undefined ? null : this.#stateOf(key, document);
            const step = { key, type: 'read', id: look, found };
            register.begin(step);
            steps.push(step);
        }
        this.#looks.set(look, { at, steps });
    }

    seen({ look, documents }) {
        const { at, steps } = this.#looks.get(look);
        this.#looks.delete(look);
        for (const [key, document] of documents) {
            if (!this.#registers.has(key)) {
                this.wrong.push(`${ key } was never written: ${ shorten(document) }`);
            }
        }
        this.#checkPair(documents);
        steps.forEach((step) => this.#finish(step));
        // What a dead process had begun happened before somebody opened the directory, or never will.
        for (const process of [...this.#ended.keys()].filter((name) => this.#ended.get(name) < at)) {
            this.#settle(process);
        }
    }

    #finish(step) {
        const problem = this.#registers.get(step.key).finish(step);
        if (problem !== null) {
            this.wrong.push(problem);
        }
    }

    #stateOf(key, { _rev, was, ...rest }) {
        if (JSON.stringify(rest) !== JSON.stringify(documentOf(String(rest.id)))) {
            this.wrong.push(`${ key } is not whole: ${ shorten(rest) }`);
        }
        return { id: rest.id, rev: _rev, was };
    }

    #checkPair(documents) {
        const [a, b] = PAIR.map((key) => documents.get(key) ?? { id: null });
        if (a.id !== b.id) {
            this.wrong.push(`half a batch: ${ PAIR[0] } is of ${ a.id } and ${ PAIR[1] } of ${ b.id }`);
        }
    }

    #settle(process) {
        for (const { operation, steps } of this.#unsure.get(process) ?? []) {
            const outcomes = steps.map((step) => this.#registers.get(step.key).settle(step));
            if (outcomes.includes('yes') && outcomes.includes('no')) {
                const keys = steps.map(({ key }, i) => `${ key }: ${ outcomes[i] }`);
                this.wrong.push(`half of batch ${ operation.id } happened: ${ keys.join(', ') }`);
            }
        }
        this.#unsure.delete(process);
        this.#ended.delete(process);
    }
}

/** At one instant, what begins comes first and what ends last: they overlap. */
const ORDER = { begin: 0, look: 0, ack: 1, seen: 1, end: 2 };

/** One step for each key that the operation touches, as far as its outcome says anything about that key. */
function stepsOf(operation, result) {
    const { id } = operation;
    const steps = writesOf(operation).map((write, i) => {
        const rev = result?.revs?.[i];
        return { key: write.key, type: write.type, id, check: write.rev, rev, was: result?.was };
    });
    if (result?.conflict === undefined) {
        return steps.map((step) => ({ ...step, outcome: result === undefined ? 'unknown' : 'done' }));
    }
    // An update may fail because of anything that came between its read and its write.
    const failed = steps.filter(({ key, type }) => key === result.conflict && type !== 'update');
    return failed.map((step) => ({ ...step, outcome: 'conflict' }));
}

function shorten(document) {
    return JSON.stringify(document).slice(0, 100);
}

module.exports = { Oracle };
