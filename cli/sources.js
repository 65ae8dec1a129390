'use strict';

const fs = require('node:fs');
const { DocumentWriter } = require('./document-writer.js');
const { at } = require('./errors.js');
const { readJsonLines } = require('./json-lines.js');

/**
 * What `import --from` knows. Each stores what a file of somebody else's holds:
 * `(datastore, file, { conflict, signal, onProgress(done, total) })` resolves with
 * `{ imported, overwritten, skipped }`.
 */
const SOURCES = {
    jsonl: importJsonLines,
    nedb: importer('importNedb'),
    lowdb: importer('importLowdb'),
    loki: importer('importLoki'),
    level: importer('importLevel'),
    'kixx-sqlite': importer('importKixxSqlite'),
};

/** A function of `kixx-datastore/import`. */
function importer(name) {
    return async (datastore, file, { conflict, signal, onProgress = () => {} }) => {
        // Not before it is needed, as below.
        const importers = require('../lib/import/index.js');
        const { imported, skipped } = await importers[name](datastore, file, {
            conflict,
            signal,
            onProgress: ({ share }) => onProgress(share ?? 0, 1),
        });
        return { imported, overwritten: 0, skipped };
    };
}

async function importJsonLines(datastore, file, { conflict = 'error', signal, onProgress = () => {} } = {}) {
    // Not before it is needed: `build` has to run without the native module.
    const { storeOf } = require('../lib/engine.js');
    const total = file === '-' ? 0 : fs.statSync(file).size;
    const onRead = (bytes) => onProgress(bytes, total);
    const writer = new DocumentWriter(storeOf(datastore._db), conflict);
    let place = file;
    try {
        for await (const { number, key, document } of readJsonLines(file, { onRead, signal })) {
            signal?.throwIfAborted();
            place = `${ file === '-' ? 'Standard input' : file }, line ${ number }`;
            await writer.add(key, document);
        }
        await writer.flush();
    } catch (thrown) {
        const error = signal?.aborted ? signal.reason : thrown;
        const { imported } = writer.counts;
        const what = imported === 1 ? 'document was' : 'documents were';
        const before = `${ imported } ${ what } imported before`;
        error.message = `${ error.message } (${ before })`;
        // What is wrong with a batch names the key.
        const where = error.code === 'ASSERTION' && error.key === undefined ? place : file;
        throw ['ASSERTION', 'CONFLICT'].includes(error.code) ? at(where, error) : error;
    }
    return writer.counts;
}

module.exports = { SOURCES };
