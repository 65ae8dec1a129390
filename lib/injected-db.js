'use strict';

const { AssertionError } = require('./errors.js');
const { absent, assertHolds, atRevision } = require('./checks.js');
const { Lifecycle } = require('./lifecycle.js');
const { scanQuery } = require('./query-options.js');

/**
 * A store over an engine written in JavaScript, which stores documents with the revision that it is given
 * and checks nothing. Checks and revisions are made here, so the caller holds the lock of every key that
 * it writes. The engine may answer with values or with promises.
 */
class InjectedDb extends Lifecycle {
    resident = false;
    locksWrites = true;
    #db;

    constructor(db, observed) {
        super(observed);
        this.#db = db;
    }

    async _load({ quarantine }) {
        if (quarantine) {
            throw new AssertionError('quarantine needs files of our own: there is an injected db');
        }
        await this.#db.loadDocuments?.();
    }

    async _flush() {
        await this.#db.flush?.();
    }

    async _close() {
        await this.#db.close?.();
    }

    async read(key) {
        const { document } = await this.#db.getItem(key);
        return document === null || document === undefined ? null : structuredClone(document);
    }

    async readForUpdate(key) {
        const document = await this.read(key);
        return { document, check: document === null ? absent : atRevision(revisionOf(document)) };
    }

    readMany(keys) {
        return Promise.all(keys.map((key) => this.read(key)));
    }

    async has(key) {
        return await this.read(key) !== null;
    }

    async putPrepared(key, prepared, check) {
        const [committed] = await this.commitMany([{ key, prepared, check }]);
        return this.stored(key, prepared, committed);
    }

    async delete(key, check) {
        await this.commitMany([{ key, prepared: null, check }]);
        return key;
    }

    /** What went through is taken back when a later write fails, as far as the engine lets it. */
    async commitMany(operations) {
        const writes = await this.#plan(operations);
        const committed = [];
        try {
            for (const { key, document } of writes) {
                committed.push(await this.#write(key, document));
            }
        } catch (error) {
            for (const { key, before } of writes.slice(0, committed.length).reverse()) {
                // The failure is what counts.
                await this.#write(key, before).catch(() => undefined);
            }
            throw error;
        }
        return committed;
    }

    /** What each operation leaves, in order; a later one sees the effect of an earlier one. */
    async #plan(operations) {
        const planned = new Map();
        const writes = [];
        for (const { key, prepared, check } of operations) {
            const before = planned.has(key) ? planned.get(key) : await this.read(key);
            assertHolds(key, check, before === null ? null : { version: revisionOf(before) });
            const version = before === null ? 0 : revisionOf(before) + 1;
            const document = prepared === null ? null : { ...prepared.document, _rev: version };
            planned.set(key, document);
            writes.push({ key, document, before });
        }
        return writes;
    }

    async #write(key, document) {
        if (document === null) {
            await this.#db.deleteItem(key);
            return { version: -1 };
        }
        const answer = await this.#db.setItem(key, structuredClone(document));
        return { version: document._rev, document: answer?.document };
    }

    /** The engine's own answer counts, if there is one. */
    stored(key, { document }, { version, document: answered }) {
        if (typeof answered === 'object' && answered !== null) {
            return structuredClone(answered);
        }
        document._rev = version;
        return document;
    }

    removed(key) {
        return key;
    }

    async page(query) {
        const { startKey, endKey, key } = query.given;
        return this.#page(await this.#db.queryKeys({
            ...this.#options(query),
            startKey: keyText(startKey),
            endKey: keyText(endKey),
            key: keyText(key),
        }));
    }

    async queryView(id, query) {
        return this.#page(await this.#db.queryView(id, { ...this.#options(query), ...query.given }));
    }

    #options({ descending, offset, limit, includeDocuments }) {
        return { descending: descending === 1, inclusiveStartIndex: offset, limit, includeDocuments };
    }

    #page({ items, exclusiveEndIndex, ...others }) {
        const page = { items: items.map((item) => structuredClone(item)), exclusiveEndIndex };
        return others.total === undefined ? page : { ...page, total: others.total };
    }

    /** The engine has no snapshots, so everything is read at once. */
    async* scan(options) {
        const query = scanQuery(options);
        if (!this.ready) {
            await this.load();
        }
        const { items } = await this.page({ ...query, limit: Number.MAX_SAFE_INTEGER });
        yield* items;
    }

    backup() {
        throw new AssertionError('backup() needs snapshots, which an injected db has not');
    }

    restore() {
        const why = 'to write all documents or none: there is an injected db';
        throw new AssertionError(`restore() needs a journal, ${ why }`);
    }

    setView(id, view) {
        return this.#method('setView')(id, view);
    }

    hasView(id) {
        return this.#method('hasView')(id);
    }

    deleteView(id) {
        return this.#method('deleteView')(id);
    }

    async stats() {
        return this.#db.stats?.() ?? {};
    }

    #method(name) {
        if (typeof this.#db[name] !== 'function') {
            throw new AssertionError(`The injected db has no ${ name }()`);
        }
        return (...args) => this.#db[name](...args);
    }
}

/** Documents that an engine brought along may have no revision yet. */
function revisionOf(document) {
    return Number.isSafeInteger(document._rev) ? document._rev : 0;
}

function keyText(key) {
    return key === undefined ? undefined : String(key);
}

module.exports = { InjectedDb };
