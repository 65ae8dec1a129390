'use strict';

// How the process ends. Codes never change their meaning; a signal ends it as signals do (SIGINT: 130).

const OK = 0;
const NO = 1;
const USAGE = 2;
const CONFLICT = 3;
const LOCKED = 4;
const CORRUPT = 5;
const FAILED = 6;

/** What the reader of our output gets who closed it early: 128 and the number of SIGPIPE. */
const CLOSED_PIPE = 141;

/** For `--help`. */
const MEANINGS = [
    [OK, 'done'],
    [NO, 'no such document; verify: something is wrong'],
    [USAGE, 'a command, option, key, document or directory that can not be used'],
    [CONFLICT, 'another revision than expected, or a document where none should be'],
    [LOCKED, 'another process does not let us in; the message names it'],
    [CORRUPT, 'damaged files; the message names them, and nothing was changed'],
    [FAILED, 'a file could not be read or written, or something unexpected'],
];

const BY_CODE = {
    NOT_FOUND: NO,
    USAGE,
    ASSERTION: USAGE,
    NO_DATASTORE: USAGE,
    CONFLICT,
    LOCKED,
    CORRUPT,
    TOO_OLD: USAGE,
    STORAGE: FAILED,
};

/** The exit code for an error with a `code`. */
function exitCodeOf(error) {
    return Object.hasOwn(BY_CODE, error?.code) ? BY_CODE[error.code] : FAILED;
}

module.exports = { OK, NO, FAILED, CLOSED_PIPE, MEANINGS, exitCodeOf };
