'use strict';

const { onDirectory } = require('../command.js');
const { journalSize, storageOf } = require('../../lib/storage-of.js');
const { assertDatastore, writing } = require('../open.js');

module.exports = {
    name: 'compact',
    summary: 'Brings all files up to date and drops what the journal no longer needs',
    details: 'Happens by itself in the background, and whenever the last process closes a datastore: this '
        + 'does it now, before a backup of the files, say. A segment that is being written stays while '
        + 'applications run. A data file gives back what it no longer needs, if nobody else has it open: '
        + 'that of a key-value store too.',
    examples: [
        ['compact ./data', 'now, beside running applications too'],
        ['compact ./stores/store-events', 'a key-value store on disk'],
    ],
    define: onDirectory,
    async run({ output }, directory, options) {
        assertDatastore(directory, options);
        const before = journalSize(directory);
        const file = storageOf(directory) === 'disk' ? await compactFile(directory) : undefined;
        if (file === undefined || file === null) {
            await checkpoint(directory, options);
        }
        const after = journalSize(directory);
        const text = `Journal: ${ size(before) } before, ${ size(after) } now\n${ describe(file) }`;
        await output.answer({ before, after, file }, () => text);
    },
};

/** Brings the files up to date. */
async function checkpoint(directory, options) {
    try {
        await writing(directory, options, (datastore) => {
            const { storeOf } = require('../../lib/engine.js');
            return storeOf(datastore._db).checkpoint();
        });
    } catch (error) {
        // A key-value store is for those who have it open to bring up to date.
        if (error.code !== 'ASSERTION' || storageOf(directory) !== 'disk') {
            throw error;
        }
    }
}

/** Null while others have it open. */
async function compactFile(directory) {
    const { compact } = require('../../lib/maintenance.js');
    try {
        return await compact(directory, { lockTimeout: 0 });
    } catch (error) {
        if (error.code === 'LOCKED') {
            return null;
        }
        throw error;
    }
}

function describe(file) {
    switch (file) {
        case undefined:
            return '';
        case null:
            return 'Data file: as it was, since others have it open\n';
        default:
            return `Data file: ${ file.before } bytes before, ${ file.after } now\n`;
    }
}

function size({ segments, bytes }) {
    return `${ segments } ${ segments === 1 ? 'segment' : 'segments' } of ${ bytes } bytes`;
}
