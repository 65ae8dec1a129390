'use strict';

// A process of the kill loop. It opens a directory when it is told to, says what it holds, and then writes,
// with its worker threads, until it is killed. Every line begins with the time; an operation is named before
// it begins and again when it is acknowledged.

const fs = require('node:fs');
const readline = require('node:readline');
const { Worker, isMainThread, parentPort } = require('node:worker_threads');
const { Datastore } = require('../../index.cjs');
const { performLying } = require('./kill-lies.js');
const { Planner, documentOf } = require('./kill-plan.js');
const { Random } = require('./random.js');

/** Each thread lets go of the directory after so many operations, and opens it again. */
const OPERATIONS_PER_HANDLE_MAX = 600;

/** The clock is that of the machine, the same in all processes. Waits for a slow reader. */
function say(...words) {
    const [seconds, nanoseconds] = process.hrtime();
    const line = `${ JSON.stringify([seconds * 1e6 + nanoseconds / 1e3, ...words]) }\n`;
    for (;;) {
        try {
            return void fs.writeSync(1, line);
        } catch (error) {
            if (error.code !== 'EAGAIN') {
                throw error;
            }
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
        }
    }
}

async function open({ directory, storage, durability, flushInterval }) {
    const store = new Datastore({ directory, storage, durability, flushInterval, missing: 'null' });
    return store.load();
}

/** Opens the directory and says what it holds. */
async function look(options) {
    say('look');
    const store = await open(options);
    const { items } = await store.queryKeys({ includeDocuments: true, limit: Infinity });
    for (const { key, document } of items) {
        say('found', key, document);
    }
    say('seen');
    return store;
}

async function performWrite(store, { id, type, key, rev }) {
    switch (type) {
        case 'delete':
            await store.deleteItem(key, { rev });
            return { revs: [null] };
        case 'insert':
            return { revs: [(await store.insertItem(key, documentOf(id)))._rev] };
        case 'update': {
            const change = (now) => ({ ...documentOf(id), _rev: now?._rev, was: now?.id ?? null });
            const { _rev, was } = await store.updateItem(key, change);
            return { revs: [_rev], was };
        }
        default:
            return { revs: [(await store.setItem(key, { ...documentOf(id), _rev: rev }))._rev] };
    }
}

async function performBatch(store, { id, writes }) {
    const answers = await store.batch(writes.map(({ type, key, rev }) => (type === 'delete'
        ? { type, key, rev } : { type, key, document: { ...documentOf(id), _rev: rev } })));
    return { revs: answers.map((answer) => answer?._rev ?? null) };
}

function performHonestly(store, operation) {
    return operation.type === 'batch' ? performBatch(store, operation) : performWrite(store, operation);
}

/** The result of an operation; a conflict is one. */
async function perform(store, operation, lie, random) {
    try {
        return lie === undefined ? await performHonestly(store, operation)
            : await performLying(lie, random, store, operation, performHonestly);
    } catch (error) {
        if (error.code === 'CONFLICT') {
            return { conflict: error.key };
        }
        throw error;
    }
}

/** Writes with several operations in flight, on one handle after the other. */
async function writeForever(first, options, thread) {
    const { seed, slot, name, lie, inFlight } = options;
    const random = new Random(seed * 31 + thread);
    let store = first ?? await open(options);
    const revisionOf = (key) => store._db.getItem(key).document?._rev;
    const planner = new Planner({ prefix: `${ name }.${ thread }`, slot, thread, random, revisionOf });
    for (;;) {
        let left = 1 + random.int(OPERATIONS_PER_HANDLE_MAX);
        const writer = async () => {
            for (; left > 0; left -= 1) {
                const operation = planner.next();
                if (operation === null) {
                    await new Promise(setImmediate);
                } else {
                    say('begin', operation);
                    const result = await perform(store, operation, lie, random);
                    say('ack', operation.id, result);
                    planner.finished(operation);
                }
            }
        };
        await Promise.all(Array.from({ length: inFlight }, writer));
        await store.close();
        store = await open(options);
    }
}

function failLoudly(error) {
    say('failed', `${ error.stack }`);
    process.exit(1);
}

/** Answers the commands of the parent: the options, then `open`, then `go` or `close`. */
async function obey(threads) {
    const workers = Array.from({ length: threads - 1 }, () => new Worker(__filename));
    const commands = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
    const next = async () => (await commands.next()).value;
    const options = JSON.parse(await next());
    await next();
    const store = await look(options);
    if (await next() === 'close') {
        await store.close();
        process.exit(0);
    }
    workers.forEach((worker, i) => worker.postMessage({ options, thread: i + 1 }));
    await writeForever(store, options, 0);
}

if (isMainThread) {
    obey(Number(process.argv[2])).catch(failLoudly);
} else {
    parentPort.once('message', ({ options, thread }) => {
        writeForever(null, options, thread).catch(failLoudly);
    });
}
