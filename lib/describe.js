'use strict';

const LONGEST_QUOTE = 60;

/** A few words on a value, for error messages: what came instead of what was expected. */
function describe(value) {
    switch (typeof value) {
        case 'string':
            return `the string ${ quote(value) }`;
        case 'number':
            return Object.is(value, -0) ? '-0' : String(value);
        case 'bigint':
            return 'a BigInt';
        case 'symbol':
            return 'a symbol';
        case 'function':
            return 'a function';
        case 'object':
            return value === null ? 'null' : describeObject(value);
        default:
            return String(value);
    }
}

function describeObject(value) {
    if (Array.isArray(value)) {
        return 'an array';
    }
    const name = className(value);
    return name === undefined || name === 'Object' ? 'an object' : `an instance of ${ name }`;
}

function className(value) {
    try {
        const name = Object.getPrototypeOf(value)?.constructor?.name;
        return typeof name === 'string' && name !== '' ? name : undefined;
    } catch {
        return undefined;
    }
}

/** A string in quotes, shortened. */
function quote(text) {
    return JSON.stringify(text.length > LONGEST_QUOTE ? `${ text.slice(0, LONGEST_QUOTE) }...` : text);
}

module.exports = { describe, quote };
