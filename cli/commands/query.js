'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { json, limit } = require('../arguments.js');
const { onDirectory } = require('../command.js');
const { UsageError, at } = require('../errors.js');
const { reading } = require('../open.js');

const VIEW = 'query';

module.exports = {
    name: 'query',
    summary: 'Prints the rows of a view',
    details: 'The file is a JavaScript module, ESM or CommonJS, that exports the map function: as the '
        + 'default export, as `map`, or as the module itself. It gets each document and a function '
        + '`emit(key, value)`. Rows are printed in the order of their keys: key, value and document key '
        + 'as JSON, with tabs between; with --json an object on each line. Keys on the command line are '
        + 'JSON too.',
    examples: [
        ['query ./data --map by-city.mjs', 'all rows'],
        ['query ./data --map by-city.mjs --key \'"Oslo"\'', 'the rows of one key'],
        ['query ./data --map by-tag.cjs --start-key \'["news"]\' --end-key \'["news",{}]\'', 'of a range'],
    ],
    define: (command) => onDirectory(command)
        .requiredOption('--map <file>', 'the module with the map function')
        .option('--key <json>', 'only this key', json)
        .option('--start-key <json>', 'from this key on', json)
        .option('--end-key <json>', 'up to this key, which is included', json)
        .option('--limit <count>', 'at most so many rows', limit)
        .option('--descending', 'from the last row to the first')
        .option('--include-documents', 'with the documents'),
    async run({ output }, directory, options) {
        const { key, startKey, endKey, limit: most = Infinity, descending, includeDocuments } = options;
        const map = await mapFunction(options.map);
        await reading(directory, options, async (datastore) => {
            datastore.setView(VIEW, { map });
            const bounds = { key: key?.value, startKey: startKey?.value, endKey: endKey?.value };
            const query = { ...bounds, limit: most, descending, includeDocuments };
            const { items } = await datastore.queryView(VIEW, query);
            for (const item of items) {
                await output.write(`${ output.json ? JSON.stringify(item) : columns(item) }\n`);
            }
            tellFailures(output, (await datastore.stats()).views[VIEW]);
        });
    },
};

/** The map function that a module exports. */
async function mapFunction(file) {
    const namespace = await load(file);
    const candidates = [namespace.default, namespace.map, namespace.default?.map, namespace.default?.default];
    const map = candidates.find((candidate) => typeof candidate === 'function');
    if (map === undefined) {
        throw new UsageError(`${ file } exports no map function: export it as default or as map`);
    }
    return map;
}

async function load(file) {
    if (!fs.existsSync(file)) {
        throw new UsageError(`${ file } could not be loaded: there is no such file`);
    }
    try {
        return await import(pathToFileURL(path.resolve(file)).href);
    } catch (error) {
        const problem = error instanceof Error ? error : new Error(String(error));
        throw new UsageError(at(`${ file } could not be loaded`, problem).message, { cause: error });
    }
}

function columns({ key, value, documentKey, document }) {
    const cells = document === undefined ? [key, value, documentKey] : [key, value, documentKey, document];
    return cells.map((cell) => JSON.stringify(cell) ?? '').join('\t');
}

function tellFailures(output, { failures, failed }) {
    if (failures > 0) {
        const [{ key, message }] = failed;
        const count = failures === 1 ? '1 document' : `${ failures } documents`;
        const first = `first for ${ JSON.stringify(key) }: ${ message }`;
        const text = `The map function failed for ${ count }, without rows now; ${ first }`;
        output.warn(text, { failures, failed });
    }
}
