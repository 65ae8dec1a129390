'use strict';

/** Wrong stores, each with one mistake that sharing a directory could bring about. */
const MISTAKES = {
    /** A cache that nobody told of a write. */
    staleRead: (store, random) => ({ getItem: sometimesAgain(random, (key) => store.getItem(key)) }),
    staleView: (store, random) => ({
        queryView: sometimesAgain(random, (id, options) => store.queryView(id, options)),
    }),
    staleTotal(store, random) {
        const totals = {};
        return {
            async queryKeys(options) {
                const page = await store.queryKeys(options);
                if (totals[options.startKey] === undefined || random.chance(0.8)) {
                    totals[options.startKey] = page.total;
                }
                return { ...page, total: totals[options.startKey] };
            },
        };
    },
    /** An update that checks nothing. */
    lostUpdate: (store) => ({
        async updateItem(key, update) {
            const document = await store.getItem(key);
            const { _rev, ...content } = await update(document);
            await new Promise(setImmediate);
            return store.setItem(key, content);
        },
    }),
    /** An insertion that looks first and then writes. */
    insertedTwice: (store) => ({
        async insertItem(key, document) {
            if (await store.hasItem(key)) {
                return store.insertItem(key, document);
            }
            await new Promise(setImmediate);
            return store.setItem(key, document);
        },
    }),
    tornBatch: (store) => ({
        async batch(operations) {
            const answers = [];
            for (const operation of operations) {
                answers.push(...await store.batch([operation]));
            }
            return answers;
        },
    }),
    tornRead: (store) => ({
        async getItems(keys) {
            const documents = [];
            for (const key of keys) {
                documents.push(await store.getItem(key));
                await new Promise(setImmediate);
            }
            return documents;
        },
    }),
    movingScan: (store) => ({
        async* scan(options) {
            const { items } = await store.queryKeys({ ...options, limit: Infinity, includeDocuments: true });
            for (const { key, document } of items) {
                yield { key, document: await store.getItem(key) ?? document };
            }
        },
    }),
    /** A write that is acknowledged and then not there. */
    forgottenWrite: (store, random) => ({
        setItem: (key, document) => (
            random.chance(0.1) ? { ...document, _rev: 0 } : store.setItem(key, document)
        ),
    }),
    forgottenDeletion: (store, random) => ({
        deleteItem: (key, options) => (random.chance(0.3) ? key : store.deleteItem(key, options)),
    }),
};

/** Answers now and then what it answered to the same question before. */
function sometimesAgain(random, ask) {
    const answers = new Map();
    return async (...question) => {
        const text = JSON.stringify(question);
        if (!answers.has(text) || random.chance(0.8)) {
            answers.set(text, await ask(...question));
        }
        return answers.get(text);
    };
}

/** A store that is right in all but one way. */
function lyingStore(store, mistake, random) {
    const wrong = MISTAKES[mistake](store, random);
    return new Proxy(store, {
        get(target, name) {
            const value = wrong[name] ?? target[name];
            return typeof value === 'function' && !(name in wrong) ? value.bind(target) : value;
        },
    });
}

module.exports = { lyingStore, MISTAKES };
