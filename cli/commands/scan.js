'use strict';

const { itemsOf, withRange } = require('../arguments.js');
const { onDirectory } = require('../command.js');
const { jsonLine } = require('../json-lines.js');
const { reading } = require('../open.js');

module.exports = {
    name: 'scan',
    summary: 'Prints documents as JSON Lines',
    details: 'One {"key":...,"document":...} on a line, all as they were at one moment.',
    examples: [
        ['scan ./data', 'all documents'],
        ['scan ./data --prefix user: | jq -r .document.name', 'a property of some of them'],
    ],
    define: (command) => withRange(onDirectory(command)),
    async run({ output }, directory, options) {
        await reading(directory, options, async (datastore) => {
            for await (const item of itemsOf(datastore, options, { includeDocuments: true })) {
                await output.write(jsonLine(item));
            }
        });
    },
};
