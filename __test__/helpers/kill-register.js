'use strict';

const HISTORY_LENGTH = 12;

/**
 * Checks that the history of one key is linearizable: that every step can have happened at one moment
 * between its beginning and its end, each on the state that the one before left. It keeps every state that
 * is possible so far, together with the steps that have happened in it but not ended yet.
 *
 * A step is `{ type, id, check?, outcome, rev?, was? }`, or a read: `{ type: 'read', id, found }`. A state is
 * null or `{ id, rev, was }`.
 */
class Register {
    #key;
    #possible = [{ state: null, done: [] }];
    #pending = [];
    #history = [];

    constructor(key) {
        this.#key = key;
    }

    begin(step) {
        this.#pending.push(step);
    }

    /** The step has happened by now. Answers what is wrong, or null. */
    finish(step) {
        const next = new Possibilities();
        for (const { state, done } of this.#reachable(step)) {
            if (done.includes(step)) {
                next.add(state, without(done, step));
            } else {
                const after = apply(step, state);
                if (after !== undefined) {
                    next.add(after, done);
                }
            }
        }
        this.#pending = without(this.#pending, step);
        this.#remember(describeStep(step));
        if (next.list.length > 0) {
            this.#possible = next.list;
            return null;
        }
        const problem = this.#describe(step);
        if (step.outcome !== 'conflict') {
            // Go on with what was said, so that one fault is one problem.
            this.#possible = [{ state: stateSaid(step), done: [] }];
        }
        return problem;
    }

    /** Says whether a step of a dead process has happened: 'yes', 'no' or 'maybe'. From now on it can't. */
    settle(step) {
        const happened = this.#possible.map(({ done }) => done.includes(step));
        const next = new Possibilities();
        for (const { state, done } of this.#possible) {
            next.add(state, without(done, step));
        }
        this.#possible = next.list;
        this.#pending = without(this.#pending, step);
        if (happened.every(Boolean)) {
            return 'yes';
        }
        return happened.some(Boolean) ? 'maybe' : 'no';
    }

    /** The different states that are possible now. */
    states() {
        return [...new Map(this.#possible.map(({ state }) => [textOf(state), state])).values()];
    }

    /** What may be once any of the pending steps have happened, in any order, and `last` not yet. */
    #reachable(last) {
        const reached = new Possibilities();
        for (const { state, done } of this.#possible) {
            reached.add(state, done);
        }
        for (let i = 0; i < reached.list.length; i += 1) {
            const { state, done } = reached.list[i];
            for (const step of done.includes(last) ? [] : this.#pending) {
                const after = step === last || done.includes(step) ? undefined : apply(step, state);
                if (after !== undefined) {
                    reached.add(after, [...done, step]);
                }
            }
        }
        return reached.list;
    }

    #remember(text) {
        this.#history.push(text);
        if (this.#history.length > HISTORY_LENGTH) {
            this.#history.shift();
        }
    }

    #describe(step) {
        const states = this.states().map(textOf).join(' or ');
        const pending = this.#pending.map(describeStep).join(', ') || 'nothing';
        const history = this.#history.join(', ');
        return `${ this.#key }: ${ describeStep(step) } does not fit ${ states }. Pending: ${ pending }. `
            + `Ended before: ${ history }`;
    }
}

/** States with the steps done in them, without duplicates. */
class Possibilities {
    list = [];
    #texts = new Set();

    add(state, done) {
        const text = `${ textOf(state) } ${ done.map(({ id }) => id).sort().join(' ') }`;
        if (!this.#texts.has(text)) {
            this.#texts.add(text);
            this.list.push({ state, done });
        }
    }
}

/** The state after `step`, or undefined if it cannot have had its outcome on this state. */
function apply(step, state) {
    if (step.type === 'read') {
        return textOf(step.found) === textOf(state) ? state : undefined;
    }
    if (step.outcome === 'conflict') {
        return holds(step, state) ? undefined : state;
    }
    if (!holds(step, state)) {
        return undefined;
    }
    if (step.type === 'delete') {
        return null;
    }
    const rev = state === null ? 0 : state.rev + 1;
    const was = step.type === 'update' ? state?.id ?? null : undefined;
    const fits = step.outcome === 'unknown' || (rev === step.rev && was === step.was);
    return fits ? { id: step.id, rev, was } : undefined;
}

function holds({ type, check }, state) {
    switch (type) {
        case 'insert':
            return state === null;
        case 'delete':
            return check === undefined || state?.rev === check;
        default:
            return check === undefined || state === null || state.rev === check;
    }
}

function stateSaid({ type, found, id, rev, was }) {
    if (type === 'read') {
        return found;
    }
    return type === 'delete' ? null : { id, rev, was };
}

function textOf(state) {
    if (state === null) {
        return 'nothing';
    }
    const was = state.was === undefined ? '' : ` after ${ state.was }`;
    return `${ state.id }@${ state.rev }${ was }`;
}

function describeStep(step) {
    if (step.type === 'read') {
        return `${ step.id } saw ${ textOf(step.found) }`;
    }
    const check = step.check === undefined ? '' : ` if @${ step.check }`;
    const rev = step.rev === undefined ? '' : ` to @${ step.rev }`;
    return `${ step.type } ${ step.id }${ check }${ rev } ${ step.outcome }`;
}

function without(list, item) {
    return list.filter((other) => other !== item);
}

module.exports = { Register };
