// Makes a directory full of documents for rows that only read. It is not timed, and in random order, as
// applications write. The one of plain files is made by two threads, past any store.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { documentsOf, keyOf, randomNumbers, shuffled } from './documents.mjs';

const GROUP = 1_000;
const THREADS = 2;

if (!isMainThread && workerData?.part !== undefined) {
    writeFiles(workerData);
}

/** @returns {Promise<{ jsonBytes: number }>} how much JSON all documents are */
export async function measure(job, adapter) {
    const { make } = documentsOf(job.shape, job.seed);
    let jsonBytes = 0;
    for (let number = 0; number < job.documents; number += 1) {
        jsonBytes += Buffer.byteLength(JSON.stringify(make(number)));
    }
    fs.mkdirSync(job.directory, { recursive: true });
    if (job.dataset === 'files') {
        await Promise.all(Array.from({ length: THREADS }, (_, part) => startWriting(job, part)));
    } else if (job.dataset !== 'none') {
        const store = await adapter.open(job.directory, { ...job, durability: 'os' });
        await fill(store, job);
        await store.close();
    }
    return { jsonBytes };
}

/** Opens an empty store with all documents of a job in it; nothing of that goes on in the background. */
export async function openFilled(adapter, job) {
    fs.mkdirSync(job.directory, { recursive: true });
    const store = await adapter.open(job.directory, job);
    await fill(store, job);
    await store.close();
    return adapter.open(job.directory, job);
}

async function fill(store, { shape, seed, documents }) {
    const { make } = documentsOf(shape, seed);
    const order = shuffled(documents, randomNumbers(seed));
    const insert = store.insertMany ?? store.setMany;
    for (let start = 0; start < order.length; start += GROUP) {
        const numbers = Array.from(order.subarray(start, start + GROUP));
        await insert(numbers.map((number) => [keyOf(number), make(number)]));
    }
}

function startWriting({ directory, shape, seed, documents }, part) {
    const data = { part, directory, shape, seed, documents };
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: data });
    return new Promise((resolve, reject) => {
        worker.on('error', reject);
        worker.on('exit', resolve);
    });
}

/** Every second file of a directory as the Kixx Datastore writes it. */
function writeFiles({ part, directory, shape, seed, documents }) {
    const { make } = documentsOf(shape, seed);
    const order = shuffled(documents, randomNumbers(seed));
    for (let at = part; at < order.length; at += THREADS) {
        const name = `${ encodeURIComponent(keyOf(order[at])) }.json`;
        fs.writeFileSync(path.join(directory, name), JSON.stringify({ _rev: 0, ...make(order[at]) }));
    }
}
