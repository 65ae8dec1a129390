// P6, P7: a view, beside a page of documents in the same process. No peer has views.

import { documentsOf, keyOf } from '../documents.mjs';
import { median, timeCalls, timeOnce } from '../timing.mjs';
import { cacheSize, PAGE, timeGets, timePages } from './read.mjs';

const CHANGED = 1_000;
const CATCH_UPS = 9;
const TURNS = 5;

const VIEW = {
    map(document, emit) {
        emit(document.number, document.visits);
    },
};

export async function measure(job, adapter) {
    const store = await adapter.open(job.directory, { ...job, cache: cacheSize(job) });
    const figures = { viewBuild: await timeBuild(store, job), viewBuildLimit: timeParseAndMap(job) };
    await timeGets(store, { ...job, milliseconds: 0 }, cacheSize(job));
    const middle = Math.floor(job.documents / 2);
    Object.assign(figures, await inTurns({
        pageStart: (part) => timePages(store, part, () => 0),
        viewPageStart: (part) => timeViewPages(store, part, 0),
        pageMiddle: (part) => timePages(store, part, () => middle),
        viewPageMiddle: (part) => timeViewPages(store, part, middle),
    }, job));
    figures.catchUpOne = await timeCatchUp(store, job, 1);
    figures.catchUpMany = await timeCatchUp(store, job, Math.min(CHANGED, job.documents));
    await store.close();
    return figures;
}

/** Medians of rows that are compared with each other, and so are measured in turn. */
async function inTurns(rows, job) {
    const times = mapValues(rows, () => []);
    for (let turn = 0; turn < TURNS; turn += 1) {
        for (const [row, time] of Object.entries(rows)) {
            times[row].push(await time({ ...job, milliseconds: job.milliseconds / TURNS }));
        }
    }
    return mapValues(times, median);
}

function mapValues(object, change) {
    return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]));
}

/** Documents in a second until the first query is answered. */
export async function timeBuild({ datastore }, job) {
    const { check } = documentsOf(job.shape, job.seed);
    datastore.setView('bench', VIEW);
    const milliseconds = await timeOnce(async () => {
        const { total, items } = await datastore.queryView('bench', { limit: 1, includeDocuments: true });
        if (total !== job.documents) {
            throw new Error(`the view has ${ total } rows`);
        }
        check(items[0].document, 0);
    });
    return job.documents * 1000 / milliseconds;
}

/** The bare limit: JSON.parse and the map function, in one loop. */
function timeParseAndMap(job) {
    const { make } = documentsOf(job.shape, job.seed);
    const texts = Array.from({ length: Math.min(job.documents, 100_000) }, (_, number) => (
        JSON.stringify(make(number))
    ));
    const rows = [];
    const started = performance.now();
    for (const text of texts) {
        VIEW.map(JSON.parse(text), (key, value) => rows.push({ key, value }));
    }
    return rows.length * 1000 / (performance.now() - started);
}

export async function timeViewPages({ datastore }, job, offset) {
    const { check } = documentsOf(job.shape, job.seed);
    const options = { inclusiveStartIndex: offset, limit: PAGE, includeDocuments: true };
    return timeCalls(job.milliseconds, async () => {
        const { items } = await datastore.queryView('bench', options);
        check(items[0].document, offset);
        check(items[PAGE - 1].document, offset + PAGE - 1);
        if (items.length !== PAGE || items[PAGE - 1].value !== items[PAGE - 1].document.visits) {
            throw new Error('the rows are not those of the documents');
        }
    });
}

/** Milliseconds from a query after `changed` documents were written to its answer. */
export async function timeCatchUp({ datastore }, { shape, seed }, changed) {
    const { make } = documentsOf(shape, seed);
    const times = [];
    for (let round = 1; round <= CATCH_UPS; round += 1) {
        await setAll(datastore, changed, (number) => ({ ...make(number), visits: -round }));
        times.push(await timeOnce(async () => {
            const { items: [{ value }] } = await datastore.queryView('bench', { limit: 1 });
            if (value !== -round) {
                throw new Error('the view missed a write');
            }
        }));
    }
    await setAll(datastore, changed, make);
    return median(times);
}

function setAll(datastore, count, documentOf) {
    return Promise.all(Array.from({ length: count }, (_, number) => (
        datastore.setItem(keyOf(number), documentOf(number))
    )));
}
