'use strict';

const { onDirectory } = require('../command.js');
const { journalSize } = require('../../lib/storage-of.js');
const { writing } = require('../open.js');

module.exports = {
    name: 'compact',
    summary: 'Brings all files up to date and drops what the journal no longer needs',
    details: 'Happens by itself in the background, and whenever the last process closes a datastore: this '
        + 'does it now, before a backup of the files, say. A segment that is being written stays while '
        + 'applications run.',
    examples: [['compact ./data', 'now, beside running applications too']],
    define: onDirectory,
    async run({ output }, directory, options) {
        const before = journalSize(directory);
        await writing(directory, options, (datastore) => {
            const { storeOf } = require('../../lib/engine.js');
            return storeOf(datastore._db).checkpoint();
        });
        const after = journalSize(directory);
        const text = `Journal: ${ size(before) } before, ${ size(after) } now\n`;
        await output.answer({ before, after }, () => text);
    },
};

function size({ segments, bytes }) {
    return `${ segments } ${ segments === 1 ? 'segment' : 'segments' } of ${ bytes } bytes`;
}
