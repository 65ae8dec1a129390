'use strict';

const { ConflictError } = require('./errors.js');
const { quote } = require('./describe.js');

// What has to hold for the current document when a write happens. The numbers are those of native code.

const ANY = 0;
const ABSENT = 1;
const REVISION = 2;
const REVISION_IF_PRESENT = 3;
const UNCHANGED = 4;

/** Any document, none, or one at any revision. */
const anything = { kind: ANY, value: 0 };

/** No document. */
const absent = { kind: ABSENT, value: 0 };

/** A document at this revision. */
function atRevision(revision) {
    return { kind: REVISION, value: revision };
}

/** No document, or one at this revision. */
function atRevisionIfPresent(revision) {
    return { kind: REVISION_IF_PRESENT, value: revision };
}

/** The document that this commit wrote. */
function unchangedSince(sequence) {
    return { kind: UNCHANGED, value: sequence };
}

/**
 * Throws a ConflictError unless the check holds. For documents that native code does not check.
 *
 * @param {string} key
 * @param {{ kind: number, value: number }} check
 * @param {{ version: number, sequence?: number } | null} current
 */
function assertHolds(key, { kind, value }, current) {
    if (kind === ABSENT && current !== null) {
        throw conflict(key, 'no document', current);
    }
    const atOther = current?.version !== value;
    if (atOther && (kind === REVISION || (kind === REVISION_IF_PRESENT && current !== null))) {
        throw conflict(key, `revision ${ value }`, current);
    }
    if (kind === UNCHANGED && current?.sequence !== value) {
        throw conflict(key, 'no change since it was read', current);
    }
}

function conflict(key, expected, current) {
    const found = current === null ? 'it does not exist' : `it is at revision ${ current.version }`;
    const message = `Conflict at ${ quote(key) }: expected ${ expected }, but ${ found }`;
    return new ConflictError(message, { key, expected });
}

module.exports = { absent, anything, assertHolds, atRevision, atRevisionIfPresent, conflict, unchangedSince };
