'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const { kixx, allDocuments } = require('./store.js');
const { cleanup, newDirectory } = require('./temp.js');
const { Store } = require('../../lib/store.js');

/** A path for a backup, in a new directory with nothing else in it. */
function newBackupPath(t, name = 'backup.jsonl.gz') {
    return path.join(newDirectory(t), name);
}

/** A loaded store in memory. */
async function openMemoryStore(t) {
    const engine = new kixx.DatastoreEngine(new Store({ maxDocuments: 100 }));
    const store = new kixx.Datastore({ db: engine });
    cleanup(t, () => store.close());
    return store.load();
}

/** The lines of a backup as objects: `{ header, lines, trailer }`. */
function readLines(file) {
    const text = zlib.gunzipSync(fs.readFileSync(file)).toString();
    const [header, ...rest] = text.trimEnd().split('\n').map((line) => JSON.parse(line));
    return { header, lines: rest.slice(0, -1), trailer: rest.at(-1) };
}

/** The documents of a backup by key. */
function readDocuments(file) {
    const { lines } = readLines(file);
    return new Map(lines.filter(({ document }) => document).map(({ key, document }) => [key, document]));
}

/** Writes a backup by hand, with the right counts and the right checksum unless told otherwise. */
function writeLines(file, { header, lines, trailer = {} }) {
    const texts = [header, ...lines].map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
    const text = texts.map((line) => `${ line }\n`).join('');
    const sha256 = crypto.createHash('sha256').update(text).digest('hex');
    const deletions = lines.filter((line) => line.deleted).length;
    const last = { documents: lines.length - deletions, deletions, sha256, ...trailer };
    fs.writeFileSync(file, zlib.gzipSync(`${ text }${ JSON.stringify(last) }\n`));
}

/** What a store holds, as maps and their order compare. */
async function documentsOf(store) {
    return [...await allDocuments(store)];
}

/** Puts documents `prefix:0` and so on. */
async function fill(store, prefix, count, text = '') {
    await store.batch(Array.from({ length: count }, (_, n) => (
        { type: 'set', key: `${ prefix }:${ n }`, document: { n, text } }
    )));
}

module.exports = {
    documentsOf, fill, newBackupPath, openMemoryStore, readDocuments, readLines, writeLines,
};
