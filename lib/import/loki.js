'use strict';

const fs = require('node:fs');
const { CorruptError } = require('../errors.js');
const { quote } = require('../describe.js');
const { given, isObject, oneOf } = require('../options.js');
const { Invalid, defaultKey, importOptions, importRecords, unreadable } = require('./importer.js');
const { readLines, readText } = require('./lines.js');

/** What stands between the parts of a database that LokiJS saved as `'destructured'`. */
const DELIMITER = '$<\n';

/**
 * A database file of LokiJS: serialized as one JSON text, pretty or not, destructured, or by the structured
 * adapter, which puts each collection into a file of its own (`app.db.0`, `app.db.1` ...).
 */
async function importLoki(datastore, file, options) {
    const metadata = oneOf(given(options, 'options').metadata ?? 'drop', 'metadata', ['drop', 'keep']);
    const checked = importOptions(datastore, options, {
        key: defaultKey,
        document: ({ document }) => (metadata === 'keep' ? document : withoutMetadata(document)),
        parse: JSON.parse,
    });
    const [shell, ...parts] = await readParts(file);
    const database = databaseOf(shell, file, checked);
    const source = { documents: 0, collections: {} };
    const all = records(database, parts, { file, options: checked, source });
    return importRecords(datastore, all, checked, source);
}

function withoutMetadata({ $loki, meta, ...document }) {
    return document;
}

/** The text of the database, and of its documents where these come after it. */
async function readParts(file) {
    return (await readText(file)).split(DELIMITER);
}

function databaseOf(text, file, { parse }) {
    let database;
    try {
        database = parse(text);
    } catch (error) {
        throw new CorruptError(`${ quote(file) } is not JSON: ${ error.message }`, { cause: error });
    }
    const isWhole = isObject(database) && Array.isArray(database.collections)
        && database.collections.every((one) => typeof one?.name === 'string' && Array.isArray(one.data));
    if (!isWhole) {
        throw new CorruptError(`${ quote(file) } is no database of LokiJS: it has no collections`);
    }
    return database;
}

async function* records({ collections }, parts, { file, options, source }) {
    let part = 0;
    for (const [index, { name, data }] of collections.entries()) {
        source.collections[name] = 0;
        const end = parts.indexOf('', part);
        const texts = parts.slice(part, end === -1 ? parts.length : end);
        part += texts.length + 1;
        const found = documents({ data, texts, file, partition: `${ file }.${ index }` }, options);
        for await (const { where, document } of found) {
            source.documents += 1;
            source.collections[name] += 1;
            const record = recordOf(document, name, where);
            yield { where: `${ where } (${ quote(name) })`, share: index / collections.length, record };
        }
    }
}

function recordOf(document, collection, where) {
    if (document instanceof Invalid) {
        return document;
    }
    return isObject(document) && Number.isInteger(document.$loki)
        ? { collection, id: String(document.$loki), document }
        : new Invalid(`${ where }: expected an object with a $loki number`);
}

/** The documents of a collection, wherever they are. */
async function* documents({ data, texts, file, partition }, options) {
    for (const [i, document] of data.entries()) {
        yield { where: `${ quote(file) } data[${ i }]`, document };
    }
    for (const [i, text] of texts.entries()) {
        const where = `${ quote(file) } part ${ i + 1 }`;
        yield { where, document: documentOf(text, where, options) };
    }
    if (data.length + texts.length === 0 && fs.existsSync(partition)) {
        for await (const { line, number } of readLines(partition)) {
            if (line !== '') {
                const where = `${ quote(partition) } line ${ number }`;
                yield { where, document: documentOf(line, where, options) };
            }
        }
    }
}

function documentOf(text, where, options) {
    try {
        return options.parse(text);
    } catch (error) {
        return unreadable(where, error, options);
    }
}

module.exports = { importLoki };
