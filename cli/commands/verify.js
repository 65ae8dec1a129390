'use strict';

const { onDirectory } = require('../command.js');
const { NO, OK } = require('../exit-codes.js');
const { assertDatastore } = require('../open.js');
const { withProgress } = require('../progress.js');

module.exports = {
    name: 'verify',
    summary: 'Checks every file and every record of the journal',
    details: 'Changes nothing, and works beside running applications. Prints everything that keeps the '
        + 'directory from being loaded, or documents of a data file from being read, with the file and '
        + 'what is wrong with it: exit code 1 then. Notes are no damage: what a crash left, and the next '
        + 'process that writes takes care of.',
    examples: [
        ['verify ./data', 'all findings'],
        ['verify ./data --json | jq -r .findings[].file', 'the files to look at'],
    ],
    define: onDirectory,
    async run({ output }, directory, options) {
        assertDatastore(directory, options);
        const { verify } = require('../../lib/maintenance.js');
        const { lockTimeout } = options;
        const found = await withProgress('Verifying', (progress) => {
            return verify(directory, { lockTimeout, onProgress: progress.update });
        });
        const ok = found.findings.length === 0;
        await output.answer({ ok, ...found }, describe);
        return ok ? OK : NO;
    },
};

function describe({ findings, notes, documents, files, segments, commits, processes }) {
    const lines = [
        ...findings.map(({ file, problem }) => `${ file }: ${ problem }`),
        ...notes.map(({ file, problem }) => `note: ${ file }: ${ problem }`),
    ];
    const journal = `${ count(commits, 'commit') } in ${ count(segments, 'segment') } of the journal`;
    const verdict = findings.length === 0 ? 'Nothing is wrong' : `${ count(findings.length, 'finding') }`;
    const what = `${ count(documents, 'document') } in ${ count(files, 'file') }, ${ journal }`;
    const open = processes.length === 0 ? '' : `Open in: process ${ processes.join(', ') }`;
    return [...lines, `${ verdict }: ${ what }`, open].filter((line) => line !== '').join('\n').concat('\n');
}

function count(number, what) {
    return `${ number } ${ what }${ number === 1 ? '' : 's' }`;
}
