'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { inspect } = require('node:util');
const errors = require('../../lib/errors.js');

const codes = {
    NotFoundError: 'NOT_FOUND',
    ConflictError: 'CONFLICT',
    AssertionError: 'ASSERTION',
    ClosedError: 'CLOSED',
    LockedError: 'LOCKED',
    CorruptError: 'CORRUPT',
    StorageError: 'STORAGE',
};

test('every class has its name and code', () => {
    for (const [name, code] of Object.entries(codes)) {
        const error = new errors[name]('what happened', { key: 'a', expected: 'b', cause: codes });
        assert.ok(error instanceof Error && error instanceof errors.DatastoreError);
        assert.equal(error.name, name);
        assert.equal(error.code, code);
        assert.equal(errors[name].CODE, code);
        assert.equal(error.message, 'what happened');
        assert.deepEqual([error.key, error.expected, error.cause], ['a', 'b', codes]);
        assert.equal(String(error), `${ name }: what happened`);
        assert.match(error.stack, new RegExp(`^${ name }: what happened\n`));
        assert.match(inspect(error), new RegExp(`code: '${ code }'`));
    }
});

test('what does not fit is not there', () => {
    const error = new errors.ClosedError('closed');
    assert.deepEqual(Object.keys(error), ['code']);
    assert.equal('cause' in error, false);
});

test('errors of native code get their class', () => {
    for (const [name, code] of Object.entries(codes)) {
        const text = JSON.stringify(
            { cause: 'disk', code, expected: 'revision 1', key: 'k"', message: 'expected revision 1' }
        );
        const error = errors.errorFromText(text);
        assert.equal(error.name, name);
        assert.equal(error.message, 'expected revision 1');
        assert.deepEqual([error.key, error.expected, error.cause.message], ['k"', 'revision 1', 'disk']);
        assert.deepEqual(errors.errorFromThrown(new Error(text)), error);
    }
    const named = errors.errorFromText('{"code":"LOCKED","message":"/data is held by process 7"}');
    assert.equal(named.message, '/data is held by process 7');
    assert.deepEqual(Object.keys(named), ['code']);
    const own = new errors.ConflictError('x');
    assert.equal(errors.errorFromThrown(own), own);
});

test('what native code did not mean to throw is a StorageError with its cause', () => {
    for (const thrown of [new TypeError('odd'), 'odd']) {
        const error = errors.errorFromThrown(thrown);
        assert.equal(error.name, 'StorageError');
        assert.match(error.message, /odd/);
        assert.equal(error.cause, thrown);
    }
});

test('an answer that does not fit into a string says what to do', () => {
    const thrown = new Error('Failed to convert rust `String` into napi `string`');
    const error = errors.errorFromThrown(thrown);
    assert.equal(error.code, 'ASSERTION');
    assert.match(error.message, /Ask for less/);
    assert.equal(error.cause, thrown);
});
