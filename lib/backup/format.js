'use strict';

const { AssertionError, CorruptError } = require('../errors.js');
const { quote } = require('../describe.js');
const { isObject } = require('../options.js');
const { moment } = require('./options.js');
const { version: PACKAGE_VERSION } = require('../../package.json');

// A backup is JSON Lines, compressed with gzip: a header, a line for each document, a trailer. docs/backup.md
// describes it.

const FORMAT = 'kixx-datastore-backup';
const VERSION = 1;
const SHA256 = /^[0-9a-f]{64}$/;

/** The first line. `since` is the moment of the backup before, or null. */
function headerLine({ id, sequence, since }) {
    const created = new Date().toISOString();
    return line({ format: FORMAT, version: VERSION, package: PACKAGE_VERSION, created, id, sequence, since });
}

/** The last line; `sha256` is that of all lines before it. */
function trailerLine({ documents, deletions, sha256 }) {
    return line({ documents, deletions, sha256 });
}

function line(object) {
    return Buffer.from(`${ JSON.stringify(object) }\n`);
}

/** What a first line says. */
function readHeader(file, bytes) {
    const header = parse(bytes);
    if (header?.format !== FORMAT) {
        throw notOurs(file, `its first line does not say "format":${ quote(FORMAT) }`);
    }
    if (header.version !== VERSION) {
        const has = `${ file } has version ${ JSON.stringify(header.version) } of the format`;
        throw new AssertionError(`${ has }, and this one reads version ${ VERSION }: update kixx-datastore`);
    }
    const { created, package: by, since } = header;
    const at = moment(header);
    const before = since === null ? null : moment(since);
    if (at === undefined || before === undefined) {
        throw damaged(file, 'line 1 does not say which moment it shows');
    }
    return { version: VERSION, package: String(by), created: String(created), ...at, since: before };
}

/** What a last line says, or undefined if it is none. */
function readTrailer(bytes) {
    const trailer = parse(bytes);
    const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
    const isTrailer = isCount(trailer?.documents) && isCount(trailer.deletions)
        && typeof trailer.sha256 === 'string' && SHA256.test(trailer.sha256);
    return isTrailer ? trailer : undefined;
}

function parse(bytes) {
    try {
        const value = JSON.parse(bytes.toString());
        return isObject(value) ? value : undefined;
    } catch {
        return undefined;
    }
}

function damaged(file, wrong, cause) {
    return new CorruptError(`The backup ${ file } is damaged: ${ wrong }`, { cause });
}

function notOurs(file, why, cause) {
    return new CorruptError(`${ file } is no backup of kixx-datastore, or damaged: ${ why }`, { cause });
}

module.exports = { damaged, headerLine, notOurs, readHeader, readTrailer, trailerLine };
