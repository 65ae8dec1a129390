// One store, one round, in its own process: prints the times as one line of JSON. Answers are checked while
// they are timed.

import fs from 'node:fs';
import { strict as assert } from 'node:assert';
import { keyOf, makeDocument, randomNumbers, shuffled } from './documents.mjs';

const IN_FLIGHT = 1000;
const PAGE = 20;

const plan = JSON.parse(process.argv[2]);
const random = randomNumbers(plan.seed);
const { open } = await import(`./stores/${ plan.store }.mjs`);

fs.mkdirSync(plan.directory, { recursive: true });
process.stdout.write(JSON.stringify(await measure()));

async function measure() {
    const documents = Array.from({ length: plan.documents }, (_, number) => makeDocument(number, random));
    const order = shuffled(plan.documents, random);
    let store = await open(plan.directory, plan);
    if (!store.get) {
        const times = { setOne: await timeSetsOneByOne(store, documents, order) };
        await store.close();
        return times;
    }
    const times = {};
    await fill(store, documents, order);
    await store.close();
    times.load = await time(1, async () => {
        store = await open(plan.directory, plan);
    }) / 1000;
    times.getHot = await timeGets(store, store.get, documents, order.slice(0, plan.hot));
    times.getUncached = await timeGets(store, store.getUncached, documents, order);
    times.pageStart = await timePages(store, documents, 0);
    times.pageMiddle = await timePages(store, documents, Math.floor(plan.documents / 2));
    times.setOne = await timeSetsOneByOne(store, documents, order);
    times.setMany = await timeSetsInFlight(store, documents, order);
    for (const number of order.slice(0, 100)) {
        check(await store.get(keyOf(number)), documents[number]);
    }
    await store.close();
    return times;
}

async function fill(store, documents, order) {
    for (let start = 0; start < order.length; start += IN_FLIGHT) {
        const numbers = order.slice(start, start + IN_FLIGHT);
        await store.setMany(numbers.map((number) => [keyOf(number), documents[number]]));
    }
}

/** Microseconds for each of `operations`. */
async function time(operations, work) {
    const started = performance.now();
    await work();
    return (performance.now() - started) * 1000 / operations;
}

async function timeGets(store, get, documents, order) {
    const keys = order.map(keyOf);
    const gets = async (count) => {
        for (let done = 0; done < count; done += 1) {
            const at = done % keys.length;
            // A synchronous store is not made to wait.
            const document = store.asynchronous ? await get(keys[at]) : get(keys[at]);
            check(document, documents[order[at]]);
        }
    };
    await gets(Math.max(keys.length, plan.operations / 4));
    return time(plan.operations, () => gets(plan.operations));
}

async function timePages(store, documents, offset) {
    const pages = async (count) => {
        for (let done = 0; done < count; done += 1) {
            const page = store.asynchronous ? await store.page(offset, PAGE) : store.page(offset, PAGE);
            assert.equal(page.length, PAGE);
            check(page[0], documents[offset]);
            check(page[PAGE - 1], documents[offset + PAGE - 1]);
        }
    };
    const count = Math.max(10, plan.operations / 100);
    await pages(count / 4);
    return time(count, () => pages(count));
}

async function timeSetsOneByOne(store, documents, order) {
    const count = Math.max(10, plan.operations / 100);
    return time(count, async () => {
        for (let done = 0; done < count; done += 1) {
            const number = order[done % order.length];
            await store.set(keyOf(number), change(documents, number));
        }
    });
}

async function timeSetsInFlight(store, documents, order) {
    const groups = Math.max(1, Math.floor(plan.operations / 4 / IN_FLIGHT));
    const pairs = [];
    for (let done = 0; done < groups * IN_FLIGHT; done += 1) {
        const number = order[done % order.length];
        pairs.push([keyOf(number), change(documents, number)]);
    }
    return time(pairs.length, async () => {
        for (let start = 0; start < pairs.length; start += IN_FLIGHT) {
            await store.setMany(pairs.slice(start, start + IN_FLIGHT));
        }
    });
}

/** The document with another value, as it is expected from now on. */
function change(documents, number) {
    documents[number] = { ...documents[number], visits: documents[number].visits + 1 };
    return documents[number];
}

function check(document, expected) {
    if (document.number !== expected.number || document.visits !== expected.visits) {
        assert.deepEqual(document, expected);
    }
}
