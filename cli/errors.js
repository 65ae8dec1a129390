'use strict';

/** A mistake on the command line. */
class UsageError extends Error {
    name = 'UsageError';
    code = 'USAGE';
}

/** A directory that is missing, or holds something else. */
class NoDatastoreError extends Error {
    name = 'NoDatastoreError';
    code = 'NO_DATASTORE';
}

/** The same error, with where it happened before its message. Keeps class and code. */
function at(place, error) {
    error.message = `${ place }: ${ error.message }`;
    return error;
}

module.exports = { NoDatastoreError, UsageError, at };
