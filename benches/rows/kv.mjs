// K1 to K6: strings and bytes by key.

import fs from 'node:fs';
import { keyOf, randomNumbers, shuffled } from '../documents.mjs';
import { timeEach, timeOnce, timePasses } from '../timing.mjs';
import { checkBytes, checkText, inOnePiece, valueOf } from '../values.mjs';

const PASS = 100_000;
const GROUP = 1_000;
const encoder = new TextEncoder();

export async function measure(job, adapter) {
    fs.mkdirSync(job.directory, { recursive: true });
    let store = await adapter.open(job.directory, job);
    if (!store.setBatch) {
        return timeReads(store, job);
    }
    const figures = {};
    // Reads find what was closed. A memory store is gone then, so one handle does all.
    const isDurable = job.durability === 'sync';
    const written = await timeOnce(() => fill(store, job, (text) => text));
    figures.fill = written * 1000 / job.documents;
    if (isDurable) {
        figures.fillClosed = (written + await timeOnce(() => store.close())) * 1000 / job.documents;
        store = await adapter.open(job.directory, job);
    }
    figures.get = await timeGets(store, job, 'get', checkText);
    figures.scan = await timeScan(store, job);
    if (store.setNx) {
        Object.assign(figures, await timeConditional(store, job));
    }
    const changes = { count: 0 };
    if (isDurable) {
        const { mean, p99 } = await timeSets(store, job, changes);
        Object.assign(figures, { setOne: mean, setOneP99: p99 });
    }
    figures.batch = await timeBatches(store, job, changes);
    await fill(store, job, (text) => encoder.encode(text));
    if (isDurable) {
        await store.close();
        store = await adapter.open(job.directory, job);
    }
    figures.getBytes = await timeGets(store, job, 'getBytes', checkBytes);
    await store.close();
    return figures;
}

/** Of what has its values already. */
async function timeReads(store, job) {
    return {
        get: await timeGets(store, job, 'get', checkText),
        scan: await timeScan(store, job),
        getBytes: await timeGets(store, job, 'getBytes', checkBytes),
    };
}

/** Puts everything into the store, in random order. */
async function fill(store, { seed, documents }, encode) {
    const order = shuffled(documents, randomNumbers(seed));
    for (let start = 0; start < documents; start += GROUP) {
        const numbers = Array.from(order.subarray(start, start + GROUP));
        await store.setBatch(numbers.map((number) => [keyOf(number), encode(valueOf(seed, number))]));
    }
}

/** Microseconds for each get, of keys that are new strings in a random order. */
async function timeGets(store, job, method, check) {
    const random = randomNumbers(job.seed);
    const operations = Math.min(job.documents, PASS);
    const prepare = () => {
        const numbers = shuffled(job.documents, random).subarray(0, operations);
        return { numbers, keys: Array.from(numbers, newKey) };
    };
    const run = store.asynchronous
        ? async ({ numbers, keys }) => {
            for (let i = 0; i < keys.length; i += 1) {
                check(await store[method](keys[i]), numbers[i]);
            }
        }
        : ({ numbers, keys }) => {
            for (let i = 0; i < keys.length; i += 1) {
                check(store[method](keys[i]), numbers[i]);
            }
        };
    for (let warm = 0; warm < 2; warm += 1) {
        await run(prepare());
    }
    return timePasses({ milliseconds: job.milliseconds, operations, prepare, run });
}

function newKey(number) {
    return inOnePiece(keyOf(number));
}

/** Entries in a second, keys and values, in order. */
async function timeScan(store, job) {
    const run = async () => {
        let number = 0;
        await store.scan((key, value) => {
            if (key !== keyOf(number)) {
                throw new Error(`the scan has ${ key } at ${ number }`);
            }
            checkText(value, number);
            number += 1;
        });
        if (number !== job.documents) {
            throw new Error(`the scan has ${ number } entries`);
        }
    };
    await run();
    const us = await timePasses({ milliseconds: job.milliseconds, operations: job.documents, run });
    return 1e6 / us;
}

/** One awaited after the other, over values that are there; `changes.count` counts them. */
async function timeSets(store, job, changes) {
    const order = shuffled(job.documents, randomNumbers(job.seed + 1));
    const times = await timeEach(job.milliseconds, async (call) => {
        const number = order[call % order.length];
        changes.count += 1;
        if (await store.set(keyOf(number), valueOf(job.seed, number, changes.count)) !== true) {
            throw new Error('a set was not confirmed');
        }
        changes.number = number;
    });
    await checkLast(store, changes);
    return times;
}

/** Microseconds for each of the entries of batches of a thousand, over values that are there. */
async function timeBatches(store, job, changes) {
    const random = randomNumbers(job.seed + 2);
    const us = await timePasses({
        milliseconds: job.milliseconds,
        operations: Math.min(GROUP, job.documents),
        prepare() {
            changes.count += 1;
            const numbers = shuffled(job.documents, random).subarray(0, GROUP);
            changes.number = numbers[0];
            const pair = (number) => [keyOf(number), valueOf(job.seed, number, changes.count)];
            return Array.from(numbers, pair);
        },
        run: (pairs) => store.setBatch(pairs),
    });
    await checkLast(store, changes);
    return us;
}

async function checkLast(store, { number, count }) {
    checkText(await store.get(keyOf(number)), number, count);
}

/**
 * Conditional writes and the same without a condition, a thousand in flight, in turn. They leave what there
 * was.
 */
async function timeConditional(store, job) {
    const { seed, documents } = job;
    const random = randomNumbers(seed + 3);
    const chosen = (entry) => Array.from(shuffled(documents, random).subarray(0, GROUP), entry);
    const added = () => chosen((number) => [`new:${ keyOf(number) }`, valueOf(seed, number)]);
    const there = () => chosen((number) => [keyOf(number), valueOf(seed, number), valueOf(seed, number)]);
    const remove = (entries) => Promise.all(entries.map(([key]) => store.del(key)));
    const works = [
        { row: 'setNew', entries: added, write: ([key, value]) => store.set(key, value), undo: remove },
        { row: 'setNx', entries: added, write: ([key, value]) => store.setNx(key, value), undo: remove },
        { row: 'set', entries: there, write: ([key, value]) => store.set(key, value) },
        { row: 'compareAndSwap', entries: there, write: (entry) => store.compareAndSwap(...entry) },
    ];
    await timeInTurn(works, job.milliseconds);
    return timeInTurn(works, job.milliseconds);
}

/** Microseconds for each write by row. */
async function timeInTurn(works, milliseconds) {
    const timed = works.map((work) => ({ ...work, elapsed: 0, writes: 0 }));
    do {
        for (const work of timed) {
            await timeGroup(work);
        }
    } while (timed.some(({ elapsed }) => elapsed < milliseconds));
    return Object.fromEntries(timed.map(({ row, elapsed, writes }) => [row, elapsed * 1000 / writes]));
}

async function timeGroup(work) {
    const entries = work.entries();
    let answers;
    work.elapsed += await timeOnce(async () => {
        answers = await Promise.all(entries.map(work.write));
    });
    work.writes += entries.length;
    if (!answers.every((answer) => answer === true)) {
        throw new Error(`a ${ work.row } was not done`);
    }
    await work.undo?.(entries);
}
