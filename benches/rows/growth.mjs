// P10: the same work on more and more documents. Those that are hot are as many at every size.

import { timeOnce } from '../timing.mjs';
import { memoryFigures, residentBytes } from './load.mjs';
import { assertHot, checkSample, timeGets, timePages } from './read.mjs';
import { timeBuild, timeCatchUp, timeViewPages } from './view.mjs';
import { randomPairs, timeSetsInFlight } from './write.mjs';

export async function measure(job, adapter) {
    const before = residentBytes();
    const middle = Math.floor(job.documents / 2);
    const figures = {};
    let store;
    const milliseconds = await timeOnce(async () => {
        store = await adapter.open(job.directory, { ...job, cache: 0 });
    });
    if (adapter.keepsAllInMemory) {
        figures.load = milliseconds * 1000 / job.documents;
        Object.assign(figures, memoryFigures(residentBytes() - before, await store.datastore?.stats(), job));
    }
    await checkSample(store, job);
    figures.getCold = await timeGets(store, job, job.documents);
    const hot = await adapter.open(job.directory, { ...job, cache: 2 * job.hot });
    figures.getHot = await timeGets(hot, job, job.hot);
    await assertHot(hot, job.hot);
    figures.pageStart = await timePages(hot, job, () => 0);
    figures.pageMiddle = await timePages(hot, job, () => middle);
    if (adapter.hasViews) {
        figures.viewBuild = await timeBuild(hot, job);
        figures.viewPageStart = await timeViewPages(hot, job, 0);
        figures.viewPageMiddle = await timeViewPages(hot, job, middle);
        figures.catchUpOne = await timeCatchUp(hot, job, 1);
        hot.datastore.deleteView('bench');
    }
    const pairs = randomPairs(job, job.hot);
    figures.setMany = await timeSetsInFlight(store, job, pairs);
    // The next round finds what this one found.
    await store.setMany(randomPairs(job, pairs.length));
    await hot.close();
    await store.close();
    return figures;
}
