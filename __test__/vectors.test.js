'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { isDeepStrictEqual } = require('node:util');
const { test } = require('node:test');
const { Model } = require('./helpers/model.js');
const { STORAGE, openStore, otherHandle, allDocuments, errorOf } = require('./helpers/store.js');
const { newDirectory } = require('./helpers/temp.js');
const { VIEWS, perform } = require('./helpers/vectors.js');
const { sequences } = require('./fixtures/kixx.json');

// What the recorded error names are here.
const ERRORS = { WrappedError: 'AssertionError', ConflictError: 'ConflictError' };

/** An answer as it was recorded: as JSON, without the `total` that Kixx did not have. */
function recorded(answer) {
    const value = JSON.parse(JSON.stringify(answer ?? null));
    if (value !== null && Array.isArray(value.items)) {
        assert.ok(Number.isInteger(value.total) && value.total >= value.items.length, 'total is a count');
        delete value.total;
    }
    return value;
}

async function outcome(store, op) {
    try {
        return { ok: recorded(await perform(store, op)) };
    } catch (error) {
        return { error: error.name, code: error.code };
    }
}

function expectedOutcome(op) {
    if (op.error === undefined) {
        return { ok: op.ok };
    }
    const name = ERRORS[op.error];
    return { error: name, code: name === 'ConflictError' ? 'CONFLICT' : 'ASSERTION' };
}

/** The old code answered null where ours throws: one handle of each kind, on one directory. */
async function open(t, directory) {
    const strict = await openStore(t, { directory });
    const old = await otherHandle(t, strict, { missing: 'null' });
    for (const store of [strict, old]) {
        for (const [id, map] of Object.entries(VIEWS)) {
            store._db.setView(id, { map });
        }
    }
    return { strict, old };
}

/** Replays one sequence; answers how many answers were compared, and the differences. */
async function replay(t, { seed, ops, files }) {
    const directory = newDirectory(t);
    const differences = [];
    let compared = 0;
    const compare = (what, actual, expected) => {
        compared += 1;
        if (!isDeepStrictEqual(actual, expected)) {
            differences.push({ seed, what, actual, expected });
        }
    };
    let { strict, old } = await open(t, directory);
    for (const [index, op] of ops.entries()) {
        if (op.op === 'reopen') {
            if (STORAGE !== 'memory') {
                await Promise.all([old.close(), strict.close()]);
                ({ strict, old } = await open(t, directory));
            }
            continue;
        }
        compare(`operation ${ index }: ${ op.op }`, await outcome(old, op), expectedOutcome(op));
        if (op.op === 'getItem') {
            const expected = op.ok === null ? { error: 'NotFoundError', code: 'NOT_FOUND' } : { ok: op.ok };
            compare(`operation ${ index }: strict`, await outcome(strict, op), expected);
            if (op.ok === null) {
                await assert.rejects(strict.getItem(op.key), errorOf('NotFoundError', { key: op.key }));
            }
        }
    }
    const documents = Object.fromEntries(await allDocuments(strict));
    compare('the documents', documents, byKey(files));
    await Promise.all([old.close(), strict.close()]);
    if (STORAGE === 'files') {
        compareFiles(directory, files, compare);
    }
    return { compared, differences };
}

/** Documents by the names of their files, by their keys. */
function byKey(files) {
    const keyOf = (name) => decodeURIComponent(name.slice(0, -'.json'.length));
    return Object.fromEntries(Object.entries(files).map(([name, document]) => [keyOf(name), document]));
}

function compareFiles(directory, files, compare) {
    const names = fs.readdirSync(directory).sort();
    compare('the names of the files', names, Object.keys(files).sort());
    for (const name of names) {
        const text = fs.readFileSync(path.join(directory, name), 'utf8');
        compare(`the file ${ name }`, JSON.parse(text), files[name]);
    }
}

test('the recorded answers of the JavaScript Kixx Datastore', async (t) => {
    let compared = 0;
    const differences = [];
    for (const sequence of sequences) {
        await t.test(`seed ${ sequence.seed }: ${ sequence.ops.length } operations`, async (subtest) => {
            const result = await replay(subtest, sequence);
            compared += result.compared;
            differences.push(...result.differences);
            assert.deepEqual(result.differences.slice(0, 3), []);
        });
    }
    t.diagnostic(`vectors: ${ compared } compared, ${ differences.length } different`);
    assert.equal(differences.length, 0);
    assert.ok(compared > 700);
});

test('the model of the property tests gives the recorded answers too', async () => {
    for (const { ops, files } of sequences) {
        const model = new Model();
        for (const [id, map] of Object.entries(VIEWS)) {
            model.views.set(id, { map });
        }
        for (const op of ops) {
            const isModelled = op.op !== 'reopen' && op.fn !== 'asyncMerge' && op.view !== 'unregistered';
            if (isModelled) {
                const { ok, error } = await outcome(model, op);
                assert.deepEqual([ok, error], [op.ok, op.error], JSON.stringify(op));
            } else if (op.fn === 'asyncMerge') {
                model.updateItem(op.key, (current) => ({ ...current, ...op.arg }), op.options);
            }
        }
        const names = model.keys().map((key) => `${ encodeURIComponent(key) }.json`);
        assert.deepEqual(names, Object.keys(files).sort());
        assert.deepEqual(model.keys().map((key) => model.getItem(key)), names.map((name) => files[name]));
    }
});
