'use strict';

const { onDirectory } = require('../command.js');
const { interruptible } = require('../interrupt.js');
const { assertWritable, reading } = require('../open.js');
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
        .option('--since <file>', 'an earlier backup, which this one goes on from')
        .option('--force', 'replace the file if it exists'),
    async run({ output }, directory, file, options) {
        assertWritable(directory, file, options);
        const { since, force: overwrite = false } = options;
        const report = await interruptible((signal) => withProgress('Backing up', (progress) => {
            const onProgress = ({ done, total }) => progress.update(done, total);
            return reading(directory, options, (datastore) => (
                datastore.backup(file, { since, overwrite, signal, onProgress })
            ));
        }));
        await output.answer({ file, ...report }, describe);
    },
};

function describe({ file, documents, deletions, since, bytes }) {
    const what = `${ documents } ${ documents === 1 ? 'document' : 'documents' }`;
    const changes = since === undefined || since === null ? '' : ` and ${ deletions } removed`;
    return `Backed up ${ what }${ changes } to ${ file }, ${ bytes } bytes\n`;
}
