'use strict';

const { Option } = require('commander');
const { documentArgument } = require('../arguments.js');
const { onAnyDirectory } = require('../command.js');
const { writing } = require('../open.js');

module.exports = {
    name: 'set',
    summary: 'Stores a document',
    details: 'The document is one JSON object. If it has a `_rev`, that has to be the current one: exit '
        + 'code 3 if it is not. A document without `_rev` replaces whatever is there.',
    examples: [
        ['set ./data user:1 \'{"name":"Jane"}\'', 'from the command line'],
        ['set ./data user:1 - < jane.json', 'from standard input'],
        ['set ./data user:1 \'{"name":"Jane"}\' --insert', 'only if there is none yet'],
        ['set ./new user:1 \'{"name":"Jane"}\' --create', 'in a directory that is made first'],
    ],
    define: (command) => onAnyDirectory(command)
        .argument('<key>', 'the key of the document')
        .argument('[json]', 'the document; - or nothing for standard input')
        .option('--create', 'make the directory if it is missing')
        .option('--insert', 'only where there is no document')
        .addOption(new Option('--overwrite', 'whatever the revision is').conflicts('insert')),
    async run({ output, stdin }, directory, key, json, options) {
        const document = await documentArgument(json, stdin);
        const advice = '. Use --create to make it';
        const stored = await writing(directory, { ...options, advice }, (datastore) => {
            return options.insert
                ? datastore.insertItem(key, document)
                : datastore.setItem(key, document, { checkConsistency: options.overwrite !== true });
        });
        const { _rev } = stored;
        await output.answer({ key, _rev }, () => `Stored ${ key } at revision ${ _rev }\n`);
    },
};
