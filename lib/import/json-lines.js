'use strict';

const { quote } = require('../describe.js');
const { isObject } = require('../options.js');
const { Invalid, importOptions, importRecords, unreadable } = require('./importer.js');
const { readLines } = require('./lines.js');

/** A file with one `{ "key", "document" }` per line, compressed by gzip or not. Blank lines are left out. */
async function importJsonLines(datastore, file, options) {
    const checked = importOptions(datastore, options, {
        key: (record) => record.id,
        document: (record) => record.document,
        parse: JSON.parse,
    });
    const source = { lines: 0 };
    return importRecords(datastore, records(file, checked, source), checked, source);
}

async function* records(file, options, source) {
    for await (const { line, number, share } of readLines(file)) {
        source.lines = number;
        if (line.trim() !== '') {
            const where = `${ quote(file) } line ${ number }`;
            yield { where, share, record: recordOf(line, where, options) };
        }
    }
}

function recordOf(line, where, options) {
    let value;
    try {
        value = options.parse(line);
    } catch (error) {
        return unreadable(where, error, options);
    }
    return isObject(value)
        ? { ...value, collection: null, id: value.key, document: value.document }
        : new Invalid(`${ where }: expected { "key", "document" }`);
}

module.exports = { importJsonLines };
