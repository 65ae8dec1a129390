'use strict';

const { isUnextended } = require('./copy.js');
const { STRING, NUMBER, OBJECT, ARRAY, TRUE, FALSE, NULL, TEXT } = require('./flat-kinds.js');

/** What a block of documents has at most; one document may go over the length of the strings. */
const MAX_VALUES = 8192;
const MAX_STRINGS_LENGTH = 64 * 1024;
/** A document with more values does not always find room, and is written as text then. */
const USUAL_VALUES = 1024;
const MAX_DEPTH = 16;
const MAX_NAMES = 64;
/** Code is generated for a structure, a list of property names, that is met again and again. */
const OFTEN = 3;
const MAX_STRUCTURES = 512;

const ROOT = 'document';
const NESTED = 'object';

/** What no code is generated for. */
const UNFIT = { place: undefined, code: undefined };

/**
 * Writes documents in flat form for native code: the kinds and numbers of all values in buffers, all strings
 * in one. On the way a document is copied, and what is not plain JSON data is left to the general code.
 */
class FlatWriter {
    kinds = new Uint8Array(MAX_VALUES);
    numbers = new Float64Array(MAX_VALUES);
    strings = '';
    /** The `_rev` that the last document brought. */
    rev = undefined;
    #at = 0;
    // Of the document that is being written.
    #begin = 0;
    #text = '';
    #depth = 0;
    #failed = false;
    // Structures by their names, and where in a document they were met last.
    #met = new Map();
    #predicted = new Array(MAX_VALUES);
    #define;

    /** @param {(names: string[]) => number} define tells native code the names of a structure */
    constructor(define) {
        this.#define = define;
    }

    /** How many values were written. */
    get length() {
        return this.#at;
    }

    /** Whether there is room for what is usual. */
    get hasRoom() {
        return this.#at + USUAL_VALUES <= MAX_VALUES && this.strings.length <= MAX_STRINGS_LENGTH;
    }

    /** Takes back all but the first values and strings. */
    cut(length, strings) {
        this.#at = length;
        this.strings = strings;
    }

    string(value) {
        this.strings += value;
        return this.#put(STRING, value.length);
    }

    number(value) {
        return this.#put(NUMBER, value);
    }

    null() {
        return this.#put(NULL, 0);
    }

    /** The text of a document. */
    text(value) {
        this.strings += value;
        return this.#put(TEXT, value.length);
    }

    /**
     * Writes a document. Answers with a copy whose first property is `_rev: 0`; undefined, with nothing
     * written, for a document that is not plain JSON data, or not worth it.
     */
    document(value) {
        this.#begin = this.#at;
        this.#text = '';
        this.#depth = 0;
        this.#failed = false;
        const copy = this.#root(value);
        if (this.#failed || !this.#text.isWellFormed()) {
            this.#at = this.#begin;
            return undefined;
        }
        this.strings += this.#text;
        return copy;
    }

    #root(value) {
        const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
        if (!isObject || value.toJSON !== undefined || !isUnextended(Object.prototype)) {
            return this.fail();
        }
        return this.#object(value, ROOT);
    }

    /** Writes a value of a document. Called by generated code. */
    take(value) {
        switch (typeof value) {
            case 'string':
                return this.#string(value);
            case 'number':
                return this.#number(value);
            case 'boolean':
                this.#put(value ? TRUE : FALSE, 0);
                return value;
            case 'object':
                return this.#container(value);
            default:
                return this.fail();
        }
    }

    /** Gives the document up. Called by generated code. */
    fail() {
        this.#failed = true;
        return undefined;
    }

    #string(value) {
        // Half a pair at the end would become whole with the beginning of the next string.
        if ((value.charCodeAt(value.length - 1) & 0xfc00) === 0xd800) {
            return this.fail();
        }
        this.#put(STRING, value.length);
        this.#text += value;
        return value;
    }

    #number(value) {
        if (!Number.isFinite(value)) {
            return this.fail();
        }
        this.#put(NUMBER, value);
        // -0 becomes 0, as in JSON.
        return value + 0;
    }

    #container(value) {
        if (value === null) {
            this.#put(NULL, 0);
            return null;
        }
        if (this.#failed || this.#depth === MAX_DEPTH || value.toJSON !== undefined) {
            return this.fail();
        }
        this.#depth += 1;
        const copy = Array.isArray(value) ? this.#array(value) : this.#object(value, NESTED);
        this.#depth -= 1;
        return copy;
    }

    #array(array) {
        const { length } = array;
        this.#put(ARRAY, length);
        // An array that grows has room for more, which the garbage collector would have to copy as well.
        switch (length) {
            case 1:
                return [this.take(array[0])];
            case 2:
                return [this.take(array[0]), this.take(array[1])];
            case 3:
                return [this.take(array[0]), this.take(array[1]), this.take(array[2])];
            default:
                return this.#longArray(array, length);
        }
    }

    #longArray(array, length) {
        const copy = [];
        for (let i = 0; i < length && !this.#failed; i += 1) {
            copy.push(this.take(array[i]));
        }
        // A proxy may say any length.
        return copy.length === length ? copy : this.fail();
    }

    #object(object, place) {
        if (Object.getPrototypeOf(object) !== Object.prototype) {
            return this.fail();
        }
        const at = this.#at - this.#begin;
        let structure = this.#predicted[at];
        if (structure === undefined || structure.place !== place || !structure.code.matches(object)) {
            structure = this.#structureOf(object, place);
            if (structure.code === undefined) {
                return this.fail();
            }
            this.#predicted[at] = structure;
        }
        this.#put(OBJECT, structure.number);
        return structure.code.take(this, object);
    }

    #structureOf(object, place) {
        const names = Object.keys(object);
        if (names.length > MAX_NAMES) {
            return UNFIT;
        }
        const id = place + JSON.stringify(names);
        let structure = this.#met.get(id);
        if (structure === undefined) {
            if (this.#met.size === MAX_STRUCTURES) {
                return UNFIT;
            }
            structure = { place, times: 0, number: -1, code: undefined };
            this.#met.set(id, structure);
        }
        structure.times += 1;
        if (structure.times === OFTEN && names.every((name) => name !== '__proto__' && name.isWellFormed())) {
            const stored = place === ROOT ? names.filter((name) => name !== '_rev') : names;
            structure.number = this.#define(stored.map((name) => JSON.stringify(name)));
            // Last: without its number it must never be used.
            structure.code = generate(names, place);
        }
        return structure;
    }

    #put(kind, number) {
        const at = this.#at;
        if (at === MAX_VALUES) {
            this.#failed = true;
            return at;
        }
        this.kinds[at] = kind;
        this.numbers[at] = number;
        this.#at = at + 1;
        return at;
    }
}

/**
 * Functions for the objects with these names: `matches(object)`, whether it has them in this order, and
 * `take(writer, object)`, which writes and copies their values. Undefined where generating code is forbidden.
 */
function generate(names, place) {
    const properties = names.filter((name) => place !== ROOT || name !== '_rev').map((name) => {
        const quoted = JSON.stringify(name);
        return `${ quoted }: writer.take(object[${ quoted }])`;
    });
    if (place === ROOT) {
        const brought = names.includes('_rev') ? 'object._rev' : 'undefined';
        properties.unshift(`"_rev": (writer.rev = ${ brought }, 0)`);
    }
    const body = `
        const matches = (object) => {
            let i = 0;
            for (const name in object) {
                if (name !== names[i]) {
                    return false;
                }
                i += 1;
            }
            return i === names.length;
        };
        const take = (writer, object) => ({ ${ properties.join(', ') } });
        return { matches, take };
    `;
    try {
        return new Function('names', body)(names);
    } catch {
        return undefined;
    }
}

module.exports = { FlatWriter };
