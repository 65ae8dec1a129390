// Many new documents at full speed, more than any queue in memory holds, until the store has them for good.

import fs from 'node:fs';
import { documentsOf, keyOf, randomNumbers, shuffled } from '../documents.mjs';
import { timeOnce } from '../timing.mjs';
import { checkSample } from './read.mjs';

const IN_FLIGHT = 1_000;

/** Microseconds for each document: until the last one is acknowledged, and until the store is closed. */
export async function measure(job, adapter) {
    fs.mkdirSync(job.directory, { recursive: true });
    const { make } = documentsOf(job.shape, job.seed);
    const order = shuffled(job.documents, randomNumbers(job.seed));
    const pairs = Array.from(order, (number) => [keyOf(number), make(number)]);
    let store = await adapter.open(job.directory, job);
    const written = await timeOnce(async () => {
        for (let start = 0; start < pairs.length; start += IN_FLIGHT) {
            await store.setMany(pairs.slice(start, start + IN_FLIGHT));
        }
    });
    const closed = await timeOnce(() => store.close());
    store = await adapter.open(job.directory, job);
    await checkSample(store, job);
    await store.close();
    const each = (milliseconds) => milliseconds * 1000 / job.documents;
    return { import: each(written), importClosed: each(written + closed) };
}
