'use strict';

const path = require('node:path');
const native = require('./native.cjs');
const { AssertionError } = require('./errors.js');
const { openPort } = require('./port.js');
const { DATA_FILE, storageOf } = require('./storage-of.js');

const DEFAULT_LOCK_TIMEOUT_MS = 10_000;

/** How often to tell of progress. */
const INTERVAL_MS = 100;

/**
 * Checks every file and record in a directory, beside whoever writes, and changes nothing. Damage is no
 * error: it is among the `findings`.
 *
 * @param {string} directory
 * @param {{ lockTimeout?: number, onProgress?: (done: number, total: number) => void }} [options]
 * @returns {Promise<{ findings: Finding[], notes: Finding[], documents: number, files: number,
 *     segments: number, commits: number, processes: number[] }>} LockedError while a process has it alone,
 *     AssertionError for a data file
 *
 * @typedef {{ file: string, problem: string }} Finding a path from the directory on
 */
async function verify(directory, { lockTimeout = DEFAULT_LOCK_TIMEOUT_MS, onProgress } = {}) {
    assertFiles(directory, 'verified');
    return watched(onProgress, (id, port) => native.verify(port, id, path.resolve(directory), lockTimeout));
}

/**
 * Moves aside what keeps a directory from being loaded, and saves what a damaged journal holds. With `dryRun`
 * only says what it would do.
 *
 * @param {string} directory
 * @param {{ lockTimeout?: number, dryRun?: boolean, onProgress?: (done: number, total: number) => void }}
 *     [options]
 * @returns {Promise<{ moved: (Finding & { movedTo: string })[], written: number }>} LockedError if any other
 *     process has it open, AssertionError for a data file
 */
async function repair(directory, { lockTimeout = DEFAULT_LOCK_TIMEOUT_MS, dryRun = false, onProgress } = {}) {
    assertFiles(directory, 'repaired');
    return watched(onProgress, (id, port) => {
        return native.repair(port, id, path.resolve(directory), lockTimeout, dryRun ? 1 : 0);
    });
}

/** Nothing here reads a data file, and what lies beside it does not count. */
function assertFiles(directory, participle) {
    if (storageOf(directory) === 'disk') {
        const place = path.join(directory, DATA_FILE);
        const message = `${ place } can't be ${ participle }, which is for JSON files only. A backup of it, `
            + '`kixx-datastore backup`, reads all its documents and checks what it wrote';
        throw new AssertionError(message, { expected: 'a directory of JSON files' });
    }
}

/**
 * Gives back what the data file of a directory no longer needs.
 *
 * @param {string} directory
 * @param {{ lockTimeout?: number }} [options]
 * @returns {Promise<{ before: number, after: number }>} its lengths in bytes; LockedError if anybody has it
 *     open
 */
function compact(directory, { lockTimeout = DEFAULT_LOCK_TIMEOUT_MS } = {}) {
    return watched(undefined, (id, port) => native.compact(port, id, path.resolve(directory), lockTimeout));
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
