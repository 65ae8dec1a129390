// Reads while another thread writes, and reads of one and of two worker threads together. All per second.

import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { openFilled } from '../datasets.mjs';
import { keyOf, randomNumbers, shuffled } from '../documents.mjs';
import { randomPairs } from './write.mjs';

const WRITTEN_TOGETHER = 100;
const BETWEEN_TURNS = 100;
/** A worker begins without compiled code, and shares the cores with the threads that compile it. */
const LEAST_WARM_UP_MS = 250;

if (!isMainThread && workerData?.role !== undefined) {
    await serve(workerData);
}

export async function measure(job, adapter) {
    const store = await openFilled(adapter, { ...job, cache: job.documents });
    await readFor(store, job);
    const figures = { readsAlone: await readFor(store, job) };
    for (const [row, cache] of [['readers', 0], ['readersHot', job.documents]]) {
        for (const threads of [1, 2]) {
            figures[row + threads] = await readInWorkers(job, threads, cache);
        }
    }
    const writer = await startWorker(job, 'write', 0);
    const writes = writer.go();
    figures.readsBeside = await readFor(store, job);
    figures.writesBeside = await writes;
    await store.close();
    return figures;
}

async function readInWorkers(job, threads, cache) {
    const starting = Array.from({ length: threads }, () => startWorker(job, 'read', cache));
    const workers = await Promise.all(starting);
    const rates = await Promise.all(workers.map((worker) => worker.go()));
    return rates.reduce((sum, rate) => sum + rate);
}

/** Resolves once the worker has its store open and warm; `go()` answers how much it did in a second. */
async function startWorker(job, role, cache) {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { ...job, role, cache } });
    const next = () => new Promise((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
    });
    await next();
    return {
        async go() {
            const ended = new Promise((resolve) => {
                worker.once('exit', resolve);
            });
            const answer = next();
            worker.postMessage('go');
            const rate = await answer;
            await ended;
            return rate;
        },
    };
}

async function serve({ role, cache, ...job }) {
    const work = role === 'write' ? writeFor : readFor;
    const { open } = await import(`../stores/${ job.store }.mjs`);
    const store = await open(job.directory, { ...job, cache });
    await work(store, { ...job, milliseconds: Math.max(job.milliseconds / 4, LEAST_WARM_UP_MS) });
    parentPort.postMessage('ready');
    await new Promise((resolve) => {
        parentPort.once('message', resolve);
    });
    const rate = await work(store, job);
    await store.close();
    parentPort.postMessage(rate);
}

/** Random gets, which give way to other events now and then, as a server does. */
async function readFor(store, { documents, seed, milliseconds }) {
    const numbers = shuffled(documents, randomNumbers(seed));
    const keys = Array.from(numbers, keyOf);
    // Everything is read once at least, so that a warm-up warms all of it.
    const bounds = { milliseconds, least: documents, size: BETWEEN_TURNS };
    return rateOf(bounds, async (start) => {
        for (let i = start; i < start + BETWEEN_TURNS; i += 1) {
            const at = i % keys.length;
            const document = store.asynchronous === true ? await store.get(keys[at]) : store.get(keys[at]);
            if (document.number !== numbers[at]) {
                throw new Error(`document ${ numbers[at] } is ${ JSON.stringify(document) }`);
            }
        }
    });
}

/** Writes all the time, a hundred documents at once. */
async function writeFor(store, job) {
    const pairs = randomPairs(job, job.documents);
    const bounds = { milliseconds: job.milliseconds, least: 0, size: WRITTEN_TOGETHER };
    return rateOf(bounds, async (start) => {
        const at = start % pairs.length;
        const group = pairs.slice(at, at + WRITTEN_TOGETHER);
        group.forEach(([, document]) => {
            document.visits += 1;
        });
        await store.setMany(group);
    });
}

/** How many of the operations that `perform` does in turns of `size` fit into a second. */
async function rateOf({ milliseconds, least, size }, perform) {
    const started = performance.now();
    let done = 0;
    let elapsed = 0;
    do {
        await perform(done);
        await new Promise(setImmediate);
        done += size;
        elapsed = performance.now() - started;
    } while (elapsed < milliseconds || done < least);
    return done * 1000 / elapsed;
}
