'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { ensureDependencies } = require('../../scripts/prepare.cjs');
const { allDocuments } = require('./store.js');

/** Every document of a store by key, without revisions. */
async function documentsOf(store) {
    const documents = [...await allDocuments(store)];
    return Object.fromEntries(documents.map(([key, { _rev, ...document }]) => [key, document]));
}

/** Names and checksums of a file with its companions, or of a whole directory. */
function checksums(target) {
    const isDirectory = fs.statSync(target).isDirectory();
    const directory = isDirectory ? target : path.dirname(target);
    const names = fs.readdirSync(directory).filter((name) => isDirectory
        || name.startsWith(path.basename(target)));
    return names.sort().map((name) => {
        const file = path.join(directory, name);
        return [name, crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex')];
    });
}

/** Imports a source which must stay as it is, and checks what came. */
async function importUnchanged({ store, importer, file, options, expected }) {
    const before = checksums(file);
    const result = await importer(store, file, options);
    assert.deepEqual(checksums(file), before, 'the source is only read');
    assert.deepEqual(await documentsOf(store), expected);
    assert.equal(result.imported, Object.keys(expected).length);
    assert.deepEqual([result.skipped, result.invalid, result.problems], [0, 0, []]);
    return result;
}

/** A Node that has `node:sqlite`: this one, or one from the registry; undefined where there is none. */
function nodeWithSqlite() {
    const [major, minor] = process.versions.node.split('.').map(Number);
    if (major > 22 || (major === 22 && minor >= 13)) {
        return process.execPath;
    }
    const directory = path.join(__dirname, '..', 'newer-node');
    const name = `node-${ process.platform }-${ process.arch }`;
    const { optionalDependencies } = require(path.join(directory, 'package.json'));
    if (!Object.hasOwn(optionalDependencies, name)) {
        return undefined;
    }
    ensureDependencies(directory);
    return path.join(directory, 'node_modules', name, 'bin', 'node');
}

module.exports = { checksums, documentsOf, importUnchanged, nodeWithSqlite };
