'use strict';

const fs = require('node:fs');
const { createGunzip } = require('node:zlib');
const { AssertionError, CorruptError, StorageError } = require('../errors.js');
const { quote } = require('../describe.js');

const GZIP_MAGIC = [0x1f, 0x8b];

/** The size of a file in bytes; an AssertionError where there is none. */
async function fileSize(file) {
    let stats;
    try {
        stats = await fs.promises.stat(file);
    } catch (error) {
        throw cannotRead(file, error);
    }
    if (!stats.isFile()) {
        throw new AssertionError(`${ quote(file) } is not a file`);
    }
    return stats.size;
}

/**
 * Yields the lines of a text file: `{ line, number, share }`. Lines end with \n or \r\n; unlike `readline`,
 * which also takes U+2028, a character that JSON text may hold. Files compressed by gzip are read as well.
 *
 * @param {string} file
 * @throws {CorruptError} where the file is no UTF-8 text or is cut off
 */
async function* readLines(file) {
    const size = await fileSize(file);
    const source = fs.createReadStream(file);
    let number = 0;
    try {
        for await (const line of splitLines(decompressed(source, await isGzip(file)))) {
            number += 1;
            yield { line, number, share: size === 0 ? 1 : source.bytesRead / size };
        }
    } catch (error) {
        throw damageOf(file, number, error);
    } finally {
        source.destroy();
    }
}

async function* splitLines(chunks) {
    const decoder = new TextDecoder('utf-8', { fatal: true });
    let rest = '';
    for await (const chunk of chunks) {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
        rest = lines.pop();
        for (const line of lines) {
            yield withoutReturn(line);
        }
    }
    rest += decoder.decode();
    if (rest !== '') {
        yield withoutReturn(rest);
    }
}

function withoutReturn(line) {
    return line.endsWith('\r') ? line.slice(0, -1) : line;
}

async function isGzip(file) {
    const handle = await fs.promises.open(file);
    try {
        const { buffer } = await handle.read(Buffer.alloc(GZIP_MAGIC.length), 0, GZIP_MAGIC.length, 0);
        return GZIP_MAGIC.every((byte, i) => buffer[i] === byte);
    } finally {
        await handle.close();
    }
}

function decompressed(source, compressed) {
    if (!compressed) {
        return source;
    }
    const gunzip = createGunzip();
    source.on('error', (error) => gunzip.destroy(error));
    return source.pipe(gunzip);
}

/** A whole text file. */
async function readText(file) {
    await fileSize(file);
    try {
        return new TextDecoder('utf-8', { fatal: true }).decode(await fs.promises.readFile(file));
    } catch (error) {
        throw damageOf(file, 0, error);
    }
}

function damageOf(file, number, error) {
    const where = number === 0 ? quote(file) : `${ quote(file) } after line ${ number }`;
    if (error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
        return new CorruptError(`${ where } is not UTF-8 text`, { cause: error });
    }
    if (typeof error.code === 'string' && error.code.startsWith('Z_')) {
        return new CorruptError(`${ where } is damaged: gzip says ${ error.message }`, { cause: error });
    }
    return error.syscall === undefined ? error : cannotRead(file, error);
}

function cannotRead(file, error) {
    return error.code === 'ENOENT'
        ? new AssertionError(`There is no ${ quote(file) }`, { cause: error })
        : new StorageError(`Cannot read ${ quote(file) }: ${ error.message }`, { cause: error });
}

module.exports = { fileSize, readLines, readText };
