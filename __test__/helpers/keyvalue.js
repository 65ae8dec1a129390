'use strict';

const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { test } = require('node:test');
const { Distributor } = require('kixx-datastore');
const { cleanup, eventually, newPath } = require('./temp.js');

/** The backends that all tests run on which say nothing of one. */
const BACKENDS = ['memory', 'disk'];

/** Makes a test for each backend: `run(t, backend)`. */
function onEach(name, run) {
    for (const backend of BACKENDS) {
        test(`${ backend }: ${ name }`, { timeout: 120_000 }, (t) => run(t, backend));
    }
}

/** A distributor over a new directory. */
function newDistributor(t, options = {}) {
    return new Distributor({ directory: newPath(t), ...options });
}

/** A new store, closed when the test is over. */
async function newStore(t, backend, options) {
    return await open(t, newDistributor(t, options), 'test', backend);
}

/** A handle, closed when the test is over. */
async function open(t, distributor, id, backend, options) {
    const store = await distributor.getOrCreate(id, backend, options);
    cleanup(t, () => store.close());
    return store;
}

/** All entries of an iteration. */
async function collect(iterable) {
    const all = [];
    for await (const item of iterable) {
        all.push(item);
    }
    return all;
}

/** Runs a job of keyvalue-worker.js in a thread. Resolves with what it posts. */
function runInWorker(job, data) {
    const worker = new Worker(path.join(__dirname, 'keyvalue-worker.js'), { workerData: { job, ...data } });
    return new Promise((resolve, reject) => {
        worker.on('message', resolve);
        worker.on('error', reject);
        worker.on('exit', () => reject(new Error('the worker ended without an answer')));
    });
}

/** Makes workers begin at the same time. */
class Start {
    shared = new SharedArrayBuffer(8);

    /** Lets them go once so many are there. */
    async of(count) {
        const [GO, THERE] = [0, 1];
        const words = new Int32Array(this.shared);
        await eventually(() => Atomics.load(words, THERE) === count, 'all workers are there');
        Atomics.store(words, GO, 1);
        Atomics.notify(words, GO);
    }
}

module.exports = { BACKENDS, collect, newDistributor, newStore, onEach, open, runInWorker, Start };
