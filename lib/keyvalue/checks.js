'use strict';

const path = require('node:path');
const { types } = require('node:util');
const { AssertionError } = require('../errors.js');
const { describe, quote } = require('../describe.js');
const { fail, given } = require('../options.js');

const MAX_EXPIRES_IN_MS = 2 ** 48;
const DEFAULT_ATTEMPTS = 10;
const DEFAULT_TTL_MS = 30_000;
const DEFAULT_LOCK_TIMEOUT_MS = 10_000;

/** A key: any string. */
function checkKey(key, name = 'key') {
    return typeof key === 'string' ? key : fail(name, 'a string', key);
}

/** A value: a string or a Uint8Array. */
function checkValue(value, name = 'value') {
    if (typeof value === 'string') {
        return value;
    }
    if (!types.isUint8Array(value)) {
        fail(name, 'a string or a Uint8Array', value);
    }
    if (value.length === 0 && isDetached(value.buffer)) {
        throw new AssertionError(`${ name } must have its bytes, but its buffer was transferred elsewhere`);
    }
    return value;
}

/** Whether the bytes are gone. Older versions of Node can't be asked. */
function isDetached(buffer) {
    try {
        buffer.slice(0, 0);
        return false;
    } catch {
        return true;
    }
}

/** How many milliseconds a value lasts; -1 for ever. */
function expiresIn(options) {
    return options === undefined ? -1 : milliseconds(given(options, 'options').expiresIn, 'expiresIn', -1);
}

/** A duration, or `otherwise` if there is none. */
function milliseconds(value, name, otherwise) {
    if (value === undefined) {
        return otherwise;
    }
    if (!Number.isSafeInteger(value) || value < 1 || value > MAX_EXPIRES_IN_MS) {
        fail(name, 'a whole number of milliseconds, 1 or more', value);
    }
    return value;
}

/**
 * Entries to write: a Map, an iterable of pairs, or an object.
 *
 * @returns {{ keys: string[], values: (string | Uint8Array | undefined)[] }}
 */
function batchEntries(entries) {
    const keys = [];
    const values = [];
    for (const pair of pairsOf(entries)) {
        if (!Array.isArray(pair) || pair.length !== 2) {
            fail('An entry of setBatch()', 'a pair of key and value', pair);
        }
        const [key, value] = pair;
        keys.push(checkKey(key, 'A key of setBatch()'));
        values.push(value === undefined ? value : checkValue(value, `The value at ${ quote(key) }`));
    }
    return { keys, values };
}

function pairsOf(entries) {
    if (typeof entries !== 'object' || entries === null || types.isUint8Array(entries)) {
        fail('entries', 'a Map, an object or pairs', entries);
    }
    return typeof entries[Symbol.iterator] === 'function' ? entries : Object.entries(entries);
}

/** Which entries: `{ prefix, start, end, reverse, limit }`. */
function selection(options) {
    const { prefix = '', start, end, reverse = false, limit = Infinity } = given(options, 'options');
    if (typeof reverse !== 'boolean') {
        fail('reverse', 'true or false', reverse);
    }
    if (limit !== Infinity && !(Number.isSafeInteger(limit) && limit >= 0)) {
        fail('limit', 'an integer from 0 up, or Infinity', limit);
    }
    return {
        prefix: checkKey(prefix, 'prefix'),
        start: start === undefined ? null : checkKey(start, 'start'),
        end: end === undefined ? null : checkKey(end, 'end'),
        reverse,
        limit: limit === Infinity ? -1 : limit,
    };
}

/** The prefix of `{ prefix }`. */
function prefixOf(options) {
    return checkKey(given(options, 'options').prefix ?? '', 'prefix');
}

/** How often a transaction is tried. */
function transactionOptions(options) {
    const { attempts = DEFAULT_ATTEMPTS } = given(options, 'options');
    if (!Number.isSafeInteger(attempts) || attempts < 1) {
        fail('attempts', 'a positive integer', attempts);
    }
    return { attempts };
}

/** How long a lock lasts without being renewed, and how long to wait for it. */
function lockOptions(options) {
    const { ttl, timeout } = given(options, 'options');
    return {
        ttl: milliseconds(ttl, 'ttl', DEFAULT_TTL_MS),
        timeout: timeout === 0 ? 0 : milliseconds(timeout, 'timeout', DEFAULT_LOCK_TIMEOUT_MS),
    };
}

function filePath(file) {
    if (typeof file !== 'string' || file === '' || file.includes('\0')) {
        fail('path', 'a path', file);
    }
    return path.resolve(file);
}

function checkFunction(value, name) {
    if (typeof value !== 'function') {
        throw new AssertionError(`${ name } must be a function, got ${ describe(value) }`);
    }
    return value;
}

module.exports = {
    batchEntries,
    checkFunction,
    checkKey,
    checkValue,
    expiresIn,
    filePath,
    lockOptions,
    milliseconds,
    prefixOf,
    selection,
    transactionOptions,
};
