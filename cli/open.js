'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { DATA_FILE, INTERNAL_DIRECTORY, storageOf } = require('../lib/storage-of.js');
const { NoDatastoreError, UsageError, at } = require('./errors.js');

const DAMAGED = '`kixx-datastore verify` lists all damage, `kixx-datastore repair` moves it aside';

/**
 * Opens a datastore, whatever its storage, runs `work(datastore)`, and closes it.
 *
 * @param {string} directory
 * @param {{ lockTimeout?: number, otherFiles?: boolean, create?: boolean, storage?: string }} options as they
 *     were given; `create` makes a missing directory
 * @param {{ readOnly: boolean }} how
 */
async function withDatastore(directory, options, { readOnly }, work) {
    assertDatastore(directory, options);
    const { Datastore } = require('../index.cjs');
    const { lockTimeout } = options;
    const { storage = storageOf(directory) } = options;
    assertStorage(directory, storage);
    // Who only reads a data file has to come in like all others.
    const rights = { readOnly: readOnly && storage === 'files' };
    const datastore = new Datastore({ directory, storage, ...rights, lockTimeout, cache: false });
    let answer;
    try {
        await loaded(datastore);
        answer = await work(datastore);
    } catch (error) {
        // The first error is the one to tell.
        await datastore.close().catch(() => {});
        throw error;
    }
    await datastore.close();
    return answer;
}

/** What is wrong with the directory itself, and not with a file that a command reads, has a `hint`. */
async function loaded(datastore) {
    try {
        await datastore.load();
    } catch (error) {
        throw error.code === 'CORRUPT' ? Object.assign(error, { hint: DAMAGED }) : error;
    }
}

/** To look only: changes no document, locks nothing that keeps others waiting. */
function reading(directory, options, work) {
    return withDatastore(directory, { ...options, create: false }, { readOnly: true }, work);
}

/** To change documents. */
function writing(directory, options, work) {
    return withDatastore(directory, options, { readOnly: false }, work);
}

/** Throws unless `directory` is one that may be used. */
function assertDatastore(directory, { create = false, otherFiles = false, advice = '' } = {}) {
    const stats = fs.statSync(directory, { throwIfNoEntry: false });
    if (stats === undefined) {
        if (create) {
            return;
        }
        throw new NoDatastoreError(`There is no directory ${ directory }${ advice }`);
    }
    if (!stats.isDirectory()) {
        throw new NoDatastoreError(`${ directory } is not a directory`);
    }
    const foreign = otherFiles ? undefined : foreignEntry(directory);
    if (foreign !== undefined) {
        throw new NoDatastoreError(
            `${ directory } holds ${ JSON.stringify(foreign) }, so it does not look like a datastore and is `
            + 'not touched. If it is one, use --other-files'
        );
    }
}

/** Throws where a directory has documents in another form than was asked for. */
function assertStorage(directory, wanted) {
    const found = storageOf(directory);
    const isEmpty = () => !fs.existsSync(directory)
        || !fs.readdirSync(directory).some((name) => name.endsWith('.json'));
    if (found !== wanted && (found === 'disk' || !isEmpty())) {
        const form = found === 'disk' ? 'a data file' : 'JSON files';
        const advice = `leave --storage out, or kixx-datastore convert ${ directory } --to ${ wanted }`;
        throw new UsageError(`${ directory } has ${ form }: ${ advice }`);
    }
}

/** Something that is no document, unless a datastore is open there; hidden files do not count. */
function foreignEntry(directory) {
    if ([DATA_FILE, INTERNAL_DIRECTORY].some((name) => fs.existsSync(path.join(directory, name)))) {
        return undefined;
    }
    const entries = fs.opendirSync(directory);
    try {
        for (let entry = entries.readSync(); entry !== null; entry = entries.readSync()) {
            if (!entry.name.startsWith('.') && !entry.name.endsWith('.json')) {
                return entry.name;
            }
        }
        return undefined;
    } finally {
        entries.closeSync();
    }
}

/** Throws unless a file can be read; - is standard input. Before a directory is made for what it holds. */
function assertReadable(file) {
    try {
        if (file !== '-') {
            fs.accessSync(file, fs.constants.R_OK);
        }
    } catch (error) {
        throw at(`Could not read ${ file }`, error);
    }
}

/** Throws if a file that is to be written is there already, or would lie in the datastore. */
function assertWritable(directory, file, { force = false }) {
    assertOutside(directory, file);
    if (!force && fs.existsSync(file)) {
        throw new UsageError(`${ file } exists. Use --force to replace it`);
    }
}

/** Throws if a file would lie in the datastore itself, where it would be taken for a document. */
function assertOutside(directory, file) {
    const real = (target) => {
        const resolved = path.resolve(target);
        return fs.existsSync(resolved) ? fs.realpathSync(resolved) : resolved;
    };
    const parent = path.relative(real(directory), real(path.dirname(path.resolve(file))));
    if (parent === '' || !(parent.startsWith('..') || path.isAbsolute(parent))) {
        throw new NoDatastoreError(`${ file } lies in the datastore ${ directory }: choose another place`);
    }
}

module.exports = { assertDatastore, assertReadable, assertWritable, reading, writing };
