'use strict';

const native = require('../native.cjs');
const { AssertionError } = require('../errors.js');
const { openPort } = require('../port.js');
const { call } = require('../views.js');
const { abortable, assertWanted } = require('./abort.js');
const { readBackup } = require('./read.js');

/**
 * Writes the documents of a backup, or of a chain of backups, into a store: all of them in one commit, or
 * none. Everything is read and checked before that.
 *
 * @param {object} handle that of a loaded store
 * @param {ReturnType<typeof import('./options.js').restoreRequest>} request
 * @returns {Promise<import('../../index.d.ts').RestoreResult>}
 */
function restoreBackup(handle, request) {
    return abortable(request.signal, async () => {
        const target = call(native.openImport, handle, request.conflict);
        try {
            const { id, sequence } = await readChain(target, request);
            assertWanted(request.signal);
            const text = await openPort().submit((promise) => native.commitImport(handle, promise, target));
            return { ...JSON.parse(text), id, sequence };
        } finally {
            native.closeImport(target);
        }
    });
}

/** Newest first, since what it says of a document counts. Answers the newest. */
async function readChain(target, { files, signal, onProgress }) {
    let newest;
    let newer;
    for (const file of files.toReversed()) {
        const continued = newer;
        newer = await readBackup(file, target, {
            signal,
            onHeader: (header) => assertFits(file, header, continued, file === files[0]),
            onBytes: (done, total) => onProgress({ phase: 'read', path: file, done, total }),
        });
        newest ??= newer;
    }
    return newest;
}

function assertFits(file, header, newer, isFirst) {
    if (newer !== undefined && !isSame(header, newer.since)) {
        const wanted = newer.since === null ? 'is a full backup' : 'continues another backup';
        const place = `can't come behind ${ file }`;
        throw new AssertionError(`${ newer.path } ${ wanted }, so it ${ place }. ${ ORDER }`);
    }
    if (isFirst && header.since !== null) {
        throw new AssertionError(`${ file } holds only what changed since a backup before. ${ ORDER }`);
    }
}

const ORDER = 'Give a full backup, and then its increments in the order in which they were made';

function isSame(moment, other) {
    return moment.id === other?.id && moment.sequence === other.sequence;
}

module.exports = { restoreBackup };
