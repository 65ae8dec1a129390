'use strict';

// What the recorded sequences of `fixtures/kixx.json` name: views, update functions and operations.

const VIEWS = {
    byCategory(document, emit) {
        if (document.category) {
            emit(`${ document.category }:${ document.n }`, { title: document.title, n: document.n });
        }
    },
    byTag(document, emit) {
        for (const tag of document.tags ?? []) {
            emit(`${ tag }/${ document.n }`, document.n);
        }
    },
    byNumber(document, emit) {
        if (typeof document.price === 'number') {
            emit(document.price * 1000 + document.n / 1000, null);
        }
    },
    byDay(document, emit) {
        emit(`${ document.createdAt.slice(0, 10) }/${ document.n }`);
    },
};

const UPDATES = {
    merge: (x) => (current) => ({ ...current, ...x }),
    asyncMerge: (x) => async (current) => ({ ...current, ...x }),
    mutate: (x) => (current) => Object.assign(current, x),
    create: (x) => (current) => current ?? x,
    dropRev: (x) => (current) => ({ ...current, ...x, _rev: undefined }),
    staleRev: (x) => (current) => ({ ...current, ...x, _rev: current._rev + 7 }),
};

/** Makes a recorded operation of a store. */
function perform(store, op) {
    switch (op.op) {
        case 'getItem':
            return store.getItem(op.key);
        case 'setItem':
            return store.setItem(op.key, op.document, op.options);
        case 'updateItem':
            return store.updateItem(op.key, UPDATES[op.fn](op.arg), op.options);
        case 'deleteItem':
            return store.deleteItem(op.key);
        case 'queryKeys':
            return store.queryKeys(op.options);
        case 'queryView':
            return store.queryView(op.view, op.options);
        default:
            throw new Error(`unknown operation ${ op.op }`);
    }
}

module.exports = { VIEWS, perform };
