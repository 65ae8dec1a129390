'use strict';

const fs = require('node:fs/promises');
const path = require('node:path');
const { AssertionError, StorageError } = require('../errors.js');
const { DATA_FILE, INTERNAL_DIRECTORY, storageOf } = require('../storage-of.js');
const { syncDirectory } = require('../sync-directory.js');

/** Files that are moved or removed at once. */
const AT_ONCE = 64;

/**
 * The directory of a datastore while its storage changes.
 *
 * A data file decides of which form a directory is: JSON files beside it do not count. So everything changes
 * in the moment in which the data file comes or goes, which is one rename. What is new is made within the
 * directory, in another one that is named for what it is to be, so that nothing has to leave the volume.
 * After a crash that name tells what else lies around.
 */
class Place {
    constructor(directory) {
        this.directory = directory;
    }

    /** The form of what counts. */
    get storage() {
        return storageOf(this.directory);
    }

    /** Where a datastore of this storage is made. */
    workshop(storage) {
        return path.join(this.directory, `.converting-to-${ storage }`);
    }

    /** Throws unless it is the directory of a datastore. */
    async assertDatastore() {
        const stats = await telling(this.directory, () => fs.stat(this.directory).catch(nothing));
        if (!stats?.isDirectory()) {
            const problem = stats === undefined ? 'There is no directory' : 'This is not a directory:';
            throw new AssertionError(`${ problem } ${ this.directory }`, { expected: 'a datastore' });
        }
        const entries = await this.#entries();
        if (entries.some(({ name }) => name === DATA_FILE || name === INTERNAL_DIRECTORY)) {
            return;
        }
        const foreign = entries.find(({ name }) => !name.startsWith('.') && !name.endsWith('.json'));
        if (foreign !== undefined) {
            const found = `${ this.directory } holds ${ JSON.stringify(foreign.name) }`;
            const message = `${ found }, so it does not look like a datastore. Move that away first`;
            throw new AssertionError(message, { expected: 'a directory with documents only' });
        }
    }

    /** Throws where JSON files lie beside a data file that no conversion has put there. */
    async assertPure() {
        if (this.storage === 'files' || await this.#exists(this.workshop('files'))) {
            return;
        }
        const [name] = await this.#documentFiles(this.directory);
        if (name !== undefined) {
            const found = `${ this.directory } holds ${ JSON.stringify(name) } beside ${ DATA_FILE }`;
            const message = `${ found }, where its documents are. Move all JSON files away first`;
            throw new AssertionError(message, { expected: 'a data file without JSON files' });
        }
    }

    /** Whether a conversion was interrupted. */
    async isUnfinished() {
        return await this.#exists(this.workshop('disk')) || await this.#exists(this.workshop('files'));
    }

    /** Removes what is left of a conversion to what is now there. */
    finish() {
        return this.#clear(this.storage);
    }

    /** Removes what there is of a conversion to something else. */
    discard() {
        return this.#clear(this.#other());
    }

    /** JSON files beside a data file are the old ones, or new ones that do not count yet. */
    async #clear(storage) {
        const workshop = this.workshop(storage);
        if (!await this.#exists(workshop)) {
            return;
        }
        if (this.storage === 'disk') {
            await this.#removeDocumentFiles();
        }
        await telling(this.directory, () => fs.rm(workshop, { recursive: true, force: true }));
    }

    /** Makes room for the new one. What is there of it stays, and what was moved out of it comes back. */
    async prepare() {
        const workshop = this.workshop(this.#other());
        await telling(this.directory, () => fs.mkdir(workshop, { mode: 0o700 }).catch(alreadyThere));
        if (this.storage === 'disk') {
            await this.#moveDocumentFiles(this.directory, workshop);
        }
    }

    #other() {
        return this.storage === 'disk' ? 'files' : 'disk';
    }

    /** Puts the data file that was made in its place. The JSON files do not count any more. */
    async becomeDisk() {
        await this.#move(DATA_FILE, this.workshop('disk'), this.directory);
    }

    /** Puts the JSON files that were made in their place, and then the data file out of it. */
    async becomeFiles() {
        const workshop = this.workshop('files');
        await this.#moveDocumentFiles(workshop, this.directory);
        await telling(this.directory, () => syncDirectory(this.directory));
        await this.#move(DATA_FILE, this.directory, workshop);
    }

    /** Durably. */
    async #move(name, from, to) {
        await telling(this.directory, async () => {
            await fs.rename(path.join(from, name), path.join(to, name));
            await syncDirectory(to);
            await syncDirectory(from);
        });
    }

    async #moveDocumentFiles(from, to) {
        const names = await this.#documentFiles(from);
        await this.#forEach(names, (name) => fs.rename(path.join(from, name), path.join(to, name)));
    }

    async #removeDocumentFiles() {
        const names = await this.#documentFiles(this.directory);
        await this.#forEach(names, (name) => fs.rm(path.join(this.directory, name), { force: true }));
    }

    async #documentFiles(directory) {
        const entries = await this.#entries(directory);
        const isDocument = (entry) => /.\.json$/s.test(entry.name) && !entry.isDirectory();
        return entries.filter(isDocument).map(({ name }) => name);
    }

    async #entries(directory = this.directory) {
        return telling(this.directory, () => fs.readdir(directory, { withFileTypes: true }));
    }

    async #exists(workshop) {
        const stats = await telling(this.directory, () => fs.lstat(workshop).catch(nothing));
        if (stats !== undefined && !stats.isDirectory()) {
            const message = `${ workshop } is in the way, which is no directory. Move it away first`;
            throw new AssertionError(message, { expected: 'no such file' });
        }
        return stats !== undefined;
    }

    async #forEach(names, work) {
        for (let i = 0; i < names.length; i += AT_ONCE) {
            await telling(this.directory, () => Promise.all(names.slice(i, i + AT_ONCE).map(work)));
        }
    }
}

function nothing(error) {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') {
        throw error;
    }
}

function alreadyThere(error) {
    if (error.code !== 'EEXIST') {
        throw error;
    }
}

/** Names the failures of the file system. */
async function telling(directory, work) {
    try {
        return await work();
    } catch (error) {
        if (error.syscall === undefined) {
            throw error;
        }
        throw new StorageError(`Could not convert ${ directory }: ${ error.message }`, { cause: error });
    }
}

module.exports = { Place };
