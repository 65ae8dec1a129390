'use strict';

const native = require('../native.cjs');
const { AssertionError, ConflictError, errorFromThrown } = require('../errors.js');
const { openPort } = require('../port.js');
const { checkFunction, checkKey, checkValue, expiresIn, selection } = require('./checks.js');
const { entries, first, second } = require('./walk.js');
const { backOff } = require('./back-off.js');

/** What a write of nothing is. */
const REMOVED = { value: undefined, lasts: -1 };

/**
 * Reads and writes one store as if nobody else did. Reads see the moment at which the transaction began, and
 * its own writes.
 */
class Transaction {
    #native;
    #writes = new Map();
    #turn = Promise.resolve();
    #isOver = false;

    constructor(handle) {
        this.#native = native.newTransaction(handle);
    }

    /** The value, or undefined. */
    async get(key) {
        this.#assertGoingOn();
        const own = this.#writes.get(checkKey(key));
        return own === undefined ? await this.#read(key) : copyOf(own.value);
    }

    /** Whether there is a value. */
    async exists(key) {
        return await this.get(key) !== undefined;
    }

    /** Stores a value with the transaction. Resolves with true. */
    async set(key, value, options) {
        this.#assertGoingOn();
        const write = { value: copyOf(checkValue(value)), lasts: expiresIn(options) };
        this.#writes.set(checkKey(key), write);
        return true;
    }

    /** Removes a value with the transaction. Resolves with whether there is one. */
    async del(key) {
        this.#assertGoingOn();
        const existed = this.exists(checkKey(key));
        // Now: what is called next comes behind it.
        this.#writes.set(key, REMOVED);
        return await existed;
    }

    /** Iterates over `[key, value]`. The whole range counts as read. */
    async* entries(options) {
        this.#assertGoingOn();
        const { prefix, start, end, reverse, limit } = selection(options);
        const own = this.#ownKeys({ prefix, start, end, reverse });
        const comesBefore = reverse ? (a, b) => a > b : (a, b) => a < b;
        let left = limit < 0 ? Infinity : limit;
        const open = () => {
            this.#assertGoingOn();
            return native.transactionWalk(this.#native, prefix, start, end, reverse ? 1 : 0);
        };
        const stored = entries(open);
        try {
            let next = await stored.next();
            while (left > 0 && (own.length > 0 || !next.done)) {
                const isOwn = own.length > 0 && (next.done || !comesBefore(next.value[0], own[0]));
                const entry = isOwn ? [own[0], copyOf(this.#writes.get(own[0]).value)] : next.value;
                if (!next.done && next.value[0] === entry[0]) {
                    next = await stored.next();
                }
                if (isOwn) {
                    own.shift();
                }
                if (entry[1] !== undefined) {
                    left -= 1;
                    yield entry;
                }
            }
        } finally {
            await stored.return();
        }
    }

    /** Iterates over the keys. */
    keys(options) {
        return first(this.entries(options));
    }

    /** Iterates over the values. */
    values(options) {
        return second(this.entries(options));
    }

    async begin() {
        await openPort().ask((id) => native.beginTransaction(this.#native, id));
    }

    async commit() {
        await this.#turn;
        this.#isOver = true;
        const writes = [...this.#writes.values()];
        const values = writes.map(({ value }) => value);
        const lasts = writes.map((write) => write.lasts);
        await openPort().ask((id) => (
            native.commitTransaction(this.#native, id, [...this.#writes.keys()], values, lasts)
        ));
    }

    end() {
        this.#isOver = true;
        native.endTransaction(this.#native);
    }

    /** Native code reads for a transaction one after the other. */
    #read(key) {
        const start = (id) => native.transactionGet(this.#native, id, key);
        const read = this.#turn.then(() => openPort().ask(start));
        this.#turn = read.then(() => undefined, () => undefined);
        return read;
    }

    /** The keys of a range that this transaction wrote, in the order of the iteration. */
    #ownKeys({ prefix, start, end, reverse }) {
        const isThere = (key) => (
            key.startsWith(prefix) && (start === null || key >= start) && (end === null || key < end)
        );
        const keys = [...this.#writes.keys()].filter(isThere).sort();
        return reverse ? keys.reverse() : keys;
    }

    #assertGoingOn() {
        if (this.#isOver) {
            const message = 'The transaction is over: use it inside its function, and await what it does';
            throw new AssertionError(message);
        }
    }
}

/** Strings don't change. Buffers become plain Uint8Arrays. */
function copyOf(value) {
    return typeof value === 'object' ? new Uint8Array(value) : value;
}

/**
 * Runs `work(tx)` and commits what it wrote, again from the start as long as others change what it read,
 * `attempts` times at most. Resolves with what `work` answers.
 */
async function transaction(handle, work, { attempts, random }) {
    checkFunction(work, 'The function of a transaction');
    for (let attempt = 1; ; attempt += 1) {
        const tx = new Transaction(handle);
        try {
            await tx.begin();
            const result = await work(tx);
            const conflict = await conflictOf(tx);
            if (conflict === undefined) {
                return result;
            }
            if (attempt === attempts) {
                throw conflict;
            }
        } finally {
            tx.end();
        }
        await backOff(attempt, random);
    }
}

/** The conflict in which committing ends, if it does. */
async function conflictOf(tx) {
    try {
        await tx.commit();
        return undefined;
    } catch (thrown) {
        const error = errorFromThrown(thrown);
        if (error instanceof ConflictError) {
            return error;
        }
        throw error;
    }
}

module.exports = { transaction };
