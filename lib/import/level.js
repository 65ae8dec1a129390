'use strict';

const fs = require('node:fs');
const { AssertionError, LockedError, StorageError } = require('../errors.js');
const { quote } = require('../describe.js');
const { defaultKey, importOptions, importRecords, unreadable } = require('./importer.js');
const { peer } = require('./peer.js');

/** How many entries are read at once. */
const CHUNK = 500;

const SUBLEVEL = /^!([^!]+)!/;

/**
 * A LevelDB directory, read with the package `classic-level`, or a database of `abstract-level` that is open.
 * LevelDB knows no opening for reading only: the directory is locked meanwhile, and LevelDB may rewrite its
 * own files there, though no entry changes. Import a copy of the directory to leave it as it is.
 */
async function importLevel(datastore, from, options) {
    const checked = importOptions(datastore, options, {
        key: levelKey,
        document: (record) => record.document,
        parse: (bytes) => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)),
    });
    const source = { entries: 0, sublevels: {} };
    const run = (level, name) => (
        importRecords(datastore, records(level, name, checked, source), checked, source));
    if (typeof from !== 'string') {
        return run(database(from), 'the database');
    }
    const level = await openLevel(from);
    try {
        return await run(level, quote(from));
    } finally {
        await level.close();
    }
}

function levelKey(record) {
    if (!Buffer.from(record.rawKey).equals(record.keyBytes)) {
        throw new AssertionError('its key is no UTF-8 text: say with the option key what to call it');
    }
    return defaultKey(record);
}

function database(value) {
    if (typeof value?.iterator !== 'function') {
        throw new AssertionError('from must be a directory or an open database of abstract-level');
    }
    return value;
}

async function openLevel(directory) {
    if (!fs.existsSync(`${ directory }/CURRENT`)) {
        throw new AssertionError(`${ quote(directory) } is no LevelDB directory: it has no file CURRENT`);
    }
    const { ClassicLevel } = peer('classic-level', 'to read a LevelDB directory');
    const level = new ClassicLevel(directory, { createIfMissing: false });
    try {
        await level.open();
        return level;
    } catch (error) {
        if (error.cause?.code === 'LEVEL_LOCKED') {
            const message = `${ quote(directory) } is open elsewhere: close it there, or import a copy`;
            throw new LockedError(message, { cause: error });
        }
        const reason = error.cause?.message ?? error.message;
        throw new StorageError(`Cannot open ${ quote(directory) }: ${ reason }`, { cause: error });
    }
}

async function* records(level, name, options, source) {
    const iterator = level.iterator({ keyEncoding: 'buffer', valueEncoding: 'buffer' });
    try {
        for (;;) {
            const entries = await iterator.nextv(CHUNK);
            if (entries.length === 0) {
                return;
            }
            for (const [key, value] of entries) {
                source.entries += 1;
                const rawKey = key.toString('utf8');
                const where = `${ name } key ${ quote(rawKey) }`;
                const record = recordOf({ keyBytes: key, rawKey, value, where }, options, source);
                yield { where, share: null, record };
            }
        }
    } finally {
        await iterator.close();
    }
}

function recordOf({ keyBytes, rawKey, value, where }, options, source) {
    const { sublevels, id } = splitKey(rawKey);
    const collection = sublevels.length === 0 ? null : sublevels.join(':');
    if (collection !== null) {
        source.sublevels[collection] = (source.sublevels[collection] ?? 0) + 1;
    }
    try {
        return { collection, id, rawKey, keyBytes, document: options.parse(value, rawKey) };
    } catch (error) {
        return unreadable(where, error, options);
    }
}

/** Keys of sublevels are `!name!key`, nested `!outer!!inner!key`. */
function splitKey(rawKey) {
    const sublevels = [];
    let id = rawKey;
    for (let match = SUBLEVEL.exec(id); match !== null; match = SUBLEVEL.exec(id)) {
        sublevels.push(match[1]);
        id = id.slice(match[0].length);
    }
    return { sublevels, id };
}

module.exports = { importLevel };
