'use strict';

const { itemsOf, withRange } = require('../arguments.js');
const { onDirectory } = require('../command.js');
const { reading } = require('../open.js');

module.exports = {
    name: 'keys',
    summary: 'Prints the keys, one on a line',
    details: 'In their order, by UTF-16 code unit. A key may hold any character, a line break too: with '
        + '--json they are JSON strings, with --null each ends with a NUL character.',
    examples: [
        ['keys ./data', 'all keys'],
        ['keys ./data --prefix user: --reverse --limit 10', 'the last ten users'],
        ['keys ./data --null | xargs -0 -n1 echo', 'whatever the keys hold'],
    ],
    define: (command) => withRange(onDirectory(command))
        .option('--null', 'end keys with NUL, not with a line break'),
    async run({ output }, directory, options) {
        const end = options.null && !output.json ? '\0' : '\n';
        await reading(directory, options, async (datastore) => {
            for await (const { key } of itemsOf(datastore, options, { includeDocuments: false })) {
                await output.write(`${ output.json ? JSON.stringify(key) : key }${ end }`);
            }
        });
    },
};
