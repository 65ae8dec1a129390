'use strict';

// Checks histories by the algorithm of Wing and Gong, with the memory of Lowe: each operation takes place at
// one moment between its call and its return, and the search tries the orders that real time allows.
//
// An operation is `{ call, return, outcome, ... }`, its times from one clock. One with the outcome 'unknown'
// never returned: it may have happened at any time after its call, or not at all.

const BITS = 16;

/** A list of calls and returns in the order of time, from which an operation can be lifted and put back. */
class Timeline {
    #head = { next: null };

    constructor(operations) {
        const entries = [];
        for (const [index, operation] of operations.entries()) {
            const call = { operation, index, time: operation.call, isCall: true, back: null };
            entries.push(call);
            if (isKnown(operation)) {
                call.back = { operation, index, time: operation.return, isCall: false, call };
                entries.push(call.back);
            }
        }
        // What happened at the same time may have happened in either order.
        entries.sort((a, b) => a.time - b.time || Number(b.isCall) - Number(a.isCall));
        let last = this.#head;
        for (const entry of entries) {
            last.next = entry;
            entry.previous = last;
            entry.next = null;
            last = entry;
        }
    }

    get first() {
        return this.#head.next;
    }

    /** When the first of the operations that are left returned: those called by then may be next. */
    get firstReturn() {
        let entry = this.#head.next;
        while (entry.isCall) {
            entry = entry.next;
        }
        return entry.time;
    }

    lift(entry) {
        unlink(entry);
        if (entry.back !== null) {
            unlink(entry.back);
        }
    }

    /** Undoes the latest `lift`. */
    putBack(entry) {
        if (entry.back !== null) {
            relink(entry.back);
        }
        relink(entry);
    }
}

function unlink(entry) {
    entry.previous.next = entry.next;
    if (entry.next !== null) {
        entry.next.previous = entry.previous;
    }
}

function relink(entry) {
    entry.previous.next = entry;
    if (entry.next !== null) {
        entry.next.previous = entry;
    }
}

/** The combinations of operations done and state reached that were tried already. */
class Tried {
    #done;
    #combinations = new Set();

    constructor(operations) {
        this.#done = new Uint16Array(Math.ceil(operations / BITS));
    }

    get size() {
        return this.#combinations.size;
    }

    /** Marks an operation as done, unless that has been tried from the same place. */
    add(index, state) {
        this.#flip(index);
        const combination = String.fromCharCode(...this.#done) + state.id;
        if (this.#combinations.has(combination)) {
            this.#flip(index);
            return false;
        }
        this.#combinations.add(combination);
        return true;
    }

    remove(index) {
        this.#flip(index);
    }

    isDone(index) {
        return (this.#done[Math.floor(index / BITS)] & (1 << (index % BITS))) !== 0;
    }

    #flip(index) {
        this.#done[Math.floor(index / BITS)] ^= 1 << (index % BITS);
    }
}

/** Nobody can tell operations of one likeness apart: of those that may be next, the first to return goes. */
class Twins {
    #groups = new Map();
    #groupOf;

    constructor(operations, model) {
        this.#groupOf = operations.map((operation, index) => {
            const likeness = isKnown(operation) ? model.likeness(operation) : undefined;
            if (likeness === undefined) {
                return [];
            }
            if (!this.#groups.has(likeness)) {
                this.#groups.set(likeness, []);
            }
            const group = this.#groups.get(likeness);
            group.push({ index, call: operation.call, return: operation.return });
            return group;
        });
        this.#groups.forEach((group) => group.sort((a, b) => a.return - b.return));
    }

    /** Whether a twin that is left has to go before. */
    isBehind({ index }, timeline, tried) {
        const group = this.#groupOf[index];
        if (group.length < 2) {
            return false;
        }
        const limit = timeline.firstReturn;
        const next = group.find((twin) => !tried.isDone(twin.index) && twin.call <= limit);
        return next.index !== index;
    }
}

/** Where the search got stuck latest: which operation had no place before it returned, in which states. */
class Wall {
    culprit = null;
    states = new Map();

    hit({ operation }, state) {
        if (this.culprit === null || operation.return > this.culprit.return) {
            this.culprit = operation;
            this.states.clear();
        }
        if (operation === this.culprit) {
            this.states.set(state.id, state);
        }
    }
}

/** Looks for an order in which the model explains every operation. */
function search(operations, model) {
    const timeline = new Timeline(operations);
    const tried = new Tried(operations.length);
    const twins = new Twins(operations, model);
    const wall = new Wall();
    const path = [];
    let missing = operations.filter(isKnown).length;
    let state = model.initial;
    let entry = timeline.first;
    while (missing > 0) {
        if (entry.isCall) {
            const after = model.step(state, entry.operation);
            const isIdle = after === state && !isKnown(entry.operation);
            const isChosen = after !== undefined && !isIdle && !twins.isBehind(entry, timeline, tried)
                && tried.add(entry.index, after);
            if (!isChosen) {
                entry = entry.next;
                continue;
            }
            path.push({ entry, before: state });
            timeline.lift(entry);
            missing -= isKnown(entry.operation) ? 1 : 0;
            state = after;
            entry = timeline.first;
            continue;
        }
        wall.hit(entry, state);
        // The path leads nowhere. Its last step is undone, with reads, which never were in anybody's way.
        let undone;
        do {
            if (path.length === 0) {
                return { ok: false, tried: tried.size, wall };
            }
            undone = path.pop();
            timeline.putBack(undone.entry);
            tried.remove(undone.entry.index);
            missing += isKnown(undone.entry.operation) ? 1 : 0;
        } while (isRead(undone.entry.operation));
        state = undone.before;
        entry = undone.entry.next;
    }
    return { ok: true, tried: tried.size };
}

function isKnown(operation) {
    return operation.outcome !== 'unknown';
}

/** Whether an operation cannot have changed anything, wherever it took place. */
function isRead({ writes, outcome }) {
    return writes === undefined || outcome === 'conflict';
}

/**
 * Checks a history.
 *
 * @param {object[]} history
 * @param {Function} Model made from the history: it has the state `initial`, each state has its own `id`;
 *     `step(state, operation)` answers the state behind an operation, or undefined where it cannot take
 *     place; operations of one `likeness`, a text, can stand for each other
 * @returns {{ ok: boolean, tried: number, culprit?: object, prefix?: object[], states?: object[] }} where
 *     there is no order: the shortest beginning without one, the operation that ends it, the states before
 */
function checkLinearizable(history, Model) {
    // An operation that never returned and wrote nothing says nothing.
    const operations = history.filter((operation) => isKnown(operation) || operation.writes !== undefined);
    operations.sort((a, b) => a.call - b.call);
    const { ok, tried, wall } = search(operations, new Model(operations));
    if (ok) {
        return { ok, tried };
    }
    const { culprit, states } = wall;
    const prefix = operations.filter((operation) => operation.call <= culprit.return);
    return { ok, tried, culprit, prefix, states: [...states.values()] };
}

const SHOWN_STATES = 4;
const SHOWN_OPERATIONS = 40;

/** What is wrong with a history, as text: the operation that does not fit, and what went on around it. */
function describeFailure({ culprit, prefix, states }, show) {
    const others = prefix.filter((operation) => operation !== culprit);
    const around = others.filter((operation) => !isKnown(operation) || operation.return >= culprit.call);
    const before = others.filter((operation) => isKnown(operation) && operation.return < culprit.call);
    const latest = before.sort((a, b) => a.return - b.return).slice(-SHOWN_OPERATIONS);
    const window = [...latest, ...around].sort((a, b) => a.call - b.call).slice(-SHOWN_OPERATIONS);
    return [
        `not linearizable; of ${ prefix.length } operations the last to return has no place:`,
        `    ${ show(culprit) }`,
        'before it the documents can only have been',
        ...states.slice(0, SHOWN_STATES).map((state) => `    ${ state.id || '(none)' }`),
        `after these operations (the last ${ window.length }):`,
        ...window.map((operation) => `    ${ show(operation) }`),
    ].join('\n');
}

module.exports = { checkLinearizable, describeFailure };
