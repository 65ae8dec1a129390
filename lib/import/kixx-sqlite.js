'use strict';

const { AssertionError, StorageError } = require('../errors.js');
const { quote } = require('../describe.js');
const { defaultKey, importOptions, importRecords, unreadable } = require('./importer.js');
const { fileSize } = require('./lines.js');
const peers = require('./peer.js');

/** Later versions crash Node 20. */
const FOR_OLD_NODE = 'better-sqlite3@12';

/** How many rows are read at once. */
const CHUNK = 500;

const COLUMNS = ['type', 'id', 'sort_key', 'version', 'created_at', 'updated_at', 'doc'];

const NEXT_ROWS = `SELECT ${ COLUMNS.join(', ') } FROM documents
    WHERE type > ? OR (type = ? AND id > ?) ORDER BY type, id LIMIT ${ CHUNK }`;

/**
 * The SQLite file of Kixx's newer document store, opened for reading only: with `node:sqlite` where Node has
 * it, else with the package `better-sqlite3`. All rows are of one moment.
 */
async function importKixxSqlite(datastore, file, options) {
    const checked = importOptions(datastore, options, {
        key: defaultKey, document: documentOf, parse: JSON.parse,
    });
    await fileSize(file);
    const source = { rows: 0, types: {} };
    const database = openDatabase(file);
    try {
        checkTable(database, file);
        // No writer comes in between from here on.
        database.exec('BEGIN');
        return await importRecords(datastore, records(database, file, checked, source), checked, source);
    } catch (error) {
        throw sqliteError(file, error);
    } finally {
        database.close();
    }
}

function openDatabase(file) {
    const sqlite = peers.builtin('node:sqlite');
    try {
        if (sqlite !== undefined) {
            return new sqlite.DatabaseSync(file, { readOnly: true });
        }
        const why = 'to read SQLite with a Node older than 22.13';
        const Database = peers.peer('better-sqlite3', why, FOR_OLD_NODE);
        return new Database(file, { readonly: true, fileMustExist: true });
    } catch (error) {
        throw sqliteError(file, error);
    }
}

function checkTable(database, file) {
    const found = database.prepare('SELECT name FROM pragma_table_info(?)').all('documents');
    const names = found.map(({ name }) => name);
    const missing = COLUMNS.filter((name) => !names.includes(name));
    if (missing.length > 0) {
        const lack = names.length === 0 ? 'a table documents' : `the columns ${ missing.join(', ') }`;
        throw new AssertionError(`${ quote(file) } is no document store of Kixx: it lacks ${ lack }`);
    }
}

async function* records(database, file, options, source) {
    const [{ total }] = database.prepare('SELECT count(*) AS total FROM documents').all();
    const next = database.prepare(NEXT_ROWS);
    let rows = next.all('', '', '');
    while (rows.length > 0) {
        for (const row of rows) {
            const where = `${ quote(file) } row ${ quote(`${ row.type } ${ row.id }`) }`;
            source.types[row.type] = (source.types[row.type] ?? 0) + 1;
            yield { where, share: source.rows / total, record: recordOf(row, where, options) };
            source.rows += 1;
        }
        const { type, id } = rows.at(-1);
        rows = next.all(type, type, id);
    }
}

function recordOf(row, where, options) {
    try {
        return {
            collection: row.type, id: row.id, sortKey: row.sort_key, version: row.version,
            createdAt: row.created_at, updatedAt: row.updated_at, document: options.parse(row.doc),
        };
    } catch (error) {
        return unreadable(where, error, options);
    }
}

/** The columns that Kixx keeps beside the document go back into it. */
function documentOf({ collection, id, sortKey, createdAt, updatedAt, document }) {
    const columns = { type: collection, id, ...sortKey === null ? {} : { sortKey } };
    return { createdAt, updatedAt, ...document, ...columns };
}

function sqliteError(file, error) {
    const isSqlite = error.code === 'ERR_SQLITE_ERROR' || error.name === 'SqliteError';
    return isSqlite
        ? new StorageError(`Cannot read ${ quote(file) }: ${ error.message }`, { cause: error }) : error;
}

module.exports = { importKixxSqlite };
