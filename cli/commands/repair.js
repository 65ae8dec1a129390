'use strict';

const { onDirectory } = require('../command.js');
const { assertDatastore } = require('../open.js');
const { withProgress } = require('../progress.js');

module.exports = {
    name: 'repair',
    summary: 'Makes a damaged directory one that can be loaded',
    details: 'Nothing is deleted: what is in the way is moved to .datastore/quarantine/. Of a damaged '
        + 'journal, the newest state of each document that can be read goes into its file first, unless '
        + 'a file has a higher revision. Of a damaged data file, what is right goes into a new one, and '
        + 'what is lost is named. Nobody else may have the directory open: exit code 4 then. A '
        + 'sound directory is left as it is.',
    examples: [
        ['repair ./data --dry-run', 'what would be done'],
        ['repair ./data', 'does it, and tells where things went'],
    ],
    define: (command) => onDirectory(command)
        .option('--dry-run', 'change nothing, only say what would be done'),
    async run({ output }, directory, options) {
        assertDatastore(directory, options);
        const { repair } = require('../../lib/maintenance.js');
        const { lockTimeout, dryRun = false } = options;
        const done = await withProgress('Repairing', (progress) => {
            return repair(directory, { lockTimeout, dryRun, onProgress: progress.update });
        });
        await output.answer({ dryRun, ...done }, describe);
    },
};

function describe({ dryRun, moved, written, lost }) {
    const lines = moved.map(({ file, problem, movedTo }) => {
        return `${ file }: ${ problem }: ${ dryRun ? 'would be moved' : 'moved' } to ${ movedTo }`;
    });
    if (written > 0) {
        const what = dryRun ? 'would be written' : 'written';
        lines.push(`Documents of the journal ${ what } to where they belong: ${ written }`);
    }
    lines.push(...lost.map(({ problem }) => `lost: ${ problem }`));
    return `${ lines.length === 0 ? 'Nothing to repair' : lines.join('\n') }\n`;
}
