'use strict';

const { anything, atRevision, atRevisionIfPresent } = require('./checks.js');
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
    const checked = boolean(checkConsistency, `${ name }.checkConsistency`);
    return { prepared, check: putCheck(prepared, checked, `${ name }.document`) };
}

/** A document that brings a revision wants to replace that one. Without consistency it is not looked at. */
function putCheck({ rev }, checkConsistency, name = 'document') {
    if (!checkConsistency || revision(rev, `${ name }._rev`) === undefined) {
        return anything;
    }
    return atRevisionIfPresent(rev);
}

function deletionCheck(rev) {
    return rev === undefined ? anything : atRevision(rev);
}

module.exports = { batchOperations, deletionCheck, putCheck };
