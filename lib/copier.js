'use strict';

const { copy, copyArray, isUnextended } = require('./copy.js');

// A function that is written for one shape of documents copies several times as fast as one for all
// shapes. So a function is generated for each of the first shapes that are seen.

/** A function pays for shapes that were asked for so often. */
const OFTEN = 3;
const MAX_FUNCTIONS = 512;
const MAX_NODES = 20_000;
const MAX_DEPTH = 5;
const MAX_PROPERTIES = 64;

/**
 * A shape, and a node in the tree of object shapes: the object that has the properties on the way from
 * the root to here. Two values have the same shape exactly when they have the same node.
 */
class Shape {
    copier = undefined;
    asked = 0;
    // The shape of arrays whose items all have this shape.
    array = undefined;
    // By the name of the next property: the next node where its value is a primitive, ...
    leaves = new Map();
    // ... and by name and shape of the value where it is not.
    nested = new Map();
}

const PRIMITIVE = new Shape();
const EMPTY_OBJECT = new Shape();
/** Everything that the general function has to copy. */
const GENERAL = new Shape();

let nodes = 0;
let functions = 0;

/**
 * A function that copies `value`, which is plain JSON data and never changes: the function is right only
 * for values of exactly this shape. Undefined while the shape is rare.
 *
 * @returns {((value: unknown) => unknown) | undefined}
 */
function copierFor(value) {
    const shape = isUnextended(Object.prototype) ? shapeOf(value, 0) : GENERAL;
    if (shape === GENERAL) {
        return copy;
    }
    if (shape.copier === undefined) {
        shape.asked += 1;
        if (shape.asked >= OFTEN) {
            functions += 1;
            shape.copier = functions > MAX_FUNCTIONS ? copy : generate(value);
        }
    }
    return shape.copier;
}

function shapeOf(value, depth) {
    if (typeof value !== 'object' || value === null) {
        return PRIMITIVE;
    }
    if (depth > MAX_DEPTH) {
        return GENERAL;
    }
    return Array.isArray(value) ? arrayShape(value, depth) : objectShape(value, depth);
}

function objectShape(object, depth) {
    let shape = EMPTY_OBJECT;
    let properties = 0;
    for (const name in object) {
        const value = object[name];
        shape = typeof value === 'object' && value !== null
            ? nestedNode(shape, name, shapeOf(value, depth + 1))
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

function arrayShape(array, depth) {
    const first = array.length === 0 ? PRIMITIVE : shapeOf(array[0], depth + 1);
    for (let i = 1; i < array.length; i += 1) {
        if (shapeOf(array[i], depth + 1) !== first) {
            return GENERAL;
        }
    }
    first.array ??= first === GENERAL ? GENERAL : new Shape();
    return first.array;
}

function generate(value) {
    try {
        const body = `return (value) => (${ expression(value, 'value', 0) });`;
        return new Function('copy', 'copyArray', body)(copy, copyArray);
    } catch {
        // Generating code may be forbidden in this process.
        return copy;
    }
}

/** The expression that copies what `source` names: a value of the same shape as `value`. */
function expression(value, source, depth) {
    const shape = shapeOf(value, depth);
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
        return `copyArray(${ source }, (${ item }) => (${ expression(value[0], item, depth + 1) }))`;
    }
    const properties = Object.keys(value).map((name) => {
        const quoted = JSON.stringify(name);
        return `${ quoted }: ${ expression(value[name], `${ source }[${ quoted }]`, depth + 1) }`;
    });
    return `{ ${ properties.join(', ') } }`;
}

module.exports = { copierFor };
