'use strict';

const fs = require('node:fs');
const path = require('node:path');

const DATA_FILE = 'data.redb';
/** Is the data file, where a repair was cut off before it had that name. */
const REPAIRED_FILE = '.data.redb-repaired';
const INTERNAL_DIRECTORY = '.datastore';

/** What stands for the directory of a datastore that has none. */
const IN_MEMORY = ':memory:';

/** In which form a directory has its documents: `'disk'` with a data file, otherwise `'files'`. */
function storageOf(directory) {
    const isThere = (name) => fs.existsSync(path.join(directory, name));
    return isThere(DATA_FILE) || isThere(REPAIRED_FILE) ? 'disk' : 'files';
}

/** How large the journal of a directory is: `{ segments, bytes }`. Others may be writing. */
function journalSize(directory) {
    const internal = path.join(directory, INTERNAL_DIRECTORY);
    const names = fs.existsSync(internal) ? fs.readdirSync(internal) : [];
    const sizes = names
        .filter((name) => /^journal-[0-9a-f]{16}\.log$/.test(name))
        .map((name) => fs.statSync(path.join(internal, name), { throwIfNoEntry: false })?.size)
        .filter((size) => size !== undefined);
    return { segments: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

module.exports = { DATA_FILE, IN_MEMORY, INTERNAL_DIRECTORY, journalSize, storageOf };
