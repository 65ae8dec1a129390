'use strict';

// A worker thread with a store: it performs the calls that it is sent and posts their outcomes.

const { parentPort, workerData } = require('node:worker_threads');
const { Datastore } = require('../../index.cjs');

const WRITERS = 50;

const VIEWS = {
    byN: (document, emit) => emit(document.n),
    byParity: (document, emit) => emit(document.n % 2 === 0 ? 'even' : 'odd', document.n),
};

const store = new Datastore(workerData.options);

const CALLS = {
    setView: (id) => void store.setView(id, { map: VIEWS[id] }),
    engineQueryKeys: (options) => store._db.queryKeys(options),
    engineQueryView: (id, options) => store._db.queryView(id, options),
    engineGetItem: (key) => store._db.getItem(key),
    exit: () => process.exit(0),
    storm,
};

/** Writes and queries its view until the thread is terminated; posts what was acknowledged. */
async function storm(name) {
    await store.load();
    store.setView('byN', { map: VIEWS.byN });
    // Each writer has its own key, so that its numbers only go up.
    const write = async (n) => {
        const key = `${ name }:${ n % WRITERS }`;
        await store.setItem(key, { n });
        parentPort.postMessage({ acknowledged: [key, n] });
        return write(n + WRITERS);
    };
    const query = async () => {
        await store.queryView('byN', { limit: 20, includeDocuments: true });
        parentPort.postMessage({ queried: true });
        // An answer that is ready at once gives way to nothing else.
        await new Promise(setImmediate);
        return query();
    };
    const querySynchronously = async () => {
        store._db.queryView('byN', { inclusiveStartIndex: 0, limit: 5 });
        await new Promise(setImmediate);
        return querySynchronously();
    };
    const writers = Array.from({ length: WRITERS }, (_, n) => write(n));
    await Promise.all([...writers, query(), querySynchronously()]);
}

parentPort.on('message', async ({ id, method, args }) => {
    try {
        const answer = await (CALLS[method] ?? store[method].bind(store))(...args);
        parentPort.postMessage({ id, answer: method === 'load' ? null : answer });
    } catch (error) {
        parentPort.postMessage({ id, error: { name: error.name, code: error.code, key: error.key } });
    }
});
