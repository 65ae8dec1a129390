// P1, P2, P5: one document, and pages of 20.

import { strict as assert } from 'node:assert';
import { documentsOf, keyOf, randomNumbers, shuffled } from '../documents.mjs';
import { timeCalls, timePasses } from '../timing.mjs';

export const PAGE = 20;

const PASS = 100_000;
const SAMPLE = 100;

/** What the document cache holds by default: so many documents, and its bound in bytes counts too. */
const HOT_DOCUMENTS = 10_000;
/** These fit into the caches of the processor. */
const FEW_DOCUMENTS = 1_000;
const CACHE_BYTES = 24e6;

export async function measure(job, adapter) {
    const cache = cacheSize(job);
    const hot = Math.min(HOT_DOCUMENTS, cache);
    const middle = Math.floor(job.documents / 2);
    const figures = {};

    let store = await adapter.open(job.directory, { ...job, cache });
    figures.getFew = await timeGets(store, job, Math.min(FEW_DOCUMENTS, hot));
    figures.getHot = await timeGets(store, job, hot);
    figures.getCached = await timeGets(store, job, cache);
    await assertHot(store, cache);
    figures.pageStart = await timePages(store, job, () => 0);
    figures.pageMiddle = await timePages(store, job, () => middle);
    await store.close();

    store = await adapter.open(job.directory, { ...job, cache: 0 });
    await checkSample(store, job);
    figures.getCold = await timeGets(store, job, job.documents);
    const random = randomNumbers(job.seed);
    const anywhere = () => Math.floor(random() * (job.documents - PAGE));
    figures.pageCold = await timePages(store, job, anywhere);
    await store.close();
    return figures;
}

/** How many documents fit into the largest cache. */
export function cacheSize({ documents, jsonBytes }) {
    return Math.min(documents, Math.floor(CACHE_BYTES / (jsonBytes / documents)));
}

/** Microseconds for each get among the first `count` documents of a random order. */
export async function timeGets(store, job, count) {
    const { check } = documentsOf(job.shape, job.seed);
    const random = randomNumbers(job.seed);
    const chosen = shuffled(job.documents, random).subarray(0, count);
    const operations = Math.min(count, PASS);
    // Keys are new strings in a new order each time, as they are when they come from outside.
    const prepare = () => {
        const numbers = shuffled(count, random).subarray(0, operations).map((at) => chosen[at]);
        return { numbers, keys: Array.from(numbers, newKey) };
    };
    const run = store.asynchronous === true
        ? async ({ keys, numbers }) => {
            for (let i = 0; i < keys.length; i += 1) {
                check(await store.get(keys[i]), numbers[i]);
            }
        }
        : ({ keys, numbers }) => {
            for (let i = 0; i < keys.length; i += 1) {
                check(store.get(keys[i]), numbers[i]);
            }
        };
    for (let warm = 0; warm < 2; warm += 1) {
        await run(prepare());
    }
    return timePasses({ milliseconds: job.milliseconds, operations, prepare, run });
}

/** In one piece: what V8 still has to put together from a template is not the work of a store. */
function newKey(number) {
    return Buffer.from(keyOf(number), 'latin1').toString('latin1');
}

/** Microseconds for each page that begins at `offset()`. */
export async function timePages(store, job, offset) {
    const { check } = documentsOf(job.shape, job.seed);
    const checkPage = (page, start) => {
        if (page.length !== PAGE) {
            throw new Error(`a page of ${ page.length }`);
        }
        check(page[0], start);
        check(page[PAGE - 1], start + PAGE - 1);
    };
    return timeCalls(job.milliseconds, () => {
        const start = offset();
        const page = store.page(start, PAGE);
        if (page instanceof Promise) {
            return page.then((answer) => checkPage(answer, start));
        }
        return checkPage(page, start);
    });
}

/** The whole of some documents, not only what is checked while time is taken. */
export async function checkSample(store, job) {
    const { make } = documentsOf(job.shape, job.seed);
    const numbers = shuffled(job.documents, randomNumbers(job.seed + 1)).subarray(0, SAMPLE);
    for (const number of numbers) {
        const { _rev, _id, ...document } = await store.get(keyOf(number));
        assert.deepEqual(document, make(number));
    }
}

/** A row that says hot is hot. */
export async function assertHot(store, hot) {
    const cached = (await store.datastore?.stats())?.cachedDocuments ?? hot;
    if (cached < hot) {
        throw new Error(`the cache holds ${ cached } of ${ hot } documents, so this would not be hot`);
    }
}
