'use strict';

const { AssertionError } = require('./errors.js');
const { boolean, fail, given } = require('./options.js');
const { strictText } = require('./strict-json.js');

const DEFAULT_LIMIT = 10;

/** A document key: a non-empty string, or a finite number which stands for its string. */
function documentKey(key, name = 'key') {
    if (typeof key === 'string' && key !== '') {
        return key;
    }
    if (typeof key === 'number' && Number.isFinite(key)) {
        return String(key);
    }
    return fail(name, 'a non-empty string or a finite number', key);
}

/**
 * The options of queryKeys: bounds are strings, or null where the range is open.
 *
 * @returns {Query}
 */
function keyQuery(options) {
    return query(options, keyBound);
}

/**
 * The options of queryView: bounds are JSON text, or null where the range is open.
 *
 * @returns {Query}
 */
function viewQuery(options) {
    return query(options, viewBound);
}

/** The options of scan: those of queryKeys without paging. */
function scanQuery(options) {
    for (const name of ['inclusiveStartIndex', 'offset', 'limit']) {
        if (given(options, 'options')[name] !== undefined) {
            throw new AssertionError(`scan() has no ${ name }: it goes on until you stop`);
        }
    }
    return keyQuery(options);
}

/**
 * @typedef {object} Query
 * @property {string | null} start
 * @property {string | null} end
 * @property {{ startKey: unknown, endKey: unknown, key: unknown }} given the bounds as they came
 * @property {0 | 1} descending
 * @property {number} offset
 * @property {number} limit
 * @property {boolean} includeDocuments
 */
function query(options, bound) {
    const { startKey, endKey, key, descending = false, includeDocuments = false } = given(options, 'options');
    const start = bound(startKey, 'startKey');
    const end = bound(endKey, 'endKey');
    const only = bound(key, 'key');
    return {
        start: only ?? start,
        end: only ?? end,
        given: { startKey, endKey, key },
        descending: boolean(descending, 'descending') ? 1 : 0,
        offset: firstIndex(options),
        limit: pageLimit(options),
        includeDocuments: boolean(includeDocuments, 'includeDocuments'),
    };
}

function pageLimit(options) {
    const { limit = DEFAULT_LIMIT } = options ?? {};
    if (limit !== Infinity && !(Number.isSafeInteger(limit) && limit > 0)) {
        fail('limit', 'a positive integer or Infinity', limit);
    }
    return limit;
}

function firstIndex(options) {
    const { inclusiveStartIndex, offset } = options ?? {};
    const first = index(inclusiveStartIndex, 'inclusiveStartIndex');
    const second = index(offset, 'offset');
    if (first !== undefined && second !== undefined && first !== second) {
        fail('offset', `the same as inclusiveStartIndex, which is ${ first }`, second);
    }
    return first ?? second ?? 0;
}

/** null is what `exclusiveEndIndex` is after the last page, and counts as not given. */
function index(value, name) {
    if (value === undefined || value === null) {
        return undefined;
    }
    return Number.isSafeInteger(value) && value >= 0 ? value : fail(name, 'an integer from 0 up', value);
}

function keyBound(value, name) {
    if (value === undefined) {
        return null;
    }
    if (typeof value === 'string') {
        return value;
    }
    if (typeof value === 'number' && Number.isFinite(value)) {
        return String(value);
    }
    return fail(name, 'a string or a finite number', value);
}

function viewBound(value, name) {
    return value === undefined ? null : strictText(value, name);
}

module.exports = { documentKey, keyQuery, scanQuery, viewQuery };
