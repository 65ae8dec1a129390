'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { onDirectory } = require('../command.js');
const { DATA_FILE, INTERNAL_DIRECTORY, journalSize, storageOf } = require('../../lib/storage-of.js');
const { reading } = require('../open.js');

module.exports = {
    name: 'stats',
    summary: 'Prints figures about a datastore',
    details: 'Its storage, how many documents there are, the segments and bytes of its journal, the bytes of '
        + 'its data file, if it has one, and how many files lie in quarantine.',
    examples: [
        ['stats ./data', 'for people'],
        ['stats ./data --json | jq .documents', 'for programs'],
    ],
    define: onDirectory,
    async run({ output }, directory, options) {
        const { documents } = await reading(directory, options, (datastore) => datastore.stats());
        const { segments, bytes } = journalSize(directory);
        const storage = storageOf(directory);
        const figures = {
            directory: path.resolve(directory),
            storage,
            documents,
            journalSegments: segments,
            journalBytes: bytes,
            ...(storage === 'disk' && { dataFileBytes: fs.statSync(path.join(directory, DATA_FILE)).size }),
            quarantined: countFiles(path.join(directory, INTERNAL_DIRECTORY, 'quarantine')),
        };
        await output.answer(figures, (all) => table(all));
    },
};

function countFiles(directory) {
    return fs.existsSync(directory) ? fs.readdirSync(directory).length : 0;
}

function table(figures) {
    const width = Math.max(...Object.keys(figures).map((name) => name.length));
    const rows = Object.entries(figures).map(([name, value]) => `${ name.padEnd(width) }  ${ value }\n`);
    return rows.join('');
}
