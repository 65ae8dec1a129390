'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs/promises');
const path = require('node:path');
const { AssertionError, StorageError } = require('../errors.js');
const { syncDirectory } = require('../sync-directory.js');

/** Documents are their owner's business, as the files of a datastore are. */
const MODE = 0o600;
/** How file systems without hard links answer. */
const NO_LINKS = ['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'EINVAL'];

/**
 * Makes a file that is there as a whole, durably, or not at all. It is written beside its place, with
 * `write(handle)`, looked at with `check(path)`, and put there last.
 *
 * @param {string} file
 * @param {{ overwrite: boolean }} options a file that is there already is refused, or replaced
 * @returns {Promise<{ file: string, checked: unknown }>} where it is now: a link stays, and leads there
 */
async function placeFile(file, { overwrite }, { write, check }) {
    const target = await free(file, overwrite);
    const directory = path.dirname(target);
    const temporary = path.join(directory, `.kixx-backup-${ crypto.randomUUID() }.tmp`);
    try {
        await writing(target, () => writeDurably(temporary, write));
        const checked = await check(temporary);
        await writing(target, () => (overwrite ? fs.rename(temporary, target) : place(temporary, target)));
        await writing(target, () => syncDirectory(directory));
        return { file: target, checked };
    } catch (error) {
        // The failure is what counts.
        await fs.rm(temporary, { force: true }).catch(() => undefined);
        throw error;
    }
}

/** Where a file of this name would be, if it may. */
async function free(file, overwrite) {
    const found = await writing(file, () => fs.lstat(file).catch(nothing));
    if (found === undefined) {
        return file;
    }
    if (!overwrite) {
        throw taken(file);
    }
    const target = await writing(file, () => fs.realpath(file));
    if (!(await fs.stat(target)).isFile()) {
        throw new AssertionError(`The backup can't be written to ${ target }, which is no regular file`);
    }
    return target;
}

async function writeDurably(file, write) {
    const handle = await fs.open(file, 'wx', MODE);
    try {
        await write(handle);
        await handle.sync();
    } finally {
        await handle.close();
    }
}

/** A link fails where a file is, which may have come meanwhile; renaming would replace it. */
async function place(temporary, target) {
    try {
        await fs.link(temporary, target);
    } catch (error) {
        if (error.code === 'EEXIST') {
            throw taken(target);
        }
        if (!NO_LINKS.includes(error.code)) {
            throw error;
        }
        if (await fs.lstat(target).catch(nothing) !== undefined) {
            throw taken(target);
        }
        await fs.rename(temporary, target);
        return;
    }
    await fs.unlink(temporary);
}

function nothing(error) {
    if (error.code !== 'ENOENT') {
        throw error;
    }
}

function taken(file) {
    const message = `There is a file already: ${ file }. Choose another name, or { overwrite: true }`;
    return new AssertionError(message, { expected: 'a path where there is no file' });
}

/** Names the failures of the file system. */
async function writing(file, work) {
    try {
        return await work();
    } catch (error) {
        if (error.syscall === undefined) {
            throw error;
        }
        const message = `Could not write the backup ${ file }: ${ error.message }`;
        throw new StorageError(message, { cause: error });
    }
}

module.exports = { placeFile };
