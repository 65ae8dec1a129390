'use strict';

const { Option } = require('commander');
const { onAnyDirectory } = require('../command.js');
const { interruptible } = require('../interrupt.js');
const { assertReadable, writing } = require('../open.js');
const { withProgress } = require('../progress.js');

module.exports = {
    name: 'restore',
    summary: 'Stores the documents of backups',
    details: 'All or nothing. Several files are a full backup and those that go on from it, in their '
        + 'order. A missing directory is made.',
    examples: [
        ['restore ./new monday.backup tuesday.backup', 'into a new directory'],
        ['restore ./data monday.backup --conflict skip', 'only documents that are missing'],
    ],
    define: (command) => onAnyDirectory(command)
        .argument('<file...>', 'the backups, oldest first')
        .addOption(new Option('--conflict <what>', 'what to do where there is a document already')
            .choices(['error', 'skip', 'overwrite']).default('error')),
    async run({ output }, directory, files, options) {
        const { conflict } = options;
        files.forEach(assertReadable);
        const report = await interruptible((signal) => withProgress('Restoring', (progress) => {
            const onProgress = ({ done, total }) => progress.update(done, total);
            return writing(directory, { ...options, create: true }, (datastore) => (
                datastore.restore(files, { conflict, signal, onProgress })
            ));
        }));
        await output.answer({ files, ...report }, describe);
    },
};

function describe({ documents, skipped }) {
    const left = skipped > 0 ? `, left out ${ skipped } that were there already` : '';
    return `Restored ${ documents } ${ documents === 1 ? 'document' : 'documents' }${ left }\n`;
}
