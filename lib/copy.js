'use strict';

/**
 * A deep copy of plain JSON data: what JSON.parse gives. Nothing else is handled.
 *
 * Spreading clones by hidden class, faster than writing property by property.
 */
function copy(value) {
    if (typeof value !== 'object' || value === null) {
        return value;
    }
    return Array.isArray(value) ? copyArray(value, copy) : copyObject(value);
}

function copyArray(array, copyItem) {
    const result = array.slice();
    for (let i = 0; i < result.length; i += 1) {
        const item = result[i];
        if (typeof item === 'object' && item !== null) {
            result[i] = copyItem(item);
        }
    }
    return result;
}

function copyObject(object) {
    const result = { ...object };
    for (const name in result) {
        const item = result[name];
        if (typeof item === 'object' && item !== null && Object.hasOwn(result, name)) {
            setProperty(result, name, copy(item));
        }
    }
    return result;
}

/** `__proto__`, and what can't be assigned where somebody has frozen it. */
const INHERITED = new Set(Object.getOwnPropertyNames(Object.prototype));

/** Sets an ordinary property of a plain object, whatever it is called. */
function setProperty(object, name, value) {
    if (INHERITED.has(name)) {
        Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
    } else {
        object[name] = value;
    }
}

/** Whether objects inherit no enumerable properties, as is usual. */
function isUnextended(prototype) {
    for (const name in prototype) {
        return name === undefined;
    }
    return true;
}

module.exports = { copy, copyArray, isUnextended, setProperty };
