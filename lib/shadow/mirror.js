'use strict';

const { DatastoreError } = require('../errors.js');
const { isError, isRefusal, isSame, outcomeOf } = require('./outcome.js');

/** How many calls may be under way in the new store at once. */
const WAVE_MAX = 256;

/** The new store is too far behind, and is left alone from now on. */
class BehindError extends DatastoreError {
    static CODE = 'BEHIND';
}

Object.defineProperty(BehindError.prototype, 'name', { value: 'BehindError' });

/**
 * A call of the old store that the new one has to repeat.
 *
 * @typedef {object} Call
 * @property {string} method
 * @property {unknown[]} args
 * @property {string[] | null} keys the documents that it is about; null for all of them
 * @property {() => unknown} repeat makes the same call of the new store
 * @property {(isClear: boolean) => void} [finish] for a read that compares by itself what `repeat` began at
 *   each place; where that is not clear, a difference says nothing
 * @property {() => void} [leaveOut] for such a read: nothing will be compared
 */

/**
 * Repeats calls in the new store, and compares the outcomes.
 *
 * Writes wait in a queue from the moment that the old store has done them, so they come in the order in which
 * they happened there; reads wait in the same queue from the moment that they are asked for. A read sees the
 * state before, after or amid the writes that overlap with it, so it is made again after each of these, until
 * it gives what the old store gave.
 */
class Mirror {
    #report;
    #maxPending;
    #queue = [];
    #running = [];
    #pumping = false;
    #behind = false;
    // Reads whose overlapping writes may still come.
    #openReads = new Set();
    // Reads that were made, and did not give the same yet.
    #undecided = new Set();
    #writing = new Set();
    #unsettled = new Set();

    constructor(report, maxPending) {
        this.#report = report;
        this.#maxPending = maxPending;
    }

    /** Whether the new store still gets everything. */
    get mirroring() {
        return !this.#behind;
    }

    /** Resolves once everything is compared that has begun so far. */
    async settled() {
        await Promise.all([...this.#unsettled].map((call) => call.settled));
    }

    /** A write begins in the old store. */
    beginWrite(call) {
        const write = this.#begin(call, true);
        this.#writing.add(write);
        for (const read of this.#openReads) {
            this.#overlap(read, write);
        }
        return write;
    }

    /** The old store has done a write, or not. */
    endWrite(write, outcome) {
        write.old = outcome;
        this.#writing.delete(write);
        // What failed for other reasons says nothing about the new store.
        const isJudged = !isError(outcome) || isRefusal(outcome.error);
        if (this.#behind || !isJudged) {
            this.#leaveOut(write);
        } else if (this.#pending >= this.#maxPending) {
            this.#giveUp(write);
        } else {
            this.#enqueue(write);
        }
    }

    /** Takes back a write of which nobody knows what the new store should do. */
    dropWrite(write) {
        this.#writing.delete(write);
        this.#leaveOut(write);
    }

    /** A read begins in the old store. */
    beginRead(call) {
        const read = this.#begin(call, false);
        read.overlaps = new Set();
        read.overlapped = 0;
        read.answer = new Promise((resolve) => {
            read.end = resolve;
        });
        // Reads can be done without, writes cannot.
        if (this.#behind || this.#pending >= this.#maxPending / 2) {
            this.#leaveOut(read);
            return read;
        }
        this.#openReads.add(read);
        for (const write of this.#writing) {
            this.#overlap(read, write);
        }
        this.#enqueue(read);
        return read;
    }

    /** The old store has answered a read. */
    endRead(read, outcome) {
        read.old = outcome;
        this.#openReads.delete(read);
        read.end();
    }

    get #pending() {
        return this.#queue.length + this.#running.length + this.#undecided.size;
    }

    #begin(call, isWrite) {
        const begun = { ...call, isWrite };
        begun.settled = new Promise((resolve) => {
            begun.settle = resolve;
        });
        this.#unsettled.add(begun);
        return begun;
    }

    #overlap(read, write) {
        if (concern(read.keys, write.keys)) {
            read.overlaps.add(write);
            read.overlapped += 1;
        }
    }

    #enqueue(call) {
        this.#queue.push(call);
        if (!this.#pumping) {
            this.#pumping = true;
            // The answers of the old store go first.
            setImmediate(() => this.#pump());
        }
    }

    async #pump() {
        while (this.#queue.length > 0) {
            const wave = this.#queue.splice(0, this.#waveLength());
            this.#running = wave;
            await Promise.all(wave.map((call) => this.#attempt(call)));
            wave.forEach((call) => (call.isWrite ? this.#compare(call) : this.#sort(call)));
            this.#running = [];
            await this.#pass(wave);
        }
        this.#pumping = false;
    }

    /** Reads, or writes of different documents, which may be under way together. */
    #waveLength() {
        const { isWrite } = this.#queue[0];
        if (isWrite && this.#undecided.size > 0) {
            return 1;
        }
        const keys = new Set();
        let length = 0;
        for (const call of this.#queue) {
            const fits = call.isWrite === isWrite && length < WAVE_MAX
                && (!isWrite || call.keys?.every((key) => !keys.has(key)));
            if (!fits) {
                break;
            }
            call.keys?.forEach((key) => keys.add(key));
            length += 1;
        }
        return Math.max(length, 1);
    }

    async #attempt(call) {
        await call.answer;
        call.other = await outcomeOf(call.repeat);
    }

    #sort(read) {
        if (this.#isOver(read)) {
            this.#conclude(read);
        } else {
            this.#undecided.add(read);
        }
    }

    /** Whether a read needs no other attempt. */
    #isOver(read) {
        const same = read.finish === undefined && isSame(read.old, read.other);
        return same || read.overlaps.size === 0 || this.#behind;
    }

    /** Writes have come to the new store: reads that overlap with them are made again. */
    async #pass(wave) {
        const writes = wave.filter((call) => call.isWrite);
        const again = [...this.#undecided].filter((read) => removeAll(read.overlaps, writes));
        for (const read of again) {
            await this.#attempt(read);
            if (this.#isOver(read) && this.#undecided.delete(read)) {
                this.#conclude(read);
            }
        }
    }

    /** A write will never come to the new store: no read has to wait for it. */
    #forget(write) {
        [...this.#queue, ...this.#running].forEach((call) => call.overlaps?.delete(write));
        for (const read of this.#undecided) {
            read.overlaps.delete(write);
            if (this.#isOver(read)) {
                this.#undecided.delete(read);
                this.#conclude(read);
            }
        }
    }

    #conclude(read) {
        if (!isClear(read) && read.finish === undefined && !isSame(read.old, read.other)) {
            this.#leaveOut(read);
        } else {
            this.#compare(read);
        }
    }

    #compare(call) {
        if (!this.#unsettled.has(call)) {
            return;
        }
        if (this.#behind) {
            this.#leaveOut(call);
            return;
        }
        if (call.finish !== undefined) {
            call.finish(isClear(call));
        } else if (isSame(call.old, call.other)) {
            this.#report.same(call.method);
        } else {
            this.#report.different(call);
        }
        this.#settle(call);
    }

    #leaveOut(call) {
        if (!this.#unsettled.has(call)) {
            return;
        }
        if (call.leaveOut === undefined) {
            this.#report.unchecked(call.method);
        } else {
            call.leaveOut();
        }
        if (call.isWrite) {
            this.#forget(call);
        }
        this.#settle(call);
    }

    #settle(call) {
        this.#unsettled.delete(call);
        call.settle();
    }

    /** A write that is missing would make everything after it different. */
    #giveUp(write) {
        const message = `The new store is ${ this.#pending } calls behind, and gets no more of them. `
            + 'Begin anew with a copy of the old store, or allow more with maxPending';
        this.#report.different({ ...write, other: { error: new BehindError(message) } });
        this.#behind = true;
        this.#settle(write);
        // What never answers must not keep anybody waiting.
        const left = [...this.#running, ...this.#queue.splice(0), ...this.#undecided];
        this.#undecided.clear();
        left.forEach((call) => this.#leaveOut(call));
    }
}

function concern(some, others) {
    return some === null || others === null || some.some((key) => others.includes(key));
}

/** In which order writes of different documents came to the old store is not known for sure. */
function isClear(read) {
    return read.overlapped <= 1 || read.keys?.length === 1;
}

/** Whether any of the items was in the set. */
function removeAll(set, items) {
    return items.map((item) => set.delete(item)).includes(true);
}

module.exports = { Mirror };
