'use strict';

/**
 * What all errors of this package have in common. `code` never changes; messages may.
 */
class DatastoreError extends Error {
    static CODE = 'DATASTORE';

    /**
     * @param {string} message
     * @param {{ key?: string, expected?: string, cause?: unknown }} [details]
     */
    constructor(message, details = {}) {
        super(message, details.cause === undefined ? undefined : { cause: details.cause });
        this.code = this.constructor.CODE;
        if (details.key !== undefined) {
            this.key = details.key;
        }
        if (details.expected !== undefined) {
            this.expected = details.expected;
        }
    }
}

/** There is no such document. */
class NotFoundError extends DatastoreError {
    static CODE = 'NOT_FOUND';
}

/** The document is not at the expected revision: read it again and retry. */
class ConflictError extends DatastoreError {
    static CODE = 'CONFLICT';
}

/** A mistake of the caller: a bad key, document or option. */
class AssertionError extends DatastoreError {
    static CODE = 'ASSERTION';
}

/** The datastore is closed. */
class ClosedError extends DatastoreError {
    static CODE = 'CLOSED';
}

/** Another process holds the directory. */
class LockedError extends DatastoreError {
    static CODE = 'LOCKED';
}

/** Files on disk are damaged. Nothing was changed. */
class CorruptError extends DatastoreError {
    static CODE = 'CORRUPT';
}

/** The file system failed. */
class StorageError extends DatastoreError {
    static CODE = 'STORAGE';
}

/** What changed since a moment of the past is not known any more. */
class TooOldError extends DatastoreError {
    static CODE = 'TOO_OLD';
}

const classes = {
    DatastoreError,
    NotFoundError,
    ConflictError,
    AssertionError,
    ClosedError,
    LockedError,
    CorruptError,
    StorageError,
    TooOldError,
};

const classByCode = new Map();

for (const [name, Class] of Object.entries(classes)) {
    Object.defineProperty(Class.prototype, 'name', { value: name, writable: true, configurable: true });
    classByCode.set(Class.CODE, Class);
}

/** The error for the JSON text that native code describes an error with. */
function errorFromText(text) {
    const { code, message, key, expected, cause } = JSON.parse(text);
    const Class = classByCode.get(code) ?? StorageError;
    return new Class(message, { key, expected, cause: cause === undefined ? undefined : new Error(cause) });
}

/** How such a text begins: its names are sorted. */
const ERROR_TEXT = /^\{"(?:cause|code)":/;

/** How the binding says that an answer does not fit into a string. */
const ANSWER_TOO_LONG = 'Failed to convert rust `String` into napi `string`';

/** The error for what a native call threw. */
function errorFromThrown(thrown) {
    if (thrown instanceof DatastoreError) {
        return thrown;
    }
    if (ERROR_TEXT.test(thrown?.message)) {
        return errorFromText(thrown.message);
    }
    if (thrown?.message === ANSWER_TOO_LONG) {
        const message = 'The answer is longer than a JavaScript string may be. Ask for less at a time';
        return new AssertionError(message, { cause: thrown });
    }
    return new StorageError(`Internal error: ${ thrown?.message ?? thrown }`, { cause: thrown });
}

/**
 * Gives an error that was made in a completion callback the stack of the method that awaited it.
 */
function withCallerStack(error, above = withCallerStack) {
    if (error instanceof DatastoreError) {
        Error.captureStackTrace(error, above);
    }
    return error;
}

module.exports = { ...classes, errorFromText, errorFromThrown, withCallerStack };
