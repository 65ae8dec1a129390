// P8, P9: opening a store, in a process that does nothing else, and how much memory it takes.

import fs from 'node:fs';
import { timeOnce } from '../timing.mjs';
import { checkSample } from './read.mjs';

const SMAPS = '/proc/self/smaps_rollup';

export async function measure(job, adapter) {
    const before = residentBytes();
    const opened = await openTimed(job, adapter);
    if (opened.failed) {
        return { load: opened.failed };
    }
    const { store, milliseconds } = opened;
    const figures = { load: milliseconds * 1000 / job.documents, open: milliseconds };
    // Others leave documents on disk until somebody asks for them.
    if (adapter.keepsAllInMemory) {
        const resident = residentBytes() - before;
        Object.assign(figures, memoryFigures(resident, await store.datastore?.stats(), job));
    }
    await checkSample(store, job);
    await store.close();
    return figures;
}

/** `failed`: the code of the error when a process may not open so many files. */
async function openTimed(job, adapter) {
    let store;
    try {
        const milliseconds = await timeOnce(async () => {
            store = await adapter.open(job.directory, { ...job, cache: 0 });
        });
        return { store, milliseconds };
    } catch (error) {
        if (error.code !== 'EMFILE') {
            throw error;
        }
        return { failed: error.code };
    }
}

/**
 * `memory`: the resident set per byte of JSON. `memoryCounted`: the share of the resident set that
 * `stats().memory` tells, where it tells any, as numbers of bytes.
 */
export function memoryFigures(resident, stats, { documents, jsonBytes }) {
    const figures = { memory: resident / jsonBytes, memoryBytes: resident / documents };
    const counted = Object.values(stats?.memory ?? {}).filter((bytes) => typeof bytes === 'number');
    if (counted.length > 0) {
        figures.memoryCounted = counted.reduce((sum, bytes) => sum + bytes, 0) / resident;
    }
    return figures;
}

/** The resident set of this process once its garbage is gone. */
export function residentBytes() {
    globalThis.gc();
    globalThis.gc();
    if (!fs.existsSync(SMAPS)) {
        return process.memoryUsage().rss;
    }
    const [, kilobytes] = /^Rss:\s+(\d+) kB$/m.exec(fs.readFileSync(SMAPS, 'utf8'));
    return Number(kilobytes) * 1024;
}
