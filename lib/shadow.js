'use strict';

const { asyncDispose } = require('./engine.js');
const { fail, given, isObject } = require('./options.js');
const { Mirror } = require('./shadow/mirror.js');
const { answered } = require('./shadow/outcome.js');
const { callOf, Pair } = require('./shadow/pair.js');
const { Report } = require('./shadow/report.js');
const { ScanComparison } = require('./shadow/scan.js');
const { Turns } = require('./shadow/turns.js');

const DEFAULT_MAX_PENDING = 10_000;
const STORE_METHODS = ['getItem', 'setItem', 'updateItem', 'deleteItem', 'queryKeys', 'queryView'];

/**
 * A datastore that answers from `oldStore`, repeats every call in `newStore` and reports where they differ.
 *
 * @param {import('../index.d.ts').DatastoreLike} oldStore
 * @param {import('../index.d.ts').Datastore} newStore
 * @param {import('../index.d.ts').ShadowOptions} [options]
 */
function shadow(oldStore, newStore, options) {
    checkStore(oldStore, 'oldStore');
    checkStore(newStore, 'newStore');
    if (oldStore === newStore) {
        fail('newStore', 'another store than oldStore', newStore);
    }
    return new Shadow(oldStore, newStore, shadowOptions(options));
}

class Shadow {
    #old;
    #other;
    #report;
    #mirror;
    #turns = new Turns();
    #pair;
    #views;
    #engine;
    #scans = new Set();
    #closing;

    constructor(oldStore, newStore, { maxPending, ...callbacks }) {
        this.#old = oldStore;
        this.#other = newStore;
        this.#report = new Report(callbacks);
        this.#mirror = new Mirror(this.#report, maxPending);
        const pairOf = (old, other, prefix) => new Pair(this.#mirror, this.#turns, { old, other, prefix });
        this.#pair = pairOf(oldStore, newStore);
        // The old Kixx has the views on its engine only.
        this.#views = pairOf(viewsOf(oldStore), viewsOf(newStore));
        this.#engine = new ShadowEngine(pairOf(oldStore._db, newStore._db, '_db.'), this.#views);
    }

    /** The engines of both, in the same way. */
    get _db() {
        return this.#engine;
    }

    /** What was compared so far: counts, by method too, and the first differences. */
    differences() {
        return { mirroring: this.#mirror.mirroring, ...this.#report.summary() };
    }

    /** Resolves once everything is compared that was called so far. */
    async settled() {
        await this.#mirror.settled();
        await Promise.all([...this.#scans].map((scan) => scan.settled()));
    }

    async load(options) {
        await this.#pair.write('load', options === undefined ? [] : [options], null);
        return this;
    }

    async getItem(key) {
        return this.#pair.read('getItem', [key], [nameOf(key)]);
    }

    async getItems(keys) {
        return this.#pair.read('getItems', [keys], Array.isArray(keys) ? Array.from(keys, nameOf) : []);
    }

    async hasItem(key) {
        return this.#pair.read('hasItem', [key], [nameOf(key)]);
    }

    async setItem(key, ...rest) {
        return this.#pair.write('setItem', [key, ...rest], [nameOf(key)]);
    }

    async insertItem(key, ...rest) {
        return this.#pair.write('insertItem', [key, ...rest], [nameOf(key)]);
    }

    async updateItem(key, ...rest) {
        return this.#pair.update([key, ...rest], [nameOf(key)]);
    }

    async deleteItem(key, ...rest) {
        return this.#pair.write('deleteItem', [key, ...rest], [nameOf(key)]);
    }

    async batch(operations) {
        const keys = Array.isArray(operations) ? Array.from(operations, (one) => nameOf(one?.key)) : [];
        return this.#pair.write('batch', [operations], [...new Set(keys)]);
    }

    async queryKeys(...args) {
        return this.#pair.read('queryKeys', args, null);
    }

    async queryView(...args) {
        return this.#pair.read('queryView', args, null);
    }

    async* scan(...args) {
        this.#turns.assertOpen();
        const items = callOf(this.#old, 'scan', 'old')(...args);
        const again = () => callOf(this.#other, 'scan', 'new')(...args);
        const scan = new ScanComparison(this.#report, args, again, () => this.#scans.delete(scan));
        this.#scans.add(scan);
        const read = this.#mirror.beginRead(scan.call);
        const arrived = () => this.#mirror.endRead(read, answered(undefined));
        try {
            for await (const item of items) {
                arrived();
                scan.item(item);
                yield item;
            }
            scan.end();
        } catch (error) {
            scan.fail(error);
            throw error;
        } finally {
            arrived();
            scan.leave();
        }
    }

    setView(id, view) {
        this.#views.change('setView', [id, view]);
    }

    hasView(id) {
        return this.#views.now('hasView', [id], null);
    }

    deleteView(id) {
        return this.#views.change('deleteView', [id]);
    }

    async flush() {
        return this.#pair.write('flush', [], []);
    }

    /** The figures of the old store; those of the new one may well be others. */
    async stats() {
        return callOf(this.#old, 'stats', 'old')();
    }

    /** Waits until everything is compared, and closes both. Fails if the old store fails to close. */
    close() {
        this.#closing ??= this.#close();
        return this.#closing;
    }

    [asyncDispose]() {
        return this.close();
    }

    async #close() {
        await this.#turns.close();
        await this.settled();
        this.#scans.forEach((scan) => scan.giveUp());
        const [old, other] = await Promise.allSettled([closed(this.#old), closed(this.#other)]);
        const isOneBad = other.status === 'rejected' && old.status === 'fulfilled';
        if (isOneBad) {
            const failure = { old: answered(undefined), other: { error: other.reason } };
            this.#report.different({ method: 'close', args: [], ...failure });
        }
        if (old.status === 'rejected') {
            throw old.reason;
        }
    }
}

/** The engines of both stores. Reads answer at once where the old engine's do. */
class ShadowEngine {
    #pair;
    #views;

    constructor(pair, views) {
        this.#pair = pair;
        this.#views = views;
    }

    async loadDocuments(options) {
        await this.#pair.write('loadDocuments', options === undefined ? [] : [options], null);
        return this;
    }

    getItem(key) {
        return this.#pair.now('getItem', [key], [nameOf(key)]);
    }

    hasItem(key) {
        return this.#pair.now('hasItem', [key], [nameOf(key)]);
    }

    setItem(key, document) {
        return this.#pair.write('setItem', [key, document], [nameOf(key)]);
    }

    deleteItem(key) {
        return this.#pair.write('deleteItem', [key], [nameOf(key)]);
    }

    queryKeys(...args) {
        return this.#pair.now('queryKeys', args, null);
    }

    queryView(...args) {
        return this.#pair.now('queryView', args, null);
    }

    setView(id, view) {
        this.#views.change('setView', [id, view]);
    }

    hasView(id) {
        return this.#views.now('hasView', [id], null);
    }

    deleteView(id) {
        return this.#views.change('deleteView', [id]);
    }
}

/** The name of a document; keys that are none get one that no document has. */
function nameOf(key) {
    return typeof key === 'string' || typeof key === 'number' ? String(key) : '';
}

function viewsOf(store) {
    return typeof store.setView === 'function' ? store : store._db;
}

async function closed(store) {
    await store.close?.();
}

function checkStore(store, name) {
    if (!isObject(store)) {
        fail(name, 'a datastore', store);
    }
    for (const method of STORE_METHODS) {
        if (typeof store[method] !== 'function') {
            fail(`${ name }.${ method }`, 'a function', store[method]);
        }
    }
}

function shadowOptions(options) {
    const { onDifference, ignore, maxPending = DEFAULT_MAX_PENDING } = given(options, 'options');
    for (const [name, callback] of Object.entries({ onDifference, ignore })) {
        if (callback !== undefined && typeof callback !== 'function') {
            fail(name, 'a function', callback);
        }
    }
    if (!Number.isSafeInteger(maxPending) || maxPending < 1) {
        fail('maxPending', 'a positive integer', maxPending);
    }
    return { onDifference, ignore, maxPending };
}

module.exports = { shadow };
