// Runs a plan: every job in a process of its own, stores in turn, and nothing is left behind.

import fs from 'node:fs';
import path from 'node:path';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { STORES } from './plan.mjs';
import { median } from './timing.mjs';

const JOB = fileURLToPath(new URL('job.mjs', import.meta.url));
const DIGITS = 4;

/**
 * Measures all cases of the blocks.
 *
 * @param {object[][]} blocks as `makePlan` makes them
 * @param {{ parent: string, progress: (text: string) => void }} where
 * @returns {Promise<{ cases: object, settings: object }>} the cases by their ids with `figures` by store and
 *     row: the median and all values, or `{ failed }`; and the settings of the stores
 */
export async function runPlan(blocks, { parent, progress }) {
    const workspace = new Workspace(parent);
    const stop = async () => {
        await workspace.remove();
        process.exit(130);
    };
    process.once('SIGINT', stop).once('SIGTERM', stop);
    try {
        const results = { cases: {}, settings: {} };
        for (const block of blocks) {
            await runBlock(block, workspace, progress, results);
            workspace.removeData(blocks.slice(blocks.indexOf(block) + 1).flat());
        }
        return results;
    } finally {
        await workspace.remove();
        process.off('SIGINT', stop).off('SIGTERM', stop);
    }
}

async function runBlock(block, workspace, progress, results) {
    const rounds = Math.max(...block.map((one) => one.rounds));
    const values = new Map(block.map((one) => [one, {}]));
    for (let round = 1; round <= rounds; round += 1) {
        for (const one of block.filter((candidate) => round <= candidate.rounds)) {
            for (const store of rotated(one.stores, round)) {
                progress(`${ one.id }, ${ store }, round ${ round } of ${ one.rounds }`);
                const started = performance.now();
                const { figures, settings } = await workspace.run(one, store);
                one.seconds = (one.seconds ?? 0) + (performance.now() - started) / 1000;
                results.settings[store] = settings;
                for (const [row, value] of Object.entries(figures)) {
                    ((values.get(one)[store] ??= {})[row] ??= []).push(value);
                }
            }
        }
    }
    for (const [one, byStore] of values) {
        results.cases[one.id] = { ...one, seconds: rounded(one.seconds), figures: summary(one, byStore) };
    }
}

/** Nobody always goes first. */
function rotated(list, by) {
    const at = by % list.length;
    return [...list.slice(at), ...list.slice(0, at)];
}

function summary({ stores }, byStore) {
    const inOrder = Object.fromEntries(stores.map((store) => [store, byStore[store]]));
    return mapValues(inOrder, (rows) => mapValues(rows, (values) => {
        const failed = values.find((value) => typeof value === 'string');
        return failed === undefined
            ? { median: rounded(median(values)), values: values.map(rounded) }
            : { failed };
    }));
}

function mapValues(object, change) {
    return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

function rounded(value) {
    return Number(value.toPrecision(DIGITS));
}

/** One directory for everything, data sets that several jobs read, and the process that is running. */
class Workspace {
    #directory;
    #child;
    // By name: the directory of a data set, and how much JSON it holds.
    #dataSets = new Map();

    constructor(parent) {
        this.#directory = fs.mkdtempSync(path.join(fs.realpathSync(parent), 'kixx-datastore-bench-'));
    }

    async run(one, store) {
        const { parts, stores, rounds, ...job } = { ...one, store };
        if (!one.fresh) {
            const { directory, jsonBytes } = await this.#dataSet(one, store);
            return this.#process({ ...job, module: `rows/${ one.module }`, directory, jsonBytes });
        }
        const directory = path.join(this.#directory, 'fresh');
        try {
            return await this.#process({ ...job, module: `rows/${ one.module }`, directory });
        } finally {
            fs.rmSync(directory, { recursive: true, force: true });
        }
    }

    /** Removes the data sets that none of these cases reads. */
    removeData(cases) {
        for (const [name, { directory, shape, documents }] of this.#dataSets) {
            if (!cases.some((one) => !one.fresh && one.shape === shape && one.documents === documents)) {
                fs.rmSync(directory, { recursive: true, force: true });
                this.#dataSets.delete(name);
            }
        }
    }

    /** What was killed may still be making a file: nothing is removed before it has ended. */
    async remove() {
        if (this.#child) {
            this.#child.removeAllListeners();
            const ended = once(this.#child, 'exit');
            this.#child.kill('SIGKILL');
            await ended;
        }
        fs.rmSync(this.#directory, { recursive: true, force: true, maxRetries: 3 });
    }

    async #dataSet({ shape, seed, documents }, store) {
        const { dataset = store } = STORES[store];
        const name = `${ dataset }-${ shape }-${ documents }`;
        if (!this.#dataSets.has(name)) {
            const directory = path.join(this.#directory, name);
            const job = { module: 'datasets', store, dataset, shape, seed, documents, directory };
            const { figures } = await this.#process(job);
            this.#dataSets.set(name, { directory, shape, documents, ...figures });
        }
        return this.#dataSets.get(name);
    }

    #process(job) {
        this.#child = fork(JOB, [JSON.stringify(job)], { execArgv: ['--expose-gc'] });
        return new Promise((resolve, reject) => {
            let answer = { error: { message: 'the process ended without an answer' } };
            this.#child.on('message', (message) => {
                answer = message;
            });
            this.#child.on('error', reject);
            this.#child.on('exit', () => {
                this.#child = undefined;
                if (answer.error) {
                    reject(new Error(`${ job.module } of ${ job.store }: ${ answer.error.message }`));
                } else {
                    resolve(answer);
                }
            });
        });
    }
}
