'use strict';

const { types } = require('node:util');
const { AssertionError } = require('./errors.js');
const { describe } = require('./describe.js');
const { isUnextended, setProperty } = require('./copy.js');

/** Longer arrays are refused: a sparse one costs nothing until it is written out. */
const MAX_ARRAY_LENGTH = 2 ** 25;

/** Less than the stack holds, so that the limit is the same wherever a document is stored from. */
const MAX_DEPTH = 1_000;

const PREFIX = '{"_rev":0';

/**
 * Takes a document in: one walk validates it, copies it and brings it to what JSON can hold.
 *
 * @param {unknown} value
 * @param {string} [root] how messages call it
 * @returns {{ document: object, text: string, rev: unknown }} a fresh plain object whose first property
 *     is `_rev: 0`, its JSON text which begins with `{"_rev":0`, and the `_rev` that came with it
 */
function strictDocument(value, root = 'document') {
    const walk = new Walk(root);
    try {
        const document = takeDocument(walk, value);
        return { document, text: documentText(document), rev: walk.rev };
    } catch (error) {
        throw nameLimit(error, root);
    }
}

/**
 * The JSON text of any JSON value.
 *
 * @param {unknown} value
 * @param {string} root how messages call it
 */
function strictText(value, root) {
    const walk = new Walk(root);
    try {
        const plain = take(walk, value, '');
        return plain === undefined ? refuse(walk, value, '') : JSON.stringify(plain);
    } catch (error) {
        throw nameLimit(error, root);
    }
}

/** Properties that look like integers come before `_rev` in every object, so the text is put together. */
function documentText(document) {
    const text = JSON.stringify(document);
    if (text.startsWith(PREFIX)) {
        return text;
    }
    const { _rev, ...rest } = document;
    return `${ PREFIX },${ JSON.stringify(rest).slice(1) }`;
}

/** Engine limits are the caller's mistake too. Errors of getters and toJSON methods pass. */
function nameLimit(error, root) {
    if (error instanceof RangeError && error.message.startsWith('Maximum call stack')) {
        return tooDeep(root, error);
    }
    if (error instanceof RangeError && error.message.startsWith('Invalid string length')) {
        const limit = 'its JSON text would pass the longest string';
        return new AssertionError(`${ root } is too large: ${ limit }`, { cause: error });
    }
    return error;
}

/** The state of one walk: the containers around the current value, and the names that led to them. */
class Walk {
    constructor(root) {
        this.root = root;
        this.rev = undefined;
        this.holders = [];
        this.names = [];
        this.ownOnly = isUnextended(Object.prototype);
    }
}

function takeDocument(walk, value) {
    const source = isPlain(value) && typeof value.toJSON === 'function' ? value.toJSON('') : value;
    if (!isPlain(source)) {
        throw new AssertionError(`${ walk.root } must be a plain object, got ${ describe(source) }`);
    }
    walk.holders.push(source);
    const document = { _rev: 0 };
    takeProperties(walk, source, document);
    return document;
}

/** Object.hasOwn costs as much as everything else here, so it is asked only where something is inherited. */
function takeProperties(walk, source, target) {
    const ownOnly = walk.ownOnly && Object.getPrototypeOf(source) === Object.prototype;
    const top = walk.names.length === 0 && walk.holders.length === 1;
    for (const name in source) {
        if (ownOnly || Object.hasOwn(source, name)) {
            const item = source[name];
            if (top && name === '_rev') {
                walk.rev = item;
            } else {
                takeProperty(walk, target, name, item);
            }
        }
    }
}

/** What JSON holds for a value: undefined for nothing. */
function take(walk, value, name) {
    switch (typeof value) {
        case 'string':
        case 'boolean':
        case 'undefined':
            return value;
        case 'number':
            // -0 becomes 0, as in JSON.
            return Number.isFinite(value) ? value + 0 : refuse(walk, value, name);
        case 'object':
            return value === null ? null : takeContent(walk, value, name);
        default:
            return typeof value.toJSON === 'function'
                ? takeConverted(walk, value, name)
                : refuse(walk, value, name);
    }
}

function takeContent(walk, object, name) {
    return typeof object.toJSON === 'function'
        ? takeConverted(walk, object, name)
        : takeObject(walk, object, name);
}

function takeProperty(walk, target, name, value) {
    const plain = take(walk, value, name);
    if (plain !== undefined) {
        setProperty(target, name, plain);
    }
}

/** The answer of toJSON is not asked for its own toJSON. */
function takeConverted(walk, value, name) {
    if (types.isDate(value) && Number.isNaN(Number(value))) {
        throw new AssertionError(`${ path(walk, name) } is not JSON data: it is an invalid Date`);
    }
    const converted = value.toJSON(String(name));
    if (typeof converted === 'object' && converted !== null) {
        return takeObject(walk, converted, name);
    }
    return typeof converted === 'function' ? refuse(walk, converted, name) : take(walk, converted, name);
}

function takeObject(walk, object, name) {
    if (Array.isArray(object)) {
        return takeArray(walk, object, name);
    }
    if (Object.getPrototypeOf(object) !== Object.prototype) {
        if (types.isBoxedPrimitive(object)) {
            return take(walk, unboxed(object), name);
        }
        if (isOpaque(object)) {
            return refuse(walk, object, name);
        }
    }
    enter(walk, object, name);
    const result = {};
    takeProperties(walk, object, result);
    leave(walk);
    return result;
}

function takeArray(walk, array, name) {
    if (array.length > MAX_ARRAY_LENGTH) {
        const limit = `at most ${ MAX_ARRAY_LENGTH } items, got ${ array.length }`;
        throw new AssertionError(`${ path(walk, name) } is too long: ${ limit }`);
    }
    enter(walk, array, name);
    const result = [];
    for (let i = 0; i < array.length; i += 1) {
        const item = take(walk, array[i], i);
        result.push(item === undefined ? null : item);
    }
    leave(walk);
    return result;
}

function enter(walk, holder, name) {
    if (walk.holders.includes(holder)) {
        throw new AssertionError(`${ path(walk, name) } contains itself (a cycle)`);
    }
    if (walk.holders.length >= MAX_DEPTH) {
        throw tooDeep(walk.root);
    }
    walk.holders.push(holder);
    walk.names.push(name);
}

function tooDeep(root, cause) {
    return new AssertionError(`${ root } is nested too deeply: at most ${ MAX_DEPTH } levels`, { cause });
}

function leave(walk) {
    walk.holders.pop();
    walk.names.pop();
}

function refuse(walk, value, name) {
    throw new AssertionError(`${ path(walk, name) } is not JSON data: it is ${ describe(value) }`);
}

/** Where in the document the walk is: `document.tags[2]`. */
function path(walk, name) {
    return [ ...walk.names, name ].reduce(joined, walk.root);
}

function joined(parent, name) {
    if (name === '') {
        return parent;
    }
    if (typeof name === 'number') {
        return `${ parent }[${ name }]`;
    }
    const isIdentifier = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name);
    return isIdentifier ? `${ parent }.${ name }` : `${ parent }[${ JSON.stringify(name) }]`;
}

/** Whether a value is an object literal, an object without prototype, or one of these from another realm. */
function isPlain(value) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        return false;
    }
    const prototype = Object.getPrototypeOf(value);
    if (prototype === null || prototype === Object.prototype) {
        return true;
    }
    return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'hasOwnProperty');
}

/** Objects whose content JSON does not see. */
function isOpaque(value) {
    return types.isMap(value) || types.isSet(value) || types.isWeakMap(value) || types.isWeakSet(value)
        || types.isAnyArrayBuffer(value) || ArrayBuffer.isView(value)
        || types.isRegExp(value) || types.isPromise(value);
}

function unboxed(value) {
    if (types.isNumberObject(value)) {
        return Number(value);
    }
    return types.isStringObject(value) ? String(value) : value.valueOf();
}

module.exports = { strictDocument, strictText, isPlain };
