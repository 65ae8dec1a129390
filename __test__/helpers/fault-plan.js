'use strict';

const { Model } = require('./model.js');

/** What is there before: as files, and in the journal of a process that was killed. */
const FILES = Object.fromEntries(['old:1', 'old:2', 'old:3'].map((key) => [key, { _rev: 3, key }]));
const JOURNAL = ['new:1', 'new:2'];

const set = (key, document) => ({ type: 'set', key, document });
const remove = (key) => ({ type: 'delete', key });
const big = { text: 'x'.repeat(300000) };

/** What a process does under faults, one after the other; each is a single write or a batch. */
const STEPS = [
    [set('a', { n: 1 })],
    [set('old:1', { n: 2 })],
    [remove('old:2')],
    [set('b', { n: 3 }), remove('old:3'), set('a', { n: 3 })],
    [set('big', big)],
    [set('a', { n: 4 }), set('c', { n: 4 }), set('new:1', { n: 4 })],
    [remove('new:2')],
    [set('d', { n: 5 })],
    [set('b', { n: 6 })],
    [set('e', { n: 7 }), set('f', { n: 7 }), set('g', { n: 7 })],
    [set('old:2', { n: 8 })],
];

/** The files that the store may touch in `directory`, as far as their names are known. */
function pathsIn(directory) {
    const keys = [...Object.keys(FILES), ...JOURNAL, ...STEPS.flat().map(({ key }) => key)];
    const files = [...new Set(keys)].map((key) => `${ encodeURIComponent(key) }.json`);
    const temporary = files.map((_, i) => `.${ i }.datastore-tmp`);
    const segments = [1, 2, 3, 4].map((id) => `.datastore/journal-${ String(id).padStart(16, '0') }.log`);
    const names = [...files, ...temporary, ...segments, '.datastore', '.datastore/lock'];
    return [directory, ...names.map((name) => `${ directory }/${ name }`)];
}

/** A model of what is there before. */
function modelBefore() {
    const model = new Model();
    for (const [key, document] of Object.entries(FILES)) {
        model.documents.set(key, JSON.stringify(document));
    }
    for (const key of JOURNAL) {
        model.setItem(key, { key });
    }
    return model;
}

/** Performs a step on a store or a model. */
function perform(store, step) {
    if (step.length > 1) {
        return store.batch(step);
    }
    const [{ type, key, document }] = step;
    return type === 'set' ? store.setItem(key, document) : store.deleteItem(key);
}

/** All documents of a model, as `allDocuments` gives those of a store. */
function documentsOf(model) {
    return new Map(model.keys().map((key) => [key, model.getItem(key)]));
}

module.exports = { FILES, JOURNAL, STEPS, documentsOf, modelBefore, pathsIn, perform };
