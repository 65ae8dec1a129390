'use strict';

const fs = require('node:fs');
const { AssertionError, StorageError } = require('../errors.js');
const { quote } = require('../describe.js');
const { isObject } = require('../options.js');
const { Invalid, importOptions, importRecords, unreadable } = require('./importer.js');
const { readLines } = require('./lines.js');

/**
 * A file of NeDB: one record per line, of which the last one for an `_id` counts. It is read twice, so that
 * no more than the ids are in memory.
 */
async function importNedb(datastore, file, options) {
    const checked = importOptions(datastore, options, {
        key: (record) => record.id,
        document: (record) => record.document,
        parse: JSON.parse,
    });
    const source = { lines: 0, documents: 0, deleted: 0, indexes: 0 };
    return importRecords(datastore, records(dataFile(file), checked, source), checked, source);
}

/** NeDB renames `file~` to `file` to finish a compaction; a crash may leave only the former. */
function dataFile(file) {
    return !fs.existsSync(file) && fs.existsSync(`${ file }~`) ? `${ file }~` : file;
}

async function* records(file, options, source) {
    const before = await stateOf(file);
    const last = await lastLines(file, options, source);
    source.documents = last.size;
    for await (const { line, number, share } of readLines(file)) {
        const where = `${ quote(file) } line ${ number }`;
        if (line !== '') {
            const record = recordOf(line, where, options);
            if (record instanceof Invalid || last.get(record.id) === number) {
                yield { where, share, record };
            }
        }
    }
    if (await stateOf(file) !== before) {
        const advice = 'Close the application that writes it, and import again';
        throw new StorageError(`${ quote(file) } was changed while it was imported. ${ advice }`);
    }
}

/** By id, the number of the line that counts; none for what was deleted. */
async function lastLines(file, options, source) {
    const last = new Map();
    for await (const { line, number } of readLines(file)) {
        source.lines = number;
        const record = line === '' ? null : recordOf(line, `${ quote(file) } line ${ number }`, options);
        if (record?.isIndex) {
            source.indexes += 1;
        } else if (record?.isDeleted) {
            source.deleted += 1;
            last.delete(record.id);
        } else if (record?.id !== undefined) {
            last.set(record.id, number);
        }
        options.signal?.throwIfAborted();
    }
    return last;
}

function recordOf(line, where, options) {
    let value;
    try {
        value = withDates(options.parse(line));
    } catch (error) {
        return unreadable(where, error, options);
    }
    if (isObject(value) && (value.$$indexCreated !== undefined || value.$$indexRemoved !== undefined)) {
        return { isIndex: true };
    }
    if (!isObject(value) || !['string', 'number'].includes(typeof value._id)) {
        return new Invalid(`${ where }: expected a document with an _id`);
    }
    const id = String(value._id);
    return value.$$deleted === true ? { id, isDeleted: true } : { collection: null, id, document: value };
}

/** Dates are `{ $$date: milliseconds }` there; here they are ISO strings. */
function withDates(value) {
    if (Array.isArray(value)) {
        return value.map(withDates);
    }
    if (!isObject(value)) {
        return value;
    }
    if (Object.hasOwn(value, '$$date')) {
        return isoDate(value.$$date);
    }
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withDates(item)]));
}

function isoDate(milliseconds) {
    const date = new Date(milliseconds);
    if (Number.isNaN(date.getTime())) {
        throw new AssertionError(`there is no date { "$$date": ${ JSON.stringify(milliseconds) } }`);
    }
    return date.toISOString();
}

async function stateOf(file) {
    const { size, mtimeMs } = await fs.promises.stat(file).catch(() => ({}));
    return `${ size } ${ mtimeMs }`;
}

module.exports = { importNedb };
