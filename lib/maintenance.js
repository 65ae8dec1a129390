'use strict';

const path = require('node:path');
const native = require('./native.cjs');
const { pathOf } = require('./backup/options.js');
const { AssertionError } = require('./errors.js');
const { given, milliseconds } = require('./options.js');
const { openPort } = require('./port.js');
const { DATA_FILE, storageOf } = require('./storage-of.js');

const DEFAULT_LOCK_TIMEOUT_MS = 10_000;

/** How often to tell of progress. */
const INTERVAL_MS = 100;

/**
 * Checks every file, entry and record in a directory, beside whoever writes, and changes nothing. Damage is
 * no error: it is among the `findings`.
 *
 * @param {string} directory
 * @param {{ lockTimeout?: number, onProgress?: (done: number, total: number) => void }} [options]
 * @returns {Promise<{ findings: Finding[], notes: Finding[], documents: number, files: number,
 *     segments: number, commits: number, processes: number[] }>} LockedError while a process has it alone
 *
 * @typedef {{ file: string, problem: string, key?: string, after?: string, before?: string }} Finding a path
 *     from the directory on; for what is lost of a data file the key, as far as it can be read, and the keys
 *     around it
 */
async function verify(directory, { lockTimeout = DEFAULT_LOCK_TIMEOUT_MS, onProgress } = {}) {
    return watched(onProgress, (id, port) => native.verify(port, id, path.resolve(directory), lockTimeout));
}

/**
 * Moves aside what keeps a directory from being loaded, and saves what a damaged journal holds, or a damaged
 * data file. With `dryRun` only says what it would do.
 *
 * @param {string} directory
 * @param {{ lockTimeout?: number, dryRun?: boolean, onProgress?: (done: number, total: number) => void }}
 *     [options]
 * @returns {Promise<{ moved: (Finding & { movedTo: string })[], written: number, lost: Finding[] }>}
 *     LockedError if any other process has it open
 */
async function repair(directory, { lockTimeout = DEFAULT_LOCK_TIMEOUT_MS, dryRun = false, onProgress } = {}) {
    return watched(onProgress, (id, port) => {
        return native.repair(port, id, path.resolve(directory), lockTimeout, dryRun ? 1 : 0);
    });
}

/**
 * Gives back what the data file of a directory no longer needs, be it of a datastore or of a key-value store.
 *
 * @param {string} directory
 * @param {import('../index.d.ts').CompactOptions} [options]
 * @returns {Promise<import('../index.d.ts').CompactResult>}
 */
async function compact(directory, options) {
    const { lockTimeout = DEFAULT_LOCK_TIMEOUT_MS } = given(options, 'options');
    milliseconds(lockTimeout, 'lockTimeout', 0);
    const resolved = pathOf(directory, 'directory', 'the path of a directory');
    if (storageOf(resolved) !== 'disk') {
        const message = `There is no ${ DATA_FILE } in ${ resolved }: only data files can be compacted`;
        throw new AssertionError(message, { expected: `a directory with ${ DATA_FILE }` });
    }
    return watched(undefined, (id, port) => native.compact(port, id, resolved, lockTimeout));
}

async function watched(onProgress = () => {}, start) {
    const port = openPort();
    let progress;
    const answer = port.submit((id) => {
        progress = start(id, port.raw);
    });
    const timer = setInterval(() => onProgress(...native.progress(progress)), INTERVAL_MS);
    try {
        return JSON.parse(await answer);
    } finally {
        clearInterval(timer);
    }
}

module.exports = { compact, repair, verify };
