'use strict';

const fs = require('node:fs');
const zlib = require('node:zlib');
const { addAbortSignal, pipeline } = require('node:stream');
const { UsageError, at } = require('./errors.js');
const { decode } = require('./arguments.js');

// JSON Lines: {"key":...,"document":...} on each line. Lines end with \n alone: other separators that JSON
// allows in strings are text.

const LINE_FEED = 10;
const GZIP_MAGIC = [0x1f, 0x8b];

/** The line of an item of `scan()`. */
function jsonLine({ key, document }) {
    return `${ JSON.stringify({ key, document }) }\n`;
}

/**
 * Reads a file, or standard input for `-`; compressed ones are noticed by their content.
 *
 * @param {string} file
 * @param {{ onRead?: (bytes: number) => void, signal?: AbortSignal }} [options] `onRead` is told how many
 *     bytes of the file were read
 * @returns {AsyncGenerator<{ number: number, key: string, document: object }>}
 */
async function* readJsonLines(file, options = {}) {
    const name = file === '-' ? 'Standard input' : file;
    let number = 0;
    for await (const line of linesOf(bytesOf(file, options), name)) {
        number += 1;
        const text = decode(line, `${ name }, line ${ number }`);
        if (text.trim() !== '') {
            yield { number, ...parseLine(text, `${ name }, line ${ number }`) };
        }
    }
}

function parseLine(text, place) {
    let value;
    try {
        value = JSON.parse(text);
    } catch (cause) {
        throw new UsageError(`${ place } is not JSON: ${ cause.message }`, { cause });
    }
    const { key, document } = value ?? {};
    if (typeof key !== 'string' || typeof document !== 'object' || document === null) {
        throw new UsageError(`${ place } is not of the form {"key":"...","document":{...}}`);
    }
    return { key, document };
}

async function* bytesOf(file, { onRead = () => {}, signal }) {
    const source = file === '-' ? process.stdin : fs.createReadStream(file);
    if (signal !== undefined) {
        addAbortSignal(signal, source);
    }
    const chunks = counted(source, onRead);
    const first = await chunks.next();
    if (first.done) {
        return;
    }
    const all = (async function* rest() {
        yield first.value;
        yield* chunks;
    })();
    if (GZIP_MAGIC.every((byte, i) => first.value[i] === byte)) {
        // Errors come out of the last stream.
        yield* pipeline(all, zlib.createGunzip(), () => {});
    } else {
        yield* all;
    }
}

async function* counted(source, onRead) {
    let bytes = 0;
    for await (const chunk of source) {
        bytes += chunk.length;
        onRead(bytes);
        yield chunk;
    }
}

async function* linesOf(chunks, name) {
    let parts = [];
    try {
        for await (const chunk of chunks) {
            let start = 0;
            for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
                parts.push(chunk.subarray(start, end));
                yield parts.length === 1 ? parts[0] : Buffer.concat(parts);
                parts = [];
                start = end + 1;
            }
            parts.push(chunk.subarray(start));
        }
    } catch (error) {
        throw damaged(error, name);
    }
    yield Buffer.concat(parts);
}

/** A compressed file that is cut off or damaged is as good as a damaged journal. */
function damaged(error, name) {
    if (typeof error.code === 'string' && error.code.startsWith('Z_')) {
        error.code = 'CORRUPT';
        return at(`${ name } is damaged`, error);
    }
    return error;
}

module.exports = { jsonLine, readJsonLines };
