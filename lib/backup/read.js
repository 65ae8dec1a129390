'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs/promises');
const { pipeline } = require('node:stream/promises');
const { promisify } = require('node:util');
const zlib = require('node:zlib');
const native = require('../native.cjs');
const { CorruptError, DatastoreError, StorageError, errorFromThrown } = require('../errors.js');
const { damaged, notOurs, readHeader, readTrailer } = require('./format.js');

const gunzip = promisify(zlib.gunzip);

const CHUNK_BYTES = 256 * 1024;
/** A header is much shorter, so what is longer is none. */
const MAX_HEADER_BYTES = 64 * 1024;
/** What of the file is enough for it. */
const HEADER_FILE_BYTES = 16 * 1024;
/** More than the longest document, with its key. */
const MAX_LINE_BYTES = 2 ** 30;
const NEWLINE = 0x0a;

/**
 * Reads a backup to its end, gives its lines to `target`, a native import, and checks everything.
 *
 * @returns {Promise<import('../../index.d.ts').BackupContents>}
 */
async function readBackup(file, target, { signal, onHeader = () => {}, onBytes = () => {} }) {
    const handle = await open(file);
    try {
        const bytes = await sizeOf(file, handle);
        const lines = new Lines(file, target, onHeader);
        const input = handle.createReadStream({ autoClose: false, highWaterMark: CHUNK_BYTES });
        const unzip = zlib.createGunzip({ chunkSize: CHUNK_BYTES });
        try {
            await through(input, unzip, (chunk) => {
                lines.push(chunk);
                onBytes(Math.min(unzip.bytesWritten, bytes), bytes);
            }, signal);
        } catch (error) {
            throw named(file, error, lines.line, unzip.bytesWritten);
        }
        const contents = lines.end();
        if (unzip.bytesWritten !== bytes) {
            throw followed(file, unzip.bytesWritten);
        }
        return { path: file, ...contents, bytes };
    } finally {
        await handle.close();
    }
}

/** What the first line of a backup says. The rest is not looked at. */
async function readHeaderOf(file) {
    const handle = await open(file);
    try {
        await sizeOf(file, handle);
        const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(HEADER_FILE_BYTES) });
        const text = await gunzipBeginning(buffer.subarray(0, bytesRead));
        const end = text.indexOf(NEWLINE);
        if (end < 0) {
            throw notOurs(file, 'its first line has no end');
        }
        return readHeader(file, text.subarray(0, end));
    } catch (error) {
        throw named(file, error, 1, 0);
    } finally {
        await handle.close();
    }
}

function gunzipBeginning(bytes) {
    return gunzip(bytes, { finishFlush: zlib.constants.Z_SYNC_FLUSH });
}

/** Gives the chunks of a file to `take`. */
async function through(input, unzip, take, signal) {
    let failure;
    try {
        await pipeline(input, unzip, async (chunks) => {
            for await (const chunk of chunks) {
                try {
                    take(chunk);
                } catch (error) {
                    failure = error;
                    throw error;
                }
            }
        }, { signal });
    } catch (error) {
        // What a pipeline says of a failure at its end is that the beginning was aborted.
        throw failure ?? error;
    }
}

async function open(file) {
    try {
        return await fs.open(file, 'r');
    } catch (cause) {
        throw new StorageError(`Could not open the backup ${ file }: ${ cause.message }`, { cause });
    }
}

async function sizeOf(file, handle) {
    const stat = await handle.stat();
    if (!stat.isFile()) {
        const what = stat.isDirectory() ? 'a directory' : 'no regular file';
        throw new StorageError(`Could not read the backup ${ file }: it is ${ what }`);
    }
    if (stat.size === 0) {
        throw notOurs(file, 'it is empty');
    }
    return stat.size;
}

function followed(file, byte, cause) {
    return damaged(file, `something follows its end at byte ${ byte }`, cause);
}

/** What went wrong, and where: in which line, and about at which byte of the file. */
function named(file, error, line, byte) {
    if (error instanceof DatastoreError) {
        return error;
    }
    if (typeof error.code === 'string' && error.code.startsWith('Z_')) {
        const what = error.code === 'Z_BUF_ERROR'
            ? `it is cut off after byte ${ byte }`
            : `${ error.message }, near byte ${ byte }`;
        return line === 1 ? notOurs(file, what, error) : damaged(file, `${ what }, in line ${ line }`, error);
    }
    if (error.code === 'ABORT_ERR' || error.code === 'ERR_STREAM_PREMATURE_CLOSE') {
        // Unless the caller gave up, the end of the compressed data came before that of the file was read.
        return followed(file, byte, error);
    }
    if (error.syscall !== undefined) {
        return new StorageError(`Could not read the backup ${ file }: ${ error.message }`, { cause: error });
    }
    return error;
}

/** The lines of one backup, as they come. */
class Lines {
    #file;
    #target;
    #onHeader;
    #hash = crypto.createHash('sha256');
    /** The beginning of a line that has not ended yet. */
    #parts = [];
    #length = 0;
    #trailer;
    header;

    constructor(file, target, onHeader) {
        this.#file = file;
        this.#target = target;
        this.#onHeader = onHeader;
    }

    /** The number of the line that was not read to its end. */
    get line() {
        if (this.header === undefined) {
            return 1;
        }
        const [documents, deletions] = native.importCounts(this.#target);
        return documents + deletions + 2;
    }

    push(chunk) {
        const whole = this.#whole(chunk, chunk.lastIndexOf(NEWLINE));
        if (whole !== undefined) {
            this.#take(this.header === undefined ? this.#takeHeader(whole) : whole);
        }
    }

    /** What is whole up to the end of a line at `end`; undefined where there is none. */
    #whole(chunk, end) {
        const rest = chunk.subarray(end + 1);
        if (end >= 0) {
            const whole = Buffer.concat([...this.#parts, chunk.subarray(0, end + 1)]);
            this.#parts = [rest];
            this.#length = rest.length;
            return whole;
        }
        this.#parts.push(rest);
        this.#length += rest.length;
        if (this.header === undefined && this.#length > MAX_HEADER_BYTES) {
            throw notOurs(this.#file, 'its first line is too long');
        }
        if (this.#length > MAX_LINE_BYTES) {
            throw damaged(this.#file, `line ${ this.line } is too long`);
        }
        return undefined;
    }

    /** Answers what comes behind it. */
    #takeHeader(bytes) {
        const end = bytes.indexOf(NEWLINE);
        const header = readHeader(this.#file, bytes.subarray(0, end));
        this.#onHeader(header);
        this.header = header;
        this.#hash.update(bytes.subarray(0, end + 1));
        native.importBegin(this.#target, header.since === null ? 0 : 1);
        return bytes.subarray(end + 1);
    }

    #take(bytes) {
        if (this.#trailer !== undefined && bytes.length > 0) {
            throw damaged(this.#file, 'something follows its last line');
        }
        const taken = this.#takeDocuments(bytes);
        this.#hash.update(bytes.subarray(0, taken));
        if (taken < bytes.length) {
            const end = bytes.indexOf(NEWLINE, taken);
            this.#trailer = readTrailer(bytes.subarray(taken, end));
            if (this.#trailer === undefined) {
                throw damaged(this.#file, `line ${ this.line } is neither a document nor the last line`);
            }
            this.#take(bytes.subarray(end + 1));
        }
    }

    #takeDocuments(bytes) {
        try {
            return native.importLines(this.#target, bytes);
        } catch (thrown) {
            const error = errorFromThrown(thrown);
            throw error instanceof CorruptError ? damaged(this.#file, error.message) : error;
        }
    }

    /** After the last chunk: everything has to be there, and to fit. */
    end() {
        if (this.header === undefined) {
            throw notOurs(this.#file, 'its first line has no end');
        }
        if (this.#trailer === undefined) {
            const where = `behind line ${ this.line - 1 }`;
            throw damaged(this.#file, `it is cut off: its last line is missing, ${ where }`);
        }
        if (this.#length > 0) {
            throw damaged(this.#file, 'something follows its last line');
        }
        const [documents, deletions] = native.importCounts(this.#target);
        const { sha256, ...told } = this.#trailer;
        if (told.documents !== documents || told.deletions !== deletions) {
            const found = `${ documents } documents and ${ deletions } deletions`;
            throw damaged(this.#file, `it has ${ found }, and its last line tells other numbers`);
        }
        if (this.#hash.digest('hex') !== sha256) {
            throw damaged(this.#file, 'the checksum in its last line is not that of the lines before it');
        }
        return { ...this.header, documents, deletions, sha256 };
    }
}

module.exports = { CHUNK_BYTES, readBackup, readHeaderOf };
