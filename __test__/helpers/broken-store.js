'use strict';

// New stores for a shadow, each right but for one thing.

/** A store whose methods are those of `store`, and some others. */
function derive(store, methods) {
    const derived = {};
    for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(store))) {
        if (name !== 'constructor' && typeof store[name] === 'function') {
            derived[name] = (...args) => store[name](...args);
        }
    }
    return Object.assign(Object.defineProperty(derived, '_db', { get: () => store._db }), methods);
}

function everyThird() {
    let calls = 0;
    return () => {
        calls += 1;
        return calls % 3 === 0;
    };
}

/** By name: the method whose answers go wrong, and the methods of such a store. */
const BREAKS = {
    'a lost write': (store, sometimes = everyThird()) => ['setItem', {
        async setItem(key, document, options) {
            const known = await store.getItems([key]);
            if (sometimes() && known[0] !== null) {
                return { ...known[0], ...document, _rev: known[0]._rev + 1 };
            }
            return store.setItem(key, document, options);
        },
    }],
    'a stale read': (store) => {
        const seen = new Map();
        return ['getItem', {
            async getItem(key) {
                const answer = await store.getItem(key);
                const before = seen.get(key);
                seen.set(key, answer);
                return before ?? answer;
            },
        }];
    },
    'the wrong order': (store) => ['queryKeys', {
        async queryKeys(options) {
            const page = await store.queryKeys(options);
            return { ...page, items: page.items.reverse() };
        },
    }],
    'the wrong page': (store) => ['queryKeys', {
        queryKeys: (options) => store.queryKeys({ ...options, offset: (options.offset ?? 0) + 1 }),
    }],
    'a page that says it is the last': (store) => ['queryKeys', {
        queryKeys: async (options) => ({ ...await store.queryKeys(options), exclusiveEndIndex: null }),
    }],
    'the wrong total': (store) => ['queryKeys', {
        async queryKeys(options) {
            const page = await store.queryKeys(options);
            return { ...page, total: page.total + 1 };
        },
    }],
    'a view without its last row': (store) => ['queryView', {
        async queryView(id, options) {
            const page = await store.queryView(id, options);
            return { ...page, items: page.items.slice(0, -1) };
        },
    }],
    'no conflicts': (store) => ['setItem', {
        setItem: (key, document) => store.setItem(key, document, { checkConsistency: false }),
    }],
    'a deletion that does nothing': () => ['deleteItem', { deleteItem: async (key) => String(key) }],
    'half a batch': (store) => ['batch', {
        async batch(operations) {
            const answers = await store.batch(operations.slice(0, -1));
            return [...answers, operations.at(-1).key];
        },
    }],
    'an update of another document': (store) => ['updateItem', {
        updateItem: (key, update) => store.updateItem(key, () => update({ other: true })),
    }],
    'a scan that ends early': (store) => ['scan', {
        async* scan(options) {
            let left = 2;
            for await (const item of store.scan(options)) {
                if (left === 0) {
                    return;
                }
                left -= 1;
                yield item;
            }
        },
    }],
    'another error': (store) => ['getItem', {
        getItem: (key) => store.getItem(key).catch(() => {
            throw new Error('something went wrong');
        }),
    }],
    'failing at random': (store, sometimes = everyThird()) => ['updateItem', {
        async updateItem(...args) {
            if (sometimes()) {
                throw new Error('connection lost');
            }
            return store.updateItem(...args);
        },
    }],
};

module.exports = { BREAKS, derive };
