// P3, P4: sets, over documents that are there already.

import { strict as assert } from 'node:assert';
import { openFilled } from '../datasets.mjs';
import { documentsOf, keyOf, randomNumbers, shuffled } from '../documents.mjs';
import { timeEach, timePasses } from '../timing.mjs';

const IN_FLIGHT = 1_000;

export async function measure(job, adapter) {
    let store = await openFilled(adapter, job);
    const pairs = randomPairs(job, job.documents);
    const { mean, p99 } = await timeSetsOneByOne(store, job, pairs);
    await store.close();
    store = await adapter.open(job.directory, job);
    const setMany = await timeSetsInFlight(store, job, pairs);
    await store.close();
    if (store.get) {
        store = await adapter.open(job.directory, job);
        await checkAll(store, pairs);
        await store.close();
    }
    return { setOne: mean, setOneP99: p99, setMany };
}

/** Some of the documents in random order, as `[key, document]`. */
export function randomPairs({ shape, seed, documents }, count) {
    const { make } = documentsOf(shape, seed);
    const order = shuffled(documents, randomNumbers(seed + 1)).subarray(0, count);
    return Array.from(order, (number) => [keyOf(number), make(number)]);
}

export function timeSetsOneByOne(store, { milliseconds }, pairs) {
    return timeEach(milliseconds, async (call) => {
        const [key, document] = pairs[call % pairs.length];
        document.visits += 1;
        confirm(store, await store.set(key, document), document);
    });
}

/** Microseconds for each set, a thousand under way at a time. */
export function timeSetsInFlight(store, { milliseconds }, pairs) {
    return timePasses({
        milliseconds,
        operations: pairs.length,
        prepare: () => pairs.forEach(([, document]) => {
            document.visits += 1;
        }),
        async run() {
            for (let start = 0; start < pairs.length; start += IN_FLIGHT) {
                const group = pairs.slice(start, start + IN_FLIGHT);
                const answers = await store.setMany(group);
                answers.forEach((answer, at) => confirm(store, answer, group[at][1]));
            }
        },
    });
}

export async function checkAll(store, pairs) {
    for (const [key, document] of pairs) {
        const { _rev, _id, ...stored } = await store.get(key);
        assert.deepEqual(stored, document);
    }
}

function confirm(store, answer, document) {
    if (!store.isStored(answer, document)) {
        throw new Error(`a set was answered with ${ JSON.stringify(answer)?.slice(0, 200) }`);
    }
}
