'use strict';

const { Option } = require('commander');
const { onAnyDirectory } = require('../command.js');
const { interruptible } = require('../interrupt.js');
const { assertReadable, writing } = require('../open.js');
const { withProgress } = require('../progress.js');
const { SOURCES } = require('../sources.js');

const CONFLICTS = ['error', 'skip', 'overwrite'];

module.exports = {
    name: 'import',
    summary: 'Stores the documents of a file',
    details: 'JSON Lines as `export` writes them, also compressed; - for standard input. A missing '
        + 'directory is made. New documents keep the revision that they bring, replaced ones get their '
        + 'next one. Documents are stored a thousand at a time: what came before an error stays, and '
        + '--conflict skip goes on from there.',
    examples: [
        ['import ./data documents.jsonl', 'into an empty datastore, or beside other documents'],
        ['import ./data documents.jsonl.gz --conflict overwrite', 'in place of what is there'],
        ['import ./copy - < documents.jsonl', 'from standard input'],
        ['import ./data users.db --from nedb', 'what another store has written; docs/import.md has more'],
    ],
    define: (command) => onAnyDirectory(command)
        .argument('<file>', 'where to read; - for standard input')
        .addOption(new Option('--from <format>', 'what the file is')
            .choices(Object.keys(SOURCES)).default('jsonl'))
        .addOption(new Option('--conflict <what>', 'what to do where there is a document already')
            .choices(CONFLICTS).default('error')),
    async run({ output }, directory, file, options) {
        const { from, conflict } = options;
        assertReadable(file);
        const counts = await interruptible((signal) => withProgress('Importing', (progress) => {
            return writing(directory, { ...options, create: true }, (datastore) => {
                return SOURCES[from](datastore, file, { conflict, signal, onProgress: progress.update });
            });
        }));
        await output.answer(counts, describe);
    },
};

function describe({ imported, overwritten, skipped }) {
    const parts = [`Imported ${ imported } ${ imported === 1 ? 'document' : 'documents' }`];
    if (overwritten > 0) {
        parts.push(`${ overwritten } in place of others`);
    }
    if (skipped > 0) {
        parts.push(`left out ${ skipped } that were there already`);
    }
    return `${ parts.join(', ') }\n`;
}
