'use strict';

const { revision } = require('../arguments.js');
const { onDirectory } = require('../command.js');
const { writing } = require('../open.js');

module.exports = {
    name: 'delete',
    summary: 'Removes a document',
    details: 'Exit code 1 if there is none.',
    examples: [
        ['delete ./data user:1', 'whatever its revision is'],
        ['delete ./data user:1 --rev 3', 'only if nobody has changed it since revision 3'],
    ],
    define: (command) => onDirectory(command)
        .argument('<key>', 'the key of the document')
        .option('--rev <revision>', 'the revision that the document has to be at', revision),
    async run({ output }, directory, key, options) {
        await writing(directory, options, async (datastore) => {
            const { _rev } = await datastore.getItem(key);
            await datastore.deleteItem(key, { rev: options.rev });
            return _rev;
        });
        await output.answer({ key, deleted: true }, () => `Removed ${ key }\n`);
    },
};
