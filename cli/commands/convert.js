'use strict';

const { Option } = require('commander');
const { onDirectory } = require('../command.js');
const { interruptible } = require('../interrupt.js');
const { assertDatastore } = require('../open.js');
const { withProgress } = require('../progress.js');

module.exports = {
    name: 'convert',
    summary: 'Moves a datastore between JSON files and a data file',
    details: 'Nobody else may have the directory open: exit code 4 then. All documents are copied with '
        + 'their revisions and compared, and then the copy takes the place of the old one, which is '
        + 'removed. It takes the space of both meanwhile. If it is killed, one of them is there and '
        + 'whole, and the next time it goes on.',
    examples: [
        ['convert ./data --to disk', 'one data file, which may be larger than memory'],
        ['convert ./data --to files', 'a JSON file for each document'],
    ],
    define: (command) => onDirectory(command)
        .addOption(new Option('--to <storage>', 'what it is to become').choices(['disk', 'files'])
            .makeOptionMandatory()),
    async run({ output }, directory, options) {
        assertDatastore(directory, options);
        const { convert } = require('../../index.cjs');
        const { to, lockTimeout } = options;
        const done = await interruptible((signal) => withProgress('Converting', (progress) => {
            const onProgress = ({ phase, done: documents, total }) => {
                // Half of it is copying, the other half is comparing.
                progress.update(phase === 'copy' ? documents : total + documents, 2 * total);
            };
            return convert(directory, { to, lockTimeout, signal, onProgress });
        }));
        await output.answer(done, describe);
    },
};

function describe({ directory, to, converted, documents }) {
    if (!converted) {
        return `${ directory } has the storage '${ to }' already\n`;
    }
    const what = documents === 1 ? '1 document' : `${ documents } documents`;
    return `Converted ${ what } to the storage '${ to }'\n`;
}
