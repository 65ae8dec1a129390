'use strict';

const { Random } = require('./random.js');

// Few keys, so that everybody meets everybody. A group of documents is always written as a whole, and is one
// key to the model; it has more documents than a scan reads at once.
const HOT = ['hot:a', 'hot:b', 'hot:c', 'hot:d'];
const GROUP = Array.from({ length: 300 }, (_, i) => `group:${ String(i).padStart(3, '0') }`);
const HOT_RANGE = { startKey: 'hot:', endKey: 'hot:\uffff' };
const GROUP_RANGE = { startKey: 'group:', endKey: 'group:\uffff' };
const VALUES_PER_CLIENT = 1e6;

const VIEWS = {
    byKey: (document, emit) => document.k && emit(document.k, [document._rev, document.v]),
    byValue: (document, emit) => document.k && emit(document.v, document._rev),
    byStamp: (document, emit) => document.stamp && emit(document.stamp, document._rev),
};

/** A document as the model knows it. */
function seenAs(key, document) {
    if (document === null) {
        return null;
    }
    return { rev: document._rev, value: document.k === key ? document.v : JSON.stringify(document) };
}

/** All documents of the group as one: `seen` has a `{ rev, value }` for each. */
function wholeGroup(seen) {
    const texts = new Set(seen.map((document) => JSON.stringify(document)));
    if (texts.size === 1 && seen.length === GROUP.length) {
        return seen[0];
    }
    return seen.length === 0 ? null : { torn: `${ seen.length } documents`, values: [...texts].slice(0, 5) };
}

const ofGroup = (document) => ({ rev: document._rev, value: document.stamp });

/** Someone who uses a store, at random but repeatably, and has everything recorded. */
class HistoryClient {
    #store;
    #recorder;
    #random;
    #number;
    #readOnly;
    #values = 0;
    #known = new Map();

    constructor(store, recorder, { seed, number, readOnly = false }) {
        this.#store = store;
        this.#recorder = recorder;
        this.#random = new Random(seed + number * 7919);
        this.#number = number;
        this.#readOnly = readOnly;
    }

    async run(operations, progress) {
        for (let n = 0; n < operations; n += 1) {
            const kinds = this.#readOnly ? READS : KINDS;
            await this.#perform(this.#random.pick(kinds));
            progress();
            // Reads are answered at once; the others have to get their turn.
            if (this.#random.chance(0.5)) {
                await new Promise(setImmediate);
            }
        }
    }

    #perform(name) {
        const key = this.#random.pick(HOT);
        return this[name](name, key, this.#known.get(key) ?? null);
    }

    #record(name, asked, work) {
        return this.#recorder.record(`client ${ this.#number }`, name, asked, work);
    }

    #value() {
        this.#values += 1;
        return this.#number * VALUES_PER_CLIENT + this.#values;
    }

    #saw(key, document) {
        const seen = seenAs(key, document);
        this.#known.set(key, seen);
        return [key, seen];
    }

    /** A put, with a check that the model knows too. */
    #put(name, key, check, work) {
        const value = this.#value();
        return this.#record(name, { writes: [{ key, value, ...check }] }, async () => {
            const { _rev } = await work({ k: key, v: value });
            this.#known.set(key, { rev: _rev, value });
            return { revs: [_rev] };
        });
    }

    get(name, key) {
        return this.#record(name, {}, async () => (
            { reads: [this.#saw(key, await this.#store.getItem(key))] }
        ));
    }

    getNow(name, key) {
        return this.#record(name, {}, () => (
            { reads: [this.#saw(key, this.#store._db.getItem(key).document)] }
        ));
    }

    has(name, key) {
        return this.#record(name, {}, async () => ({ reads: [[key, await this.#store.hasItem(key)]] }));
    }

    getMany(name) {
        const keys = this.#random.shuffle(HOT).slice(0, 2 + this.#random.int(HOT.length - 1));
        return this.#record(name, {}, async () => {
            const documents = await this.#store.getItems(keys);
            return { reads: keys.map((key, i) => this.#saw(key, documents[i])) };
        });
    }

    set(name, key) {
        return this.#put(name, key, {}, (document) => this.#store.setItem(key, document));
    }

    setAt(name, key, known) {
        const rev = known?.rev ?? 0;
        return this.#put(name, key, { rev }, (document) => (
            this.#store.setItem(key, { ...document, _rev: rev })
        ));
    }

    insert(name, key) {
        return this.#put(name, key, { absent: true }, (document) => this.#store.insertItem(key, document));
    }

    delete(name, key) {
        return this.#record(name, { writes: [{ key, value: null }] }, async () => {
            await this.#store.deleteItem(key);
            return { revs: [null] };
        });
    }

    deleteAt(name, key, known) {
        const rev = known?.rev ?? 0;
        return this.#record(name, { writes: [{ key, value: null, rev }] }, async () => {
            await this.#store.deleteItem(key, { rev });
            return { revs: [null] };
        });
    }

    /** To the model, an update is a read and then a write under the condition that nothing changed. */
    async update(name, key) {
        const client = `client ${ this.#number }`;
        const pause = this.#random.chance(0.3);
        const [value, call] = [this.#value(), this.#recorder.now()];
        let write;
        try {
            const { _rev } = await this.#store.updateItem(key, async (document) => {
                const [, from] = this.#saw(key, document);
                const returned = this.#recorder.now();
                const read = this.#recorder.begin(client, `${ name }, read`, {});
                this.#recorder.end(read, { call, return: returned, outcome: 'ok', reads: [[key, from]] });
                const writes = [{ key, value, from }];
                const n = this.#recorder.begin(client, `${ name }, write`, { writes });
                write = { n, call: this.#recorder.now() };
                if (pause) {
                    await new Promise(setImmediate);
                }
                return { ...document, k: key, v: value };
            });
            const returned = this.#recorder.now();
            this.#recorder.end(write.n, { ...write, return: returned, outcome: 'ok', revs: [_rev] });
        } catch (error) {
            const returned = this.#recorder.now();
            if (error.code !== 'CONFLICT') {
                throw error;
            }
            this.#recorder.end(write.n, { ...write, return: returned, outcome: 'conflict', conflict: key });
        }
    }

    batch(name) {
        const keys = this.#random.shuffle(HOT).slice(0, 2 + this.#random.int(HOT.length - 1));
        const value = this.#value();
        const writes = keys.map((key) => {
            const known = this.#known.get(key) ?? null;
            const check = known !== null && this.#random.chance(0.3) ? { rev: known.rev } : {};
            return { key, value: this.#random.chance(0.15) ? null : value, ...check };
        });
        return this.#record(name, { writes }, async () => {
            const answers = await this.#store.batch(writes.map(asBatchOperation));
            return { revs: answers.map((answer) => answer._rev ?? null) };
        });
    }

    page(name) {
        const [offset, limit] = [this.#random.int(HOT.length), 1 + this.#random.int(HOT.length)];
        const [descending, includeDocuments] = [this.#random.chance(0.5), this.#random.chance(0.7)];
        const options = { ...HOT_RANGE, offset, limit, descending, includeDocuments };
        return this.#record(name, {}, async () => {
            const { items, total } = this.#random.chance(0.2)
                ? this.#store._db.queryKeys(options)
                : await this.#store.queryKeys(options);
            const shown = items.map(({ key, document }) => (
                { key, ...(document && this.#saw(key, document)[1]) }
            ));
            return { page: { prefix: 'hot:', order: 'key', descending, offset, limit, total, items: shown } };
        });
    }

    view(name) {
        const [offset, limit] = [this.#random.int(HOT.length), 1 + this.#random.int(HOT.length)];
        const [descending, includeDocuments] = [this.#random.chance(0.5), this.#random.chance(0.5)];
        const options = { offset, limit, descending, includeDocuments };
        return this.#record(name, {}, async () => {
            const { items, total } = this.#random.chance(0.2)
                ? this.#store._db.queryView('byKey', options)
                : await this.#store.queryView('byKey', options);
            const shown = items.map(({ key, value: [rev, value], document }) => {
                const seen = includeDocuments ? seenAs(key, document) : { rev, value };
                const isSame = seen.rev === rev && seen.value === value;
                return { key, rev, value: isSame ? value : JSON.stringify({ value, document }) };
            });
            return { page: { prefix: 'hot:', order: 'key', ...options, total, items: shown } };
        });
    }

    viewByValue(name) {
        const descending = this.#random.chance(0.5);
        return this.#record(name, {}, async () => {
            const { items, total } = await this.#store.queryView('byValue', { descending, limit: Infinity });
            const shown = items.map(({ key, value, documentKey }) => (
                { key: documentKey, rev: value, value: key }
            ));
            return { page: { prefix: 'hot:', order: 'value', descending, offset: 0, total, items: shown } };
        });
    }

    /** A scan shows the moment at which it begins. */
    scan(name) {
        const iterator = this.#store.scan({ ...HOT_RANGE, includeDocuments: true });
        return this.#record(name, {}, async () => {
            const shown = [];
            let first;
            for await (const { key, document } of iterator) {
                first ??= this.#recorder.now();
                shown.push({ key, ...seenAs(key, document) });
                await new Promise(setImmediate);
            }
            const page = { prefix: 'hot:', order: 'key', offset: 0, total: shown.length, items: shown };
            return { page, return: first ?? this.#recorder.now() };
        });
    }

    groupSet(name) {
        const known = this.#known.get('group');
        const check = known && this.#random.chance(0.5) ? { rev: known.rev } : {};
        return this.#writeGroup(name, this.#value(), check);
    }

    groupDelete(name) {
        return this.#writeGroup(name, null, {});
    }

    #writeGroup(name, value, check) {
        return this.#record(name, { writes: [{ key: 'group', value, ...check }] }, async () => {
            const operations = GROUP.map((key) => asBatchOperation({ key, value, ...check }));
            const answers = await this.#store.batch(operations);
            const whole = value === null ? null : wholeGroup(answers.map(ofGroup));
            this.#known.set('group', whole);
            return { revs: [whole === null ? null : whole.rev] };
        });
    }

    group(name) {
        const how = this.#random.pick(['getItems', 'queryKeys', 'queryView', 'scan']);
        return this.#record(`${ name }, ${ how }`, {}, async () => {
            let first;
            const begun = () => {
                first ??= this.#recorder.now();
            };
            const whole = wholeGroup(await GROUP_READS[how](this.#store, begun));
            this.#known.set('group', whole);
            return { reads: [['group', whole]], ...(first && { return: first }) };
        });
    }
}

function asBatchOperation({ key, value, rev }) {
    if (value === null) {
        return { type: 'delete', key, ...(rev !== undefined && { rev }) };
    }
    const content = key.startsWith('group:') ? { stamp: value } : { k: key, v: value };
    return { type: 'set', key, document: { ...content, ...(rev !== undefined && { _rev: rev }) } };
}

/** Ways to see the whole group at one moment. */
const GROUP_READS = {
    async getItems(store) {
        const documents = await store.getItems(GROUP);
        return documents.filter((document) => document !== null).map(ofGroup);
    },
    async queryKeys(store) {
        const page = await store.queryKeys({ ...GROUP_RANGE, includeDocuments: true, limit: Infinity });
        return page.items.map(({ document }) => ofGroup(document));
    },
    async queryView(store) {
        const page = await store.queryView('byStamp', { limit: Infinity, includeDocuments: true });
        const rows = page.items.map(({ key, value }) => ({ rev: value, value: key }));
        const documents = page.items.map(({ document }) => ofGroup(document));
        return JSON.stringify(rows) === JSON.stringify(documents) ? rows : [...rows, ...documents];
    },
    async scan(store, begun) {
        const seen = [];
        for await (const { document } of store.scan({ ...GROUP_RANGE, includeDocuments: true })) {
            begun();
            seen.push(ofGroup(document));
            if (seen.length % 100 === 0) {
                await new Promise(setImmediate);
            }
        }
        return seen;
    },
};

/** How often each is chosen. */
const SHARES = {
    reads: {
        get: 18, getNow: 4, has: 4, getMany: 7, page: 7, view: 5, viewByValue: 3, scan: 4, group: 5,
    },
    writes: {
        set: 8, setAt: 5, insert: 5, delete: 4, deleteAt: 3, update: 10, batch: 7,
        groupSet: 3, groupDelete: 1,
    },
};
const repeated = (shares) => Object.entries(shares).flatMap(([name, share]) => Array(share).fill(name));
const READS = repeated(SHARES.reads);
const KINDS = [...READS, ...repeated(SHARES.writes)];

module.exports = { HistoryClient, HISTORY_VIEWS: VIEWS };
