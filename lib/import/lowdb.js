'use strict';

const { CorruptError } = require('../errors.js');
const { quote } = require('../describe.js');
const { isObject } = require('../options.js');
const { defaultKey, importOptions, importRecords } = require('./importer.js');
const { readText } = require('./lines.js');

/**
 * A JSON file of lowdb. An array of objects at the top is a collection, whose ids are the elements' `id` or
 * else their index; so is an object of objects, whose ids are its names. An object of anything else is one
 * document, and any other value is the document `{ value }`, both with the name as key.
 */
async function importLowdb(datastore, file, options) {
    const checked = importOptions(datastore, options, {
        key: defaultKey,
        document: (record) => record.document,
        parse: JSON.parse,
    });
    const tree = parsed(await readText(file), file, checked);
    const source = { documents: 0, collections: {} };
    return importRecords(datastore, records(tree, file, source), checked, source);
}

function parsed(text, file, { parse }) {
    try {
        return parse(text);
    } catch (error) {
        const message = `${ quote(file) } is not JSON: ${ error.message }`;
        throw new CorruptError(`${ message }. Give parse for another format`, { cause: error });
    }
}

async function* records(tree, file, source) {
    const all = [...recordsOf(tree)];
    source.documents = all.length;
    for (const [i, record] of all.entries()) {
        const collection = record.collection ?? '';
        source.collections[collection] = (source.collections[collection] ?? 0) + 1;
        const place = collection === '' ? record.id : `${ collection }.${ record.id }`;
        yield { where: `${ quote(file) } at ${ place }`, share: i / all.length, record };
    }
}

function* recordsOf(tree) {
    if (!isObject(tree)) {
        yield* collectionOf(null, tree);
        return;
    }
    for (const [name, value] of Object.entries(tree)) {
        yield* collectionOf(name, value);
    }
}

function* collectionOf(name, value) {
    if (Array.isArray(value) && value.every(isObject)) {
        for (const [index, document] of value.entries()) {
            const hasId = ['string', 'number'].includes(typeof document.id);
            yield { collection: name, id: String(hasId ? document.id : index), document };
        }
    } else if (isObject(value) && Object.keys(value).length > 0 && Object.values(value).every(isObject)) {
        for (const [id, document] of Object.entries(value)) {
            yield { collection: name, id, document };
        }
    } else {
        yield { collection: null, id: name ?? 'value', document: isObject(value) ? value : { value } };
    }
}

module.exports = { importLowdb };
