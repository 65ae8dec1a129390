'use strict';

const native = require('../native.cjs');
const { AssertionError, ClosedError, errorFromThrown } = require('../errors.js');
const { openPort } = require('../port.js');
const {
    batchEntries, checkFunction, checkKey, checkValue, expiresIn, filePath, lockOptions, prefixOf, selection,
    transactionOptions,
} = require('./checks.js');
const { reportLeaks, forgetLeaks } = require('./leaks.js');
const { withLock } = require('./lock.js');
const { copyOf } = require('./slab.js');
const { transaction } = require('./transaction.js');
const { Watch } = require('./watch.js');
const { KEYS, VALUES, entries, iterate, parts } = require('./walk.js');
const { Writes } = require('./writes.js');

/** What a Distributor makes stores with. */
const MADE_BY_DISTRIBUTOR = Symbol('made by a Distributor');

// Older versions of Node don't have the symbol.
const asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose');

/** A handle on a named store of strings and bytes by key. A Distributor gives it. */
class KeyValueStore {
    #handle;
    #access;
    #shared;
    #writes;
    #watches = new Set();
    #closing;
    #id;
    #backend;
    #random;

    constructor(maker, { handle, id, backend, random } = {}) {
        if (maker !== MADE_BY_DISTRIBUTOR) {
            throw new AssertionError('A KeyValueStore comes from distributor.getOrCreate()');
        }
        this.#handle = handle;
        this.#access = native.openAccess(handle);
        this.#shared = new Uint8Array(this.#access.shared);
        this.#writes = new Writes(handle);
        this.#id = id;
        this.#backend = backend;
        this.#random = random;
        reportLeaks(this, { handle, id, backend });
    }

    /** The name that it was asked for by. */
    get id() {
        return this.#id;
    }

    /** `'memory'` or `'disk'`. */
    get backend() {
        return this.#backend;
    }

    /** Whether this handle can be used. */
    isOpen() {
        return this.#closing === undefined;
    }

    /** The value, or undefined. */
    async get(key) {
        let answer;
        try {
            answer = this.#access.get(checkKey(key));
        } catch (error) {
            throw errorFromThrown(error);
        }
        return typeof answer === 'number' ? this.#bytes(answer) : answer;
    }

    /** Short bytes lie in the shared buffer; a negative number is the promise that gets the value. */
    #bytes(number) {
        return number < 0 ? openPort().promise(number) : copyOf(this.#shared, number);
    }

    /** Whether there is a value. */
    async exists(key) {
        try {
            return this.#done(this.#access.exists(checkKey(key)));
        } catch (error) {
            throw errorFromThrown(error);
        }
    }

    /** Stores a value. Resolves with true. */
    async set(key, value, options) {
        const lasts = expiresIn(options);
        try {
            return this.#done(this.#access.set(checkKey(key), checkValue(value), lasts));
        } catch (error) {
            throw errorFromThrown(error);
        }
    }

    /** Removes a value. Resolves with whether there was one. */
    async del(key) {
        try {
            return this.#done(this.#access.del(checkKey(key)));
        } catch (error) {
            throw errorFromThrown(error);
        }
    }

    /** Stores a value unless there is one. Resolves with whether it did. */
    async setNx(key, value, options) {
        const lasts = expiresIn(options);
        try {
            return this.#done(this.#access.setNx(checkKey(key), checkValue(value), lasts));
        } catch (error) {
            throw errorFromThrown(error);
        }
    }

    /**
     * Stores a value (or, with undefined, removes it) if there is the expected one. Resolves with whether
     * it did.
     */
    async compareAndSwap(key, expected, value, options) {
        const lasts = expiresIn(options);
        const known = checkValue(expected, 'expected');
        const next = value === undefined ? value : checkValue(value);
        try {
            return this.#done(this.#access.swap(checkKey(key), known, next, lasts));
        } catch (error) {
            throw errorFromThrown(error);
        }
    }

    /** A boolean, or the promise of one. */
    #done(answer) {
        if (typeof answer === 'boolean') {
            return answer;
        }
        return answer === null ? this.#writes.add() : openPort().promise(answer);
    }

    /** Writes all of these entries or none; undefined as a value removes. Resolves with true. */
    async setBatch(batch) {
        const { keys, values } = batchEntries(batch);
        this.#assertOpen();
        this.#writes.submit();
        return await openPort().ask((id) => native.setBatch(this.#handle, id, keys, values));
    }

    /** Resolves with how many keys begin with `prefix`. */
    async count(options) {
        const prefix = prefixOf(options);
        this.#assertOpen();
        return await openPort().ask((id) => native.countEntries(this.#handle, id, prefix));
    }

    /** Removes all keys that begin with `prefix`. Resolves with how many there were. */
    async clear(options) {
        const prefix = prefixOf(options);
        this.#assertOpen();
        this.#writes.submit();
        return Number(await openPort().submit((id) => native.clearEntries(this.#handle, id, prefix)));
    }

    /** Runs `work(tx)`, and commits what it wrote if what it read still holds; if not, from the start. */
    async transaction(work, options) {
        const { attempts } = transactionOptions(options);
        this.#assertOpen();
        this.#writes.submit();
        return await transaction(this.#handle, work, { attempts, random: this.#random });
    }

    /** Runs `work({ token, signal })` while nobody else has the lock of that key. */
    async withLock(key, options, work) {
        const { ttl, timeout } = lockOptions(options);
        checkFunction(work, 'The function of withLock()');
        this.#assertOpen();
        const lock = { ttl, timeout, random: this.#random };
        return await withLock(this, this.#handle, checkKey(key), lock, work);
    }

    /** Iterates over the changes from now on of the keys that begin with `prefix`. */
    watch(options) {
        const prefix = prefixOf(options);
        this.#assertOpen();
        const watch = new Watch(this.#handle, prefix, (over) => this.#watches.delete(over));
        this.#watches.add(watch);
        return watch;
    }

    /** Writes the entries of a memory store into a file. Resolves with how many there are. */
    async save(path) {
        const file = filePath(path);
        this.#assertVolatile('save');
        return Number(await openPort().submit((id) => native.saveEntries(this.#handle, id, file)));
    }

    /**
     * Puts the entries of a file in place of all that a memory store has. Resolves with how many there are.
     */
    async load(path) {
        const file = filePath(path);
        this.#assertVolatile('load');
        return Number(await openPort().submit((id) => native.loadEntries(this.#handle, id, file)));
    }

    #assertVolatile(method) {
        this.#assertOpen();
        if (this.#backend !== 'memory') {
            throw new AssertionError(`${ method }() is for memory stores: a disk store is in files already`);
        }
    }

    /**
     * Calls `callback(key, value)` for each entry whose key begins with `prefix`, as they are now, in order,
     * until it answers false. Resolves with how many were given.
     */
    async iterate(prefix, callback) {
        checkFunction(callback, 'callback');
        const open = this.#walk({ prefix: checkKey(prefix, 'prefix') });
        return await iterate(open, callback);
    }

    /** Iterates over `[key, value]` as they are when the iteration begins. */
    entries(options) {
        return entries(this.#walk(options));
    }

    /** Iterates over the keys as they are when the iteration begins. */
    keys(options) {
        return parts(this.#walk(options), KEYS);
    }

    /** Iterates over the values as they are when the iteration begins. */
    values(options) {
        return parts(this.#walk(options), VALUES);
    }

    #walk(options) {
        this.#assertOpen();
        const { prefix, start, end, reverse, limit } = selection(options);
        return () => {
            this.#assertOpen();
            return native.openWalk(this.#handle, prefix, start, end, reverse ? 1 : 0, limit);
        };
    }

    /** Figures about the store: `{ id, backend, handles, keys, memory: { keys, values, cache } }`. */
    async stats() {
        this.#assertOpen();
        this.#writes.submit();
        const stores = JSON.parse(await openPort().submit((id) => native.storeStats(this.#handle, id)));
        // None if it was closed meanwhile.
        return stores[0] ?? refuse();
    }

    /** Resolves once everything acknowledged would survive a power cut; a memory store has nothing to do. */
    async flush() {
        this.#assertOpen();
        this.#writes.submit();
        await openPort().submit((id) => native.flushNamed(this.#handle, id));
    }

    /** Lets go of the store: the last handle closes it. May be called again. */
    close() {
        this.#closing ??= this.#close();
        return this.#closing;
    }

    async #close() {
        this.#writes.submit();
        this.#access = CLOSED;
        this.#watches.forEach((watch) => watch.stop());
        forgetLeaks(this);
        await this.#writes.settled();
        await openPort().submit((id) => native.closeNamed(this.#handle, id));
    }

    [asyncDispose]() {
        return this.close();
    }

    #assertOpen() {
        if (this.#closing !== undefined) {
            throw closed();
        }
    }
}

function closed() {
    return new ClosedError('The store is closed');
}

function refuse() {
    throw closed();
}

/** What a closed handle calls. */
const CLOSED = { get: refuse, exists: refuse, set: refuse, del: refuse, setNx: refuse, swap: refuse };

module.exports = { KeyValueStore, MADE_BY_DISTRIBUTOR };
