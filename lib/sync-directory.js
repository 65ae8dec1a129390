'use strict';

const fs = require('node:fs/promises');

/** Makes the names in a directory durable. */
async function syncDirectory(directory) {
    if (process.platform === 'win32') {
        return; // Directories can't be opened there.
    }
    const handle = await fs.open(directory, 'r');
    try {
        await handle.sync();
    } finally {
        await handle.close();
    }
}

module.exports = { syncDirectory };
