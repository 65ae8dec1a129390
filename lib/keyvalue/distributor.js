'use strict';

const path = require('node:path');
const native = require('../native.cjs');
const { AssertionError } = require('../errors.js');
const { describe } = require('../describe.js');
const { fail, given, oneOf } = require('../options.js');
const { openPort } = require('../port.js');
const { milliseconds } = require('./checks.js');
const { KeyValueStore, MADE_BY_DISTRIBUTOR } = require('./store.js');

const BACKENDS = ['memory', 'disk'];
const DURABILITIES = ['sync', 'os', 'batched'];
const DEFAULT_FLUSH_INTERVAL_MS = 2_000;

/**
 * Hands out named stores: one for each name and backend in a process, whoever asks and from whichever
 * thread.
 */
class Distributor {
    #directory;
    #random;

    constructor(options) {
        const { directory, random = Math.random } = given(options, 'options');
        this.#directory = baseDirectory(directory);
        this.#random = typeof random === 'function' ? random : fail('random', 'a function', random);
    }

    /** A new handle on the store of that name, which is opened if no handle has it open. */
    async getOrCreate(id, backend, options) {
        const name = {
            id: checkId(id), backend: oneOf(backend, 'backend', BACKENDS), directory: this.#directory
        };
        if (backend === 'disk' && this.#directory === undefined) {
            const message = "A disk store needs a directory: new Distributor({ directory: 'path' })";
            throw new AssertionError(message);
        }
        const handle = native.createNamed(openPort().raw);
        const request = JSON.stringify({ ...name, ...storeOptions(options, backend) });
        await openPort().submit((promise) => native.openNamed(handle, promise, request));
        return new KeyValueStore(MADE_BY_DISTRIBUTOR, { handle, id, backend, random: this.#random });
    }

    /** What is open in this process of this directory: `{ stores }`, as `stats()` of each store. */
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

/** How a disk store is opened. A memory store has no options. */
function storeOptions(options, backend) {
    const { cacheSize, durability, flushInterval } = given(options, 'options');
    if (backend === 'memory') {
        return {};
    }
    const disk = {
        durability: oneOf(durability ?? 'sync', 'durability', DURABILITIES),
        flushInterval: milliseconds(flushInterval, 'flushInterval', DEFAULT_FLUSH_INTERVAL_MS),
    };
    if (cacheSize === undefined) {
        return disk;
    }
    if (!Number.isSafeInteger(cacheSize) || cacheSize < 1) {
        fail('cacheSize', 'a positive number of bytes', cacheSize);
    }
    return { ...disk, cacheSize };
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
