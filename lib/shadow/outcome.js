'use strict';

const { isDeepStrictEqual } = require('node:util');
const { setProperty } = require('../copy.js');

/**
 * What came of a call: the JSON text of the answer, or an error.
 *
 * @typedef {{ text?: string } | { error: unknown }} Outcome
 */

/** The outcome of an answer. What is no JSON at all counts as an error. */
function answered(value) {
    try {
        return { text: JSON.stringify(value) };
    } catch (error) {
        return { error };
    }
}

/** The outcome of `work`, whatever it does. */
async function outcomeOf(work) {
    try {
        return answered(await work());
    } catch (error) {
        return { error };
    }
}

/** Whether two stores did the same: equal JSON values, or errors of one kind. */
function isSame(old, other) {
    if (isError(old) || isError(other)) {
        return isError(old) && isError(other) && isSameKind(old.error, other.error);
    }
    return isSameText(old.text, other.text);
}

function isSameText(old, other) {
    if (old === other) {
        return true;
    }
    if (old === undefined || other === undefined) {
        return false;
    }
    const expected = JSON.parse(old);
    return isDeepStrictEqual(withoutTotal(JSON.parse(other), expected), expected);
}

/** Pages of the old Kixx have no `total`. */
function withoutTotal(page, old) {
    if (Array.isArray(old?.items) && !Object.hasOwn(old, 'total') && Array.isArray(page?.items)) {
        const { total, ...rest } = page;
        return rest;
    }
    return page;
}

function isSameKind(old, other) {
    const code = kindOf(old?.code);
    return code !== undefined && code === kindOf(other?.code)
        || old?.name !== undefined && old.name === other?.name;
}

/** 'CONFLICT' of 'CONFLICT' and of 'CONFLICT_ERROR': Kixx had both. */
function kindOf(code) {
    return typeof code === 'string' ? code.replace(/_ERROR$/, '') : undefined;
}

function isError(outcome) {
    return Object.hasOwn(outcome, 'error');
}

/** Whether an error says that the caller asked for something that no store does. */
function isRefusal(error) {
    return ['CONFLICT', 'ASSERTION'].includes(kindOf(error?.code))
        || ['ConflictError', 'AssertionError'].includes(error?.name);
}

/** An outcome as reports show it: `{ value }` or `{ error }`. */
function shown(outcome) {
    if (isError(outcome)) {
        return { error: outcome.error };
    }
    return { value: outcome.text === undefined ? undefined : JSON.parse(outcome.text) };
}

/**
 * A copy of arguments, which their owner may change meanwhile. Plain objects and arrays are copied; what a
 * store judges by its class, such as a Date or a Map, stays what it is.
 */
function copyOf(value, seen = new Map()) {
    if (typeof value !== 'object' || value === null) {
        return value;
    }
    if (seen.has(value)) {
        return seen.get(value);
    }
    if (Array.isArray(value)) {
        const copy = [];
        seen.set(value, copy);
        copy.length = value.length;
        Object.keys(value).forEach((index) => setProperty(copy, index, copyOf(value[index], seen)));
        return copy;
    }
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) {
        return value;
    }
    const copy = Object.create(prototype);
    seen.set(value, copy);
    for (const name of Object.keys(value)) {
        setProperty(copy, name, copyOf(value[name], seen));
    }
    return copy;
}

module.exports = { answered, copyOf, isError, isRefusal, isSame, isSameText, outcomeOf, shown };
