'use strict';

const path = require('node:path');
const { AssertionError } = require('./errors.js');
const { describe } = require('./describe.js');
const { DEFAULT_MAX_DOCUMENTS } = require('./document-cache.js');
const { DEFAULT_SLOW_CALL_MS } = require('./observer.js');

// Options are read once, by name; names that nobody knows are ignored.

const STORAGES = [ 'files', 'disk', 'memory' ];
const DURABILITIES = [ 'sync', 'os', 'batched' ];
const DEFAULT_FLUSH_INTERVAL_MS = 2_000;
const DEFAULT_LOCK_TIMEOUT_MS = 10_000;
const MAX_MILLISECONDS = 2 ** 31 - 1;
const DEFAULT_CACHE_BYTES = 64 * 2 ** 20;
const MIN_CACHE_BYTES = 2 ** 20;

const ENGINE_METHODS = [ 'getItem', 'setItem', 'deleteItem', 'queryKeys', 'queryView' ];
const LOCKING_QUEUE_METHODS = [ 'getLock', 'releaseLock' ];
const FILE_SYSTEM_METHODS = [
    'readDocumentDirectory',
    'readDocumentFile',
    'writeDocumentFile',
    'removeDocumentFile',
];

/** The options of a Datastore, checked and complete. */
function datastoreOptions(options) {
    const { db, lockingQueue, missing = 'throw', slowCallThreshold } = given(options, 'options');
    methods(db, 'db', ENGINE_METHODS);
    methods(lockingQueue, 'lockingQueue', LOCKING_QUEUE_METHODS);
    return {
        db,
        lockingQueue,
        slowCallThreshold: slowCall(slowCallThreshold),
        missing: oneOf(missing, 'missing', [ 'throw', 'null' ]),
        // An injected engine brings its own storage.
        engine: db === undefined ? engineOptions(options) : undefined,
    };
}

/** The options of a DatastoreEngine, checked and complete. */
function engineOptions(options) {
    const { directory, durability = 'sync', cache, fileSystem, ...rest } = given(options, 'options');
    const { storage = 'files', cacheSize = DEFAULT_CACHE_BYTES } = rest;
    const { flushInterval = DEFAULT_FLUSH_INTERVAL_MS, lockTimeout = DEFAULT_LOCK_TIMEOUT_MS } = rest;
    const { exclusive = false, readOnly = false, directoryMode = 0o700, fileMode = 0o600 } = rest;
    oneOf(storage, 'storage', STORAGES);
    if (storage === 'memory') {
        forMemory({ directory, fileSystem });
    } else {
        assertPath(directory);
    }
    if (storage === 'disk') {
        forDisk({ fileSystem, readOnly });
    }
    methods(fileSystem, 'fileSystem', FILE_SYSTEM_METHODS);
    return {
        // An injected file system may know other paths than this process.
        directory: fileSystem === undefined && directory !== undefined ? path.resolve(directory) : directory,
        storage,
        cacheSize: bytes(cacheSize, 'cacheSize', MIN_CACHE_BYTES),
        durability: oneOf(durability, 'durability', DURABILITIES),
        flushInterval: milliseconds(flushInterval, 'flushInterval', 1),
        lockTimeout: milliseconds(lockTimeout, 'lockTimeout', 0),
        exclusive: boolean(exclusive, 'exclusive'),
        readOnly: boolean(readOnly, 'readOnly'),
        directoryMode: permissions(directoryMode, 'directoryMode', 0o700),
        slowCallThreshold: slowCall(rest.slowCallThreshold),
        fileMode: permissions(fileMode, 'fileMode', 0o600),
        maxDocuments: maxDocuments(cache),
        fileSystem,
    };
}

function assertPath(directory) {
    if (typeof directory !== 'string' || directory === '') {
        fail('directory', 'a path', directory);
    }
    if (directory.includes('\0')) {
        fail('directory', 'a path without NUL characters', directory);
    }
}

function forMemory(unwanted) {
    for (const [ name, value ] of Object.entries(unwanted)) {
        if (value !== undefined) {
            fail(name, "left out with storage 'memory', which keeps nothing", value);
        }
    }
}

function forDisk({ fileSystem, readOnly }) {
    if (fileSystem !== undefined) {
        fail('fileSystem', "left out with storage 'disk', whose data file is no document", fileSystem);
    }
    if (readOnly === true) {
        fail('readOnly', "false with storage 'disk'", readOnly);
    }
}

/** A number of bytes. */
function bytes(value, name, least) {
    if (!Number.isSafeInteger(value) || value < least) {
        fail(name, `a whole number of bytes from ${ least } up`, value);
    }
    return value;
}

function milliseconds(value, name, least) {
    if (!Number.isInteger(value) || value < least || value > MAX_MILLISECONDS) {
        fail(name, `a whole number of milliseconds from ${ least } to ${ MAX_MILLISECONDS }`, value);
    }
    return value;
}

function slowCall(value = DEFAULT_SLOW_CALL_MS) {
    return milliseconds(value, 'slowCallThreshold', 0);
}

/** Permissions of a new file or directory, of which we need `least` ourselves. */
function permissions(value, name, least) {
    if (!Number.isInteger(value) || value < 0 || value > 0o777 || (value & least) !== least) {
        const expected = `permissions from 0o${ least.toString(8) } to 0o777 that include the former`;
        fail(name, expected, value);
    }
    return value;
}

/** How many documents the cache keeps; 0 for no cache. */
function maxDocuments(cache = true) {
    if (typeof cache === 'boolean') {
        return cache ? DEFAULT_MAX_DOCUMENTS : 0;
    }
    if (!isObject(cache)) {
        fail('cache', 'false or { maxDocuments }', cache);
    }
    const { maxDocuments: most = DEFAULT_MAX_DOCUMENTS } = cache;
    if (most !== Infinity && (!Number.isSafeInteger(most) || most < 1)) {
        fail('cache.maxDocuments', 'a positive integer or Infinity', most);
    }
    return most;
}

function loadOptions(options) {
    const { quarantine = false } = given(options, 'options');
    return { quarantine: boolean(quarantine, 'quarantine') };
}

function writeOptions(options) {
    if (options === undefined) {
        return true;
    }
    const { checkConsistency = true } = given(options, 'options');
    return boolean(checkConsistency, 'checkConsistency');
}

function deleteOptions(options) {
    return options === undefined ? undefined : revision(given(options, 'options').rev, 'rev');
}

/** A revision that may be missing. */
function revision(value, name) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0)) {
        fail(name, 'a revision (an integer from 0 up)', value);
    }
    return value;
}

/** The options object, or an empty one. */
function given(options, name) {
    if (options !== undefined && !isObject(options)) {
        fail(name, 'an object', options);
    }
    return options ?? {};
}

function boolean(value, name) {
    return typeof value === 'boolean' ? value : fail(name, 'true or false', value);
}

function oneOf(value, name, choices) {
    if (!choices.includes(value)) {
        fail(name, `one of ${ choices.map((choice) => `'${ choice }'`).join(', ') }`, value);
    }
    return value;
}

function methods(object, name, required) {
    if (object === undefined) {
        return;
    }
    if (!isObject(object)) {
        fail(name, 'an object', object);
    }
    for (const method of required) {
        if (typeof object[method] !== 'function') {
            fail(`${ name }.${ method }`, 'a function', object[method]);
        }
    }
}

function isObject(value) {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fail(name, expected, value) {
    throw new AssertionError(`${ name } must be ${ expected }, got ${ describe(value) }`, { expected });
}

module.exports = {
    boolean,
    datastoreOptions,
    deleteOptions,
    engineOptions,
    fail,
    given,
    isObject,
    loadOptions,
    milliseconds,
    oneOf,
    revision,
    writeOptions,
};
