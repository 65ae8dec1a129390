'use strict';

// Bugs that a datastore could have, played by a child of the kill loop: each has to be caught.

const { documentOf } = require('./kill-plan.js');

const LIES_SHARE = 0.2;

/** For each lie, on which operations it may be told and how. */
const LIES = {
    /** Acknowledges a write that it does not make. */
    unwritten: [({ type }) => type === 'set', async (store, { key }) => {
        const current = store._db.getItem(key).document;
        return { revs: [current === null ? 0 : current._rev + 1] };
    }],
    /** A deleted document comes back. */
    resurrected: [({ type }) => type === 'delete', async (store, operation, honest) => {
        const { document } = store._db.getItem(operation.key);
        const result = await honest(store, operation);
        if (document !== null) {
            await store._db.setItem(operation.key, document);
        }
        return result;
    }],
    /** Acknowledges a batch and makes a part of it. */
    halfBatch: [({ type }) => type === 'batch', async (store, operation, honest) => {
        const half = { ...operation, writes: operation.writes.slice(0, 1) };
        const result = await honest(store, half);
        return { revs: [...result.revs, ...operation.writes.slice(1).map(() => null)] };
    }],
    /** Dies in the middle of a batch, and a part of it is there. */
    tornBatch: [({ type }) => type === 'batch', async (store, operation, honest) => {
        await honest(store, { ...operation, writes: operation.writes.slice(0, 1) });
        process.kill(process.pid, 'SIGKILL');
        return new Promise(() => {});
    }],
    /** A write happens twice. */
    twice: [({ type }) => type === 'update', async (store, operation, honest) => {
        await honest(store, operation);
        return honest(store, operation);
    }],
    /** A revision runs backwards, after it was acknowledged. */
    backwards: [({ type }) => type === 'set', async (store, operation, honest) => {
        const result = await honest(store, operation);
        await store._db.setItem(operation.key, { ...documentOf(operation.id), _rev: 0 });
        return result;
    }],
    /** A document holds what nobody wrote. */
    invented: [({ type }) => type === 'set', async (store, operation, honest) => {
        const result = await honest(store, operation);
        const document = { ...documentOf(operation.id), pad: 'invented', _rev: result.revs[0] };
        await store._db.setItem(operation.key, document);
        return result;
    }],
};

/** Performs an operation, and now and then tells the lie. */
function performLying(lie, random, store, operation, honest) {
    const [suits, tell] = LIES[lie];
    return suits(operation) && random.chance(LIES_SHARE)
        ? tell(store, operation, honest) : honest(store, operation);
}

module.exports = { LIES, performLying };
