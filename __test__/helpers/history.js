'use strict';

const assert = require('node:assert/strict');
const { Model } = require('./model.js');
const { Random } = require('./random.js');

const KEYS = [
    'item:1', 'item:2', 'item:3', 'item:10', 'item:😀', 'item:\uffff', 'item:é', 'user:1', 'user:2', 'a/b',
    '%', '日本', 'z', '\u0000', '..', 'e\u0301', '7',
];
const BOUNDS = [undefined, '', 'item:', 'item:\uffff', 'item:2', 'item:\ud83d', 'user:', 'z', '\uffff'];
const VIEW_BOUNDS = [undefined, null, true, 0, 2, 3.5, '', 'a', 'b\uffff', [], ['a', 2], {}, { a: 1 }];
const EMITTED = [
    null, false, true, 0, 1, 2, 3.5, -1, '', 'a', 'b', 'é', '😀', [], ['a', 1], ['a', 3], {}, { a: 1 },
];

const VIEWS = {
    byTag: (document, emit) => document.tags.forEach((tag) => emit(tag, document.n)),
    byNumber(document, emit) {
        if (document.n % 3 === 0) {
            throw new Error('documents divisible by three are not in this view');
        }
        emit(document.n % 5);
        emit(document.n % 4, { tags: document.tags });
    },
    // What `byTag` becomes when it is replaced.
    byRevision: (document, emit) => emit([document._rev, 'rev'], null),
};

/** A repeatable history: the same seed makes the same steps, whoever performs them. */
class History {
    model = new Model();
    #random;
    #n = 0;

    constructor(seed) {
        this.#random = new Random(seed);
        this.model.views.set('byTag', { map: VIEWS.byTag });
        this.model.views.set('byNumber', { map: VIEWS.byNumber });
    }

    /** Makes the next step and performs it on the model: `[method, ...arguments]` and its outcome. */
    next() {
        const step = this.#choose();
        return { step, expected: outcomeOf(() => performOnModel(this.model, step)) };
    }

    #choose() {
        const random = this.#random;
        const key = random.pick(KEYS);
        const kinds = [
            () => ['setItem', key, this.#document(key)],
            () => ['setItem', key, this.#document(key), { checkConsistency: random.chance(0.5) }],
            () => ['insertItem', key, this.#document(key)],
            () => ['updateItem', key, random.pick(['merge', 'stale', 'drop', 'throw']), this.#document(key)],
            () => ['deleteItem', key],
            () => ['deleteItem', key, { rev: random.int(4) }],
            () => ['batch', this.#operations()],
            () => ['queryKeys', this.#page(BOUNDS)],
            () => ['queryView', random.pick(['byTag', 'byNumber']), this.#page(VIEW_BOUNDS)],
            () => ['scan', this.#page(BOUNDS)],
            () => ['setView', 'byTag', random.pick(['byTag', 'byRevision'])],
        ];
        return random.pick([...kinds, ...kinds.slice(0, 7)])();
    }

    #document(key) {
        const random = this.#random;
        this.#n += 1;
        const tags = Array.from({ length: random.int(4) }, () => random.pick(EMITTED));
        const document = { n: this.#n, tags, text: random.text(5) };
        const current = this.model.getItem(key);
        if (random.chance(0.3)) {
            document._rev = current !== null && random.chance(0.7) ? current._rev : random.int(5);
        }
        return document;
    }

    #operations() {
        const random = this.#random;
        return Array.from({ length: random.int(6) }, () => {
            const key = random.pick(KEYS);
            if (random.chance(0.3)) {
                return { type: 'delete', key, rev: random.chance(0.7) ? undefined : random.int(3) };
            }
            return { type: 'set', key, document: this.#document(key) };
        });
    }

    #page(bounds) {
        const random = this.#random;
        const page = {
            startKey: random.pick(bounds), endKey: random.pick(bounds), descending: random.chance(0.5),
            limit: random.pick([1, 2, 5, 100, Infinity]), includeDocuments: random.chance(0.5),
        };
        if (random.chance(0.5)) {
            page[random.pick(['inclusiveStartIndex', 'offset'])] = random.int(8);
        }
        if (random.chance(0.2)) {
            page.key = random.pick(bounds);
        }
        return page;
    }
}

const UPDATES = {
    merge: (next) => (current) => ({ ...current, ...next, _rev: current?._rev }),
    stale: (next) => (current) => ({ ...next, _rev: (current?._rev ?? 0) + 3 }),
    drop: (next) => () => ({ n: next.n, tags: next.tags }),
    throw: () => () => {
        throw new RangeError('the update function threw');
    },
};

function performOnModel(model, [method, ...args]) {
    switch (method) {
        case 'setView':
            return void model.views.set(args[0], { map: VIEWS[args[1]] });
        case 'updateItem':
            return model.updateItem(args[0], UPDATES[args[1]](args[2]));
        case 'scan':
            return model.scan(withoutPaging(args[0]));
        default:
            return model[method](...args);
    }
}

async function performOnStore(store, [method, ...args]) {
    switch (method) {
        case 'setView':
            return void store.setView(args[0], { map: VIEWS[args[1]] });
        case 'updateItem':
            return store.updateItem(args[0], UPDATES[args[1]](args[2]));
        case 'scan': {
            const items = [];
            for await (const item of store.scan(withoutPaging(args[0]))) {
                items.push(item);
            }
            return items;
        }
        default:
            return store[method](...args);
    }
}

function withoutPaging({ startKey, endKey, key, descending, includeDocuments }) {
    return { startKey, endKey, key, descending, includeDocuments };
}

function outcomeOf(call) {
    try {
        return { ok: call() };
    } catch (error) {
        return { error: error.name, key: error.key };
    }
}

/** Answers compare as JSON, so that an absent value and an undefined one are the same. */
function plain(value) {
    return value === undefined ? null : JSON.parse(JSON.stringify(value));
}

/** Performs one step on the store, and compares its outcome and then every view and document. */
async function check(store, model, { step, expected }) {
    const label = JSON.stringify(step);
    let actual;
    try {
        actual = { ok: await performOnStore(store, step) };
    } catch (error) {
        actual = { error: error.name, key: error.key };
    }
    assert.deepEqual(plain(actual), plain(expected), label);
    await compareAll(store, model, label);
}

async function compareAll(store, model, label) {
    const all = { limit: Infinity, includeDocuments: true };
    assert.deepEqual(plain(await store.queryKeys(all)), plain(model.queryKeys(all)), label);
    for (const id of model.views.keys()) {
        const actual = await store.queryView(id, { limit: Infinity });
        const expected = model.queryView(id, { limit: Infinity });
        assert.deepEqual(plain(actual), plain(expected), `${ id } after ${ label }`);
    }
}

/** Gives a newly opened store the views that the model has now. */
function registerViews(store, model) {
    for (const [id, view] of model.views) {
        store.setView(id, view);
    }
}

module.exports = { History, check, compareAll, registerViews };
