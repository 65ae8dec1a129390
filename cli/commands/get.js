'use strict';

const { onDirectory } = require('../command.js');
const { reading } = require('../open.js');

module.exports = {
    name: 'get',
    summary: 'Prints a document',
    details: 'With its revision, `_rev`. Exit code 1 if there is none. A key that begins with a dash comes '
        + 'behind --.',
    examples: [
        ['get ./data user:1', 'a document'],
        ['get ./data user:1 --json | jq .name', 'a property of it'],
    ],
    define: (command) => onDirectory(command).argument('<key>', 'the key of the document'),
    async run({ output }, directory, key, options) {
        const document = await reading(directory, options, (datastore) => datastore.getItem(key));
        await output.answer(document, (value) => `${ JSON.stringify(value, null, 2) }\n`);
    },
};
