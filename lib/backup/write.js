'use strict';

const crypto = require('node:crypto');
const { pipeline } = require('node:stream/promises');
const zlib = require('node:zlib');
const native = require('../native.cjs');
const { TooOldError } = require('../errors.js');
const { openPort } = require('../port.js');
const { call } = require('../views.js');
const { abortable } = require('./abort.js');
const { damaged, headerLine, trailerLine } = require('./format.js');
const { placeFile } = require('./place.js');
const { CHUNK_BYTES, readBackup, readHeaderOf } = require('./read.js');

/** A tenth more bytes than with gzip's default, in half the time. */
const COMPRESSION_LEVEL = 3;

/**
 * Writes the documents of a store into a file, all as they are now, or what changed since a backup before.
 *
 * @param {object} handle that of a loaded store
 * @param {ReturnType<typeof import('./options.js').backupRequest>} request
 * @returns {Promise<import('../../index.d.ts').BackupResult>}
 */
function writeBackup(handle, request) {
    return abortable(request.signal, async () => {
        const { signal, onProgress } = request;
        const since = request.since?.file === undefined ? request.since : await momentOf(request.since.file);
        const source = call(native.openExport, handle);
        try {
            if (since !== null) {
                await narrow(handle, source, since);
            }
            const { total, ...moment } = JSON.parse(native.exportMoment(source));
            const header = headerLine({ ...moment, since });
            const lines = new Lines(source, header, (done) => onProgress({ phase: 'write', done, total }));
            const { file, checked } = await placeFile(request.file, request, {
                write: (output) => lines.writeTo(output, signal),
                check: (path) => verify(path, lines.sha256, request),
            });
            const { documents, deletions, bytes } = checked;
            return { path: file, documents, deletions, bytes, ...moment, since };
        } finally {
            native.closeExport(source);
        }
    });
}

async function momentOf(file) {
    const { id, sequence } = await readHeaderOf(file);
    return { id, sequence };
}

async function narrow(handle, source, { id, sequence }) {
    const known = await openPort().submit((promise) => (
        native.exportChanges(handle, promise, source, id, sequence)
    ));
    if (known !== 'known') {
        const why = 'it was closed since then, or too much was written, or that is a backup of another one';
        throw new TooOldError(`The datastore does not know what changed since that backup: ${ why }. `
            + 'Make a full backup');
    }
}

/** The lines of the file. */
class Lines {
    #source;
    #header;
    #onDocuments;
    #failure;
    /** Of all but the last one, once they are written. */
    sha256;

    constructor(source, header, onDocuments) {
        this.#source = source;
        this.#header = header;
        this.#onDocuments = onDocuments;
    }

    async writeTo(output, signal) {
        const gzip = zlib.createGzip({ level: COMPRESSION_LEVEL, chunkSize: CHUNK_BYTES });
        try {
            await pipeline(() => this.#chunks(), gzip, (chunks) => output.writeFile(chunks), { signal });
        } catch (error) {
            // What the end of the pipeline says of a failure at its start is that it was aborted.
            throw this.#failure ?? error;
        }
    }

    async* #chunks() {
        try {
            yield* this.#lines();
        } catch (error) {
            this.#failure = error;
            throw error;
        }
    }

    /** Every chunk waits until the one before was taken. */
    async* #lines() {
        const hash = crypto.createHash('sha256').update(this.#header);
        yield this.#header;
        for (;;) {
            const bytes = call(native.exportLines, this.#source, CHUNK_BYTES);
            const [documents, deletions] = native.exportCounts(this.#source);
            if (bytes.length === 0) {
                this.sha256 = hash.digest('hex');
                yield trailerLine({ documents, deletions, sha256: this.sha256 });
                return;
            }
            hash.update(bytes);
            yield bytes;
            this.#onDocuments(documents + deletions);
        }
    }
}

/** Reads back what was written. */
async function verify(file, sha256, { signal, onProgress }) {
    const checked = await readBackup(file, native.openCheck(), {
        signal,
        onBytes: (done, total) => onProgress({ phase: 'verify', done, total }),
    });
    if (checked.sha256 !== sha256) {
        throw damaged(file, 'it is not what was written');
    }
    return checked;
}

module.exports = { writeBackup };
