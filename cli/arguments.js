'use strict';

const { InvalidArgumentError } = require('commander');
const { UsageError } = require('./errors.js');

const MAX_MILLISECONDS = 2 ** 31 - 1;

/** No key in a file name has as many of these, so it comes behind every key that begins the same. */
const BEHIND_ALL = '\uffff'.repeat(32);

/** A parser of whole numbers. */
function wholeNumber(least, most = Number.MAX_SAFE_INTEGER) {
    return (text) => {
        const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
        if (!(value >= least && value <= most)) {
            const limit = most === Number.MAX_SAFE_INTEGER ? 'up' : `to ${ most }`;
            throw new InvalidArgumentError(`Expected a whole number from ${ least } ${ limit }.`);
        }
        return value;
    };
}

const milliseconds = wholeNumber(0, MAX_MILLISECONDS);
const limit = wholeNumber(1);
const revision = wholeNumber(0);

/** A parser of keys of views, which are any JSON; in an object, since commander takes null for nothing. */
function json(text) {
    try {
        return { value: JSON.parse(text) };
    } catch {
        const quoted = `'${ JSON.stringify(text) }'`;
        throw new InvalidArgumentError(`Expected JSON. If you mean a string, write ${ quoted }.`);
    }
}

/** Adds the options that say which keys. */
function withRange(command) {
    return command
        .option('--prefix <text>', 'only keys that begin with this')
        .option('--start <key>', 'from this key on')
        .option('--end <key>', 'up to this key, which is included')
        .option('--limit <count>', 'at most so many', limit)
        .option('--reverse', 'from the last key to the first');
}

/** The options of `scan()` for what `withRange` gave; null if no key can be meant. */
function rangeOf({ prefix, start, end, reverse = false }) {
    const bounds = [start, end];
    if (reverse && start !== undefined && end !== undefined && start > end) {
        bounds.reverse();
    }
    const startKey = highest(bounds[0], prefix);
    const endKey = lowest(bounds[1], prefix === undefined ? undefined : prefix + BEHIND_ALL);
    if (startKey !== undefined && endKey !== undefined && startKey > endKey) {
        return null;
    }
    return { startKey, endKey, descending: reverse };
}

function highest(a, b) {
    return a === undefined || b > a ? b : a;
}

function lowest(a, b) {
    return a === undefined || b < a ? b : a;
}

/** The items of a range, at most `limit` of them. */
async function* itemsOf(datastore, options, { includeDocuments }) {
    const range = rangeOf(options);
    if (range === null) {
        return;
    }
    let left = options.limit ?? Infinity;
    for await (const item of datastore.scan({ ...range, includeDocuments })) {
        yield item;
        left -= 1;
        if (left === 0) {
            return;
        }
    }
}

/** A document from the command line, or from standard input for `-` and for nothing. */
async function documentArgument(text, stdin) {
    if (text !== undefined && text !== '-') {
        return parseDocument(text, 'The document');
    }
    if (text === undefined && stdin.isTTY) {
        throw new UsageError('The document is missing: give it as JSON, or - to read it from standard input');
    }
    const chunks = [];
    for await (const chunk of stdin) {
        chunks.push(chunk);
    }
    return parseDocument(decode(Buffer.concat(chunks), 'Standard input'), 'Standard input');
}

/** UTF-8, with or without a byte order mark. */
function decode(bytes, name) {
    try {
        return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch (cause) {
        throw new UsageError(`${ name } is not UTF-8 text`, { cause });
    }
}

function parseDocument(text, name) {
    try {
        return JSON.parse(text);
    } catch (cause) {
        throw new UsageError(`${ name } is not JSON: ${ cause.message }`, { cause });
    }
}

module.exports = {
    decode, documentArgument, itemsOf, json, limit, milliseconds, rangeOf, revision, withRange,
};
