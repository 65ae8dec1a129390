'use strict';

const { copy, copyArray, isUnextended } = require('./copy.js');

// A cached document is kept as the list of its values, beside each other in memory: an object graph would
// be a cache miss for each of its parts. Functions that are written for one shape of documents take the
// values out and put them together again, several times as fast as functions for all shapes. So they are
// generated, for each of the first shapes that are met often.

/** Functions pay for shapes that were asked for so often. */
const OFTEN = 3;
const MAX_GENERATED = 512;
const MAX_NODES = 20_000;
const MAX_DEPTH = 5;
const MAX_PROPERTIES = 64;
/** Values that an entry has a property for; it has an array for the rest of them. */
const SLOTS = 20;
const MAX_VALUES = 256;
/** Longer arrays are one value, or each length would be a shape. */
const SHORT = 4;

/**
 * A shape, and a node in the tree of object shapes: the object that has the properties on the way from
 * the root to here. Two values have the same shape exactly when they have the same node.
 */
class Shape {
    form = undefined;
    asked = 0;
    // The shape of arrays whose items all have this shape, and those of short ones by their length.
    array = undefined;
    short = [];
    // By the name of the next property: the next node where its value is a primitive, ...
    leaves = new Map();
    // ... and by name and shape of the value where it is not.
    nested = new Map();
}

const PRIMITIVE = new Shape();
const EMPTY_OBJECT = new Shape();
/** Everything that the general function has to copy. */
const GENERAL = new Shape();

/**
 * How an entry keeps a document, which is plain JSON data: `keep(entry, document)` fills `v0` ... `v19` and
 * `rest` of an entry, and leaves the document to its owner; `make(entry)` answers with a fresh copy. Both
 * throw a RangeError when a document is nested too deeply.
 */
const COPIED = {
    keep(entry, document) {
        entry.v0 = copy(document);
    },
    make: (entry) => copy(entry.v0),
};

/** For documents of a shape that is rare so far. */
const RARE = {
    keep: COPIED.keep,
    make(entry) {
        const document = entry.v0;
        const form = formFor(document);
        if (form === RARE) {
            return copy(document);
        }
        form.keep(entry, document);
        entry.make = form.make;
        return form.make(entry);
    },
};

let nodes = 0;
let generated = 0;

/** The form for a document, and for all others of exactly this shape. */
function formFor(document) {
    const shape = isUnextended(Object.prototype) ? shapeOf(document, 0, sizedArrayShape) : GENERAL;
    if (shape === GENERAL) {
        return COPIED;
    }
    if (shape.form === undefined) {
        shape.asked += 1;
        if (shape.asked < OFTEN) {
            return RARE;
        }
        generated += 1;
        shape.form = generated > MAX_GENERATED ? COPIED : generate(document);
    }
    return shape.form;
}

function shapeOf(value, depth, ofArray) {
    if (typeof value !== 'object' || value === null) {
        return PRIMITIVE;
    }
    if (depth > MAX_DEPTH) {
        return GENERAL;
    }
    return Array.isArray(value) ? ofArray(value, depth) : objectShape(value, depth, ofArray);
}

function objectShape(object, depth, ofArray) {
    let shape = EMPTY_OBJECT;
    let properties = 0;
    for (const name in object) {
        const value = object[name];
        shape = typeof value === 'object' && value !== null
            ? nestedNode(shape, name, shapeOf(value, depth + 1, ofArray))
            : leafNode(shape, name);
        properties += 1;
        if (shape === GENERAL || properties > MAX_PROPERTIES || name === '__proto__') {
            return GENERAL;
        }
    }
    return shape;
}

function leafNode(shape, name) {
    return shape.leaves.get(name) ?? newNode(shape.leaves, name);
}

function nestedNode(shape, name, inner) {
    let byShape = shape.nested.get(name);
    if (byShape === undefined) {
        byShape = new Map();
        shape.nested.set(name, byShape);
    }
    return byShape.get(inner) ?? newNode(byShape, inner);
}

/** Documents whose property names are data would fill the memory with shapes. */
function newNode(edges, edge) {
    if (nodes >= MAX_NODES) {
        return GENERAL;
    }
    nodes += 1;
    const node = new Shape();
    edges.set(edge, node);
    return node;
}

function sizedArrayShape(array, depth) {
    const { length } = array;
    if (length > SHORT || array.some((item) => typeof item === 'object' && item !== null)) {
        return arrayShape(array, depth);
    }
    PRIMITIVE.short[length] ??= new Shape();
    return PRIMITIVE.short[length];
}

function arrayShape(array, depth) {
    const first = array.length === 0 ? PRIMITIVE : shapeOf(array[0], depth + 1, arrayShape);
    for (let i = 1; i < array.length; i += 1) {
        if (shapeOf(array[i], depth + 1, arrayShape) !== first) {
            return GENERAL;
        }
    }
    first.array ??= first === GENERAL ? GENERAL : new Shape();
    return first.array;
}

function generate(document) {
    const values = new Values();
    const made = values.take(document, 'document', 0);
    if (values.count > MAX_VALUES) {
        return COPIED;
    }
    const body = `
        const keep = (entry, document) => { ${ values.statements().join(' ') } };
        const make = (entry) => (${ made });
        return { keep, make };`;
    try {
        return new Function('copy', 'copyArray', body)(copy, copyArray);
    } catch {
        // Generating code may be forbidden in this process.
        return COPIED;
    }
}

/** The values of the documents of one shape, and the code that moves them. */
class Values {
    // What each of them is, as an expression of `document`.
    #sources = [];

    get count() {
        return this.#sources.length;
    }

    /** Keeps what `source` names: something of the same shape as `value`. The expression that makes it. */
    take(value, source, depth) {
        const shape = shapeOf(value, depth, sizedArrayShape);
        if (shape === PRIMITIVE) {
            return this.#slot(source);
        }
        if (shape !== GENERAL && !Array.isArray(value)) {
            return objectLiteral(value, source, (inner, from) => this.take(inner, from, depth + 1));
        }
        if (shape === PRIMITIVE.short[value.length]) {
            return `[${ value.map((_, i) => this.#slot(`${ source }[${ i }]`)).join(', ') }]`;
        }
        return copyExpression(value, this.#slot(copyExpression(value, source, depth)), depth);
    }

    #slot(source) {
        const at = this.#sources.push(source) - 1;
        return at < SLOTS ? `entry.v${ at }` : `entry.rest[${ at - SLOTS }]`;
    }

    /** The statements that fill `entry`. Nothing is changed before everything that may throw is done. */
    statements() {
        const read = this.#sources.map((source, at) => `const value${ at } = ${ source };`);
        const names = this.#sources.map((_, at) => `value${ at }`);
        const kept = names.slice(0, SLOTS).map((name, at) => `entry.v${ at } = ${ name };`);
        const rest = names.slice(SLOTS);
        return [...read, ...kept, ...(rest.length > 0 ? [`entry.rest = [${ rest.join(', ') }];`] : [])];
    }
}

/** The expression that copies what `source` names: something of the same shape as `value`. */
function copyExpression(value, source, depth) {
    const shape = shapeOf(value, depth, arrayShape);
    if (shape === PRIMITIVE) {
        return source;
    }
    if (shape === GENERAL) {
        return `copy(${ source })`;
    }
    if (shape === PRIMITIVE.array) {
        return `${ source }.slice()`;
    }
    if (Array.isArray(value)) {
        const item = `item${ depth }`;
        return `copyArray(${ source }, (${ item }) => (${ copyExpression(value[0], item, depth + 1) }))`;
    }
    return objectLiteral(value, source, (inner, from) => copyExpression(inner, from, depth + 1));
}

function objectLiteral(object, source, expressionOf) {
    const properties = Object.keys(object).map((name) => {
        const quoted = JSON.stringify(name);
        return `${ quoted }: ${ expressionOf(object[name], `${ source }[${ quoted }]`) }`;
    });
    return `{ ${ properties.join(', ') } }`;
}

module.exports = { formFor };
