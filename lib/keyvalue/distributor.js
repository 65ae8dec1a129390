'use strict';

const path = require('node:path');
const native = require('../native.cjs');
const { AssertionError } = require('../errors.js');
const { describe } = require('../describe.js');
const { fail, given, oneOf } = require('../options.js');
const { openPort } = require('../port.js');
const { KeyValueStore, MADE_BY_DISTRIBUTOR } = require('./store.js');

const BACKENDS = ['memory', 'disk'];

/** Hands out named stores: one for each name and backend in a process, whoever asks and from whichever thread. */
class Distributor {
    #directory;

    constructor(options) {
        this.#directory = baseDirectory(given(options, 'options').directory);
    }

    /** A new handle on the store of that name, which is opened if no handle has it open. */
    async getOrCreate(id, backend, options) {
        const name = {
            id: checkId(id), backend: oneOf(backend, 'backend', BACKENDS), directory: this.#directory
        };
        if (backend === 'disk' && this.#directory === undefined) {
            throw new AssertionError("A disk store needs a directory: new Distributor({ directory: 'path' })");
        }
        const handle = native.createNamed(openPort().raw);
        const request = JSON.stringify({ ...name, ...given(options, 'options') });
        await openPort().submit((promise) => native.openNamed(handle, promise, request));
        return new KeyValueStore(MADE_BY_DISTRIBUTOR, { handle, id, backend });
    }

    /** What is open in this process of this directory: `{ stores: [{ id, backend, handles, keys }] }`. */
    async stats() {
        const directory = this.#directory ?? null;
        const stores = await openPort().submit((id) => native.namedStats(openPort().raw, id, directory));
        return { stores: JSON.parse(stores) };
    }
}

function baseDirectory(directory) {
    if (directory === undefined) {
        return undefined;
    }
    if (typeof directory !== 'string' || directory === '' || directory.includes('\0')) {
        fail('directory', 'a path', directory);
    }
    return path.resolve(directory);
}

function checkId(id) {
    if (typeof id !== 'string') {
        throw new AssertionError(`id must be a string, got ${ describe(id) }`);
    }
    if (!id.isWellFormed()) {
        throw new AssertionError('id must be well-formed Unicode: this one holds half of a surrogate pair');
    }
    return id;
}

module.exports = { Distributor };
