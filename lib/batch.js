'use strict';

const { absent, anything, atRevision, atRevisionIfPresent } = require('./checks.js');
const { boolean, fail, isObject, revision } = require('./options.js');
const { documentKey } = require('./query-options.js');
const { strictDocument } = require('./strict-json.js');

/**
 * The operations of a batch, checked before anything happens.
 *
 * @returns {import('./store.js').Operation[]}
 */
function batchOperations(operations) {
    if (!Array.isArray(operations)) {
        fail('operations', 'an array', operations);
    }
    return Array.from(operations, (operation, i) => batchOperation(operation, `operations[${ i }]`));
}

function batchOperation(operation, name) {
    if (!isObject(operation)) {
        fail(name, 'an object', operation);
    }
    const key = documentKey(operation.key, `${ name }.key`);
    switch (operation.type) {
        case 'set':
            return { key, ...putOf(operation, name) };
        case 'delete':
            return { key, prepared: null, check: deletionCheck(revision(operation.rev, `${ name }.rev`)) };
        default:
            return fail(`${ name }.type`, "'set' or 'delete'", operation.type);
    }
}

function putOf({ document, checkConsistency = true }, name) {
    const prepared = strictDocument(document, `${ name }.document`);
    const checkOf = boolean(checkConsistency, `${ name }.checkConsistency`) ? consistentCheck : anyCheck;
    return { prepared, check: checkOf(prepared.rev, `${ name }.document`) };
}

/** A document that brings a revision wants to replace that one. */
function consistentCheck(rev, name = 'document') {
    return revision(rev, `${ name }._rev`) === undefined ? anything : atRevisionIfPresent(rev);
}

/** Without consistency the revision is not looked at. */
function anyCheck() {
    return anything;
}

function absentCheck(rev) {
    revision(rev, 'document._rev');
    return absent;
}

function deletionCheck(rev) {
    return rev === undefined ? anything : atRevision(rev);
}

module.exports = { absentCheck, anyCheck, batchOperations, consistentCheck, deletionCheck };
