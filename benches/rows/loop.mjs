// P11: for how long nothing else can run in the process, at worst.

import fs from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openFilled } from '../datasets.mjs';
import { keyOf } from '../documents.mjs';
import { timeBuild } from './view.mjs';
import { randomPairs } from './write.mjs';

const RESOLUTION_MS = 1;
const SETS = 10_000;
const SLICE = 100;
const IDLE_MS = 200;
/** About as long as the files take. */
const READS_MS = 1_000;

export async function measure(job, adapter) {
    const figures = { idle: await longestBlock(() => pause(IDLE_MS)) };
    if (adapter.hasViews) {
        const store = await adapter.open(job.directory, { ...job, cache: 0 });
        figures.scan = await longestBlock(() => scanAll(store, job));
        figures.viewBuild = await longestBlock(() => timeBuild(store, job));
        await store.close();
    }
    const directory = `${ job.directory }-loop`;
    const few = { ...job, directory, documents: Math.min(SETS, job.documents) };
    const store = await openFilled(adapter, few);
    const pairs = randomPairs(few, few.documents);
    figures.sets = await longestBlock(() => setInSlices(store, pairs));
    await store.settle?.();
    if (store.settle) {
        figures.reads = await longestBlock(() => readWhile(store, pairs, pause(READS_MS)));
    }
    figures.setsAtOnce = await longestBlock(() => store.setMany(pairs));
    if (store.settle) {
        figures.checkpoint = await longestBlock(() => readWhile(store, pairs, store.settle()));
    }
    await store.close();
    fs.rmSync(directory, { recursive: true });
    return figures;
}

/** Milliseconds, above what the timer itself takes. */
async function longestBlock(work) {
    globalThis.gc();
    const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    histogram.enable();
    // The first turns only tell the histogram when to count from.
    await pause(5 * RESOLUTION_MS);
    await work();
    await pause(5 * RESOLUTION_MS);
    histogram.disable();
    return Math.max(0, histogram.max / 1e6 - RESOLUTION_MS);
}

/** All sets are under way together, and the caller gives way between slices, as a server does. */
async function setInSlices(store, pairs) {
    const answers = [];
    for (let start = 0; start < pairs.length; start += SLICE) {
        answers.push(store.setMany(pairs.slice(start, start + SLICE)));
        await new Promise(setImmediate);
    }
    await Promise.all(answers);
}

async function scanAll({ datastore }, job) {
    let number = 0;
    for await (const { key } of datastore.scan({ includeDocuments: true })) {
        if (key !== keyOf(number)) {
            throw new Error(`the scan has ${ key } at ${ number }`);
        }
        number += 1;
    }
    if (number !== job.documents) {
        throw new Error(`the scan has ${ number } documents`);
    }
}

/** A server that is not busy: one read for each turn of the event loop. */
async function readWhile(store, pairs, background) {
    let over = false;
    background.finally(() => {
        over = true;
    });
    for (let at = 0; !over; at = (at + 1) % pairs.length) {
        await store.get(pairs[at][0]);
        await new Promise(setImmediate);
    }
    await background;
}

function pause(milliseconds) {
    return new Promise((resolve) => {
        setTimeout(resolve, milliseconds);
    });
}
