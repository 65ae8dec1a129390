'use strict';

const path = require('node:path');
const { boolean, fail, given, isObject, oneOf } = require('../options.js');

const ID = /^[0-9a-f]{32}$/;
const CONFLICTS = ['error', 'skip', 'overwrite'];

/** The arguments of `backup()`, checked and complete. */
function backupRequest(file, options) {
    const { since, overwrite = false } = given(options, 'options');
    const request = {
        file: filePath(file, 'path'),
        since: since === undefined || since === null ? null : sinceOf(since),
        overwrite: boolean(overwrite, 'overwrite'),
        ...observers(options),
    };
    if (request.since?.file === request.file) {
        fail('since', 'another file than path, which would be replaced', since);
    }
    return request;
}

/** The arguments of `restore()`: one file, or a chain of them. */
function restoreRequest(files, options) {
    const { conflict = 'error' } = given(options, 'options');
    if (Array.isArray(files) && files.length === 0) {
        fail('path', 'a path, or an array of at least one', files);
    }
    return {
        files: Array.isArray(files)
            ? Array.from(files, (file, i) => filePath(file, `path[${ i }]`))
            : [filePath(files, 'path')],
        conflict: CONFLICTS.indexOf(oneOf(conflict, 'conflict', CONFLICTS)),
        ...observers(options),
    };
}

/** The arguments of `verifyBackup()`. */
function verifyRequest(file, options) {
    return { file: filePath(file, 'path'), ...observers(options) };
}

function observers(options) {
    const { signal, onProgress = () => {} } = given(options, 'options');
    if (signal !== undefined && !(isObject(signal) && typeof signal.aborted === 'boolean')) {
        fail('signal', 'an AbortSignal', signal);
    }
    if (typeof onProgress !== 'function') {
        fail('onProgress', 'a function', onProgress);
    }
    return { signal, onProgress };
}

/** The path of the backup before, or the moment that it shows. */
function sinceOf(since) {
    if (typeof since === 'string') {
        return { file: filePath(since, 'since') };
    }
    return moment(since) ?? fail('since', 'the result of a backup, or the path of one', since);
}

/** `{ id, sequence }`, or undefined where there is none. */
function moment(value) {
    if (!isObject(value)) {
        return undefined;
    }
    const { id, sequence } = value;
    const isMoment = typeof id === 'string' && ID.test(id) && Number.isSafeInteger(sequence) && sequence >= 0;
    return isMoment ? { id, sequence } : undefined;
}

function filePath(value, name) {
    return pathOf(value, name, 'the path of a file');
}

function pathOf(value, name, expected) {
    if (typeof value !== 'string' || value === '' || value.includes('\0')) {
        fail(name, expected, value);
    }
    return path.resolve(value);
}

module.exports = { backupRequest, moment, observers, pathOf, restoreRequest, verifyRequest };
