'use strict';

const fs = require('node:fs');
const { onDirectory } = require('../command.js');
const { interruptible } = require('../interrupt.js');
const { assertOutside, writing } = require('../open.js');
const { withProgress } = require('../progress.js');

module.exports = {
    name: 'backup',
    summary: 'Writes a backup of the whole datastore to one file',
    details: 'Compressed and checksummed, of one moment, while applications go on. With --since only what '
        + 'changed after another backup was made.',
    examples: [
        ['backup ./data monday.backup', 'everything'],
        ['backup ./data tuesday.backup --since monday.backup', 'what has changed since'],
    ],
    define: (command) => onDirectory(command)
        .argument('<file>', 'where to write')
        .option('--since <file>', 'an earlier backup, which this one goes on from'),
    async run({ output }, directory, file, options) {
        assertOutside(directory, file);
        const { since } = options;
        const report = await interruptible((signal) => withProgress('Backing up', (progress) => {
            return writing(directory, options, (datastore) => {
                return datastore.backup(file, { since, signal, onProgress: progress.update });
            });
        }));
        const answer = { file, bytes: fs.statSync(file).size, ...report };
        await output.answer(answer, ({ bytes }) => `Backed up to ${ file }, ${ bytes } bytes\n`);
    },
};
