'use strict';

// docs/errors.md has every code that the sources have and no other. What it says of class and properties is
// true of errors that really happen.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const v8 = require('node:v8');
const vm = require('node:vm');
const { once } = require('node:events');
const { test } = require('node:test');
const kixx = require('kixx-datastore');
const { importJsonLines } = require('kixx-datastore/import');
const { Output } = require('../cli/output.js');
const { interruptible } = require('../cli/interrupt.js');
const { buildAddon } = require('../scripts/build-addon.cjs');
const { addonPath } = require('../scripts/platform.cjs');
const { startScript } = require('./helpers/child.js');
const { cliJson } = require('./helpers/cli.js');
const { collectCodes } = require('./helpers/error-codes.js');
const { makeStore, openStore } = require('./helpers/store.js');
const { cleanup, eventually, newDirectory, newPath } = require('./helpers/temp.js');

const ROOT = path.join(__dirname, '..');

/** What the page says of each code: its class, if it is one of an error, and the properties of that. */
const page = readPage();

/** Codes that nothing is thrown with. */
const NEVER = ['DATASTORE'];

/** What takes more than this file has: LevelDB, a network file system. */
const UNSEEN = ['LOCKED cause', 'STORAGE expected'];

/** Ways to get each code. A way answers with the error, or with an array of them. */
const ways = {
    NOT_FOUND: [async (t) => rejection((await openStore(t)).getItem('a'))],
    CONFLICT: [insertTwice, staleWrites, updateAmidOther, restoreOverDocuments, importOverDocuments],
    ASSERTION: [badCalls, unusableKeys, badRecord],
    CLOSED: [callsAfterClose],
    LOCKED: [openWhatAnotherHas],
    CORRUPT: [loadDamaged, verifyNoBackup],
    STORAGE: [openFileAsDirectory, restoreNothing],
    TOO_OLD: [incrementOfAnother],
    ABORT_ERR: [abortedBackup],
    BEHIND: [shadowTooSlow],
    ERR_NATIVE_NOT_FOUND: [(t) => loadAddonOf(newPackage(t))],
    ERR_NATIVE_UNUSABLE: [loadNoAddon],
    ERR_NO_CARGO: [buildWithoutCargo],
    ERR_BUILD_FAILED: [() => thrown(() => buildAddon({ tuple: 'no-such-platform' }))],
    USAGE: [(t) => told(t, ['get'])],
    NO_DATASTORE: [(t) => told(t, ['keys', newPath(t)])],
    INTERRUPTED: [interrupt],
    UNEXPECTED: [tellAnything],
    KIXX_CHECKPOINT_FAILED: [failingCheckpoint],
    KIXX_VIEW_FAILED: [(t) => viewWarning(t, () => {
        throw new Error('my map');
    })],
    KIXX_VIEW_LATE: [(t) => viewWarning(t, (document, emit) => setImmediate(emit, 'late'))],
    KIXX_STORE_LEAKED: [leakedHandle],
    KIXX_SHADOW_CALLBACK: [shadowCallback],
};

test('the page has every code of the sources, and no other', () => {
    const codes = collectCodes();
    assert.ok(codes.size > 20, `${ codes.size } codes`);
    assert.deepEqual([...page.keys()].sort(), [...codes.keys()].sort());
});

test('every code can be provoked here', () => {
    assert.deepEqual([...Object.keys(ways), ...NEVER].sort(), [...page.keys()].sort());
});

test('the classes have their codes', () => {
    for (const [name, Class] of Object.entries(kixx).filter(([key]) => key.endsWith('Error'))) {
        assert.equal(page.get(Class.CODE).name, name);
    }
});

for (const [code, provocations] of Object.entries(ways)) {
    test(`${ code } is what the page says`, { timeout: 60_000 }, async (t) => {
        const { name, properties } = page.get(code);
        const seen = new Set();
        for (const provoke of provocations) {
            for (const error of [await provoke(t)].flat()) {
                assert.equal(error.code, code, error.stack);
                assert.equal(error.name, name ?? error.name, error.stack);
                assert.equal(error instanceof kixx.DatastoreError, name in kixx || code === 'BEHIND');
                assert.ok(error.message.length > 0 || code === 'USAGE');
                detailsOf(error).forEach((property) => seen.add(property));
            }
        }
        UNSEEN.forEach((unseen) => unseen.startsWith(`${ code } `) && seen.add(unseen.split(' ')[1]));
        assert.deepEqual([...seen].sort(), [...properties].sort());
    });
}

function detailsOf(error) {
    return Reflect.ownKeys(error).filter((name) => !['stack', 'message', 'code', 'name'].includes(name));
}

/** The sections: a code as heading, and below it class and properties, "`XError`, with `key`." */
function readPage() {
    const text = fs.readFileSync(path.join(ROOT, 'docs', 'errors.md'), 'utf8');
    const sections = text.matchAll(/^### `([A-Z_]+)`\n\n(?:`(\w+)`(?:, with (.*))?\.\n)?/gm);
    return new Map([...sections].map(([, code, name, list = '']) => (
        [code, { name, properties: [...list.matchAll(/`(\w+)`/g)].map(([, property]) => property) }])));
}

async function rejection(promise) {
    try {
        await promise;
    } catch (error) {
        return error;
    }
    throw new assert.AssertionError({ message: 'it did not reject' });
}

function thrown(work) {
    try {
        work();
    } catch (error) {
        return error;
    }
    throw new assert.AssertionError({ message: 'it did not throw' });
}

async function insertTwice(t) {
    const store = await openStore(t);
    await store.insertItem('a', {});
    return rejection(store.insertItem('a', {}));
}

async function staleWrites(t) {
    const store = await openStore(t);
    const old = await store.setItem('a', {});
    await store.setItem('a', {});
    return Promise.all([
        rejection(store.setItem('a', old)),
        rejection(store.batch([{ type: 'set', key: 'a', document: old }])),
        rejection(store.updateItem('a', () => old)),
        rejection(store.deleteItem('a', { rev: 0 })),
        rejection(store.deleteItem('b', { rev: 0 })),
    ]);
}

async function updateAmidOther(t) {
    const store = await openStore(t);
    return rejection(store.updateItem('a', async () => {
        await store.setItem('a', {});
        return {};
    }));
}

async function restoreOverDocuments(t) {
    const store = await openStore(t);
    await store.setItem('a', {});
    const { path: file } = await store.backup(newPath(t));
    return rejection(store.restore(file));
}

async function importOverDocuments(t) {
    const store = await openStore(t);
    await store.setItem('a', {});
    const error = await rejection(importJsonLines(store, newFile(t, '{"key":"a","document":{}}\n')));
    assert.deepEqual([error.expected, error.cause.code], ['no document', 'CONFLICT']);
    return error;
}

async function badCalls(t) {
    const store = await openStore(t);
    const reader = await openStore(t, { readOnly: true });
    return [
        await rejection(store.getItem('')),
        await rejection(store.setItem('a', { n: [NaN] })),
        await rejection(store.queryKeys({ limit: 0 })),
        await rejection(store.queryView('none')),
        await rejection(store.backup(newFile(t, ''))),
        await rejection(store.updateItem('a', () => store.updateItem('a', () => ({})))),
        await rejection(reader.setItem('a', {})),
        await rejection(kixx.prometheus({})),
        thrown(() => new kixx.Datastore({})),
        thrown(() => store.setView('a', {})),
        thrown(() => makeStore(t)._db.getItem('a')),
        thrown(() => new kixx.LockingQueue().releaseLock('a')),
        thrown(() => kixx.shadow({}, store)),
    ];
}

async function unusableKeys(t) {
    const store = await openStore(t);
    return [
        await rejection(store.setItem('a'.repeat(251), {})),
        await rejection(store.setItem('\ud800', {})),
    ];
}

async function badRecord(t) {
    const mine = new Error('my key');
    const key = () => {
        throw mine;
    };
    const file = newFile(t, '{"key":"a","document":{}}\n');
    const error = await rejection(importJsonLines(await openStore(t), file, { key }));
    assert.equal(error.cause, mine);
    return error;
}

async function callsAfterClose(t) {
    const store = await openStore(t);
    await store.batch(Array.from({ length: 600 }, (_, key) => ({ type: 'set', key, document: {} })));
    let scanned = 0;
    for await (const { key } of store.scan()) {
        assert.ok(key);
        scanned += 1;
        await store.close();
    }
    assert.equal(scanned, 600);
    const calls = [store.getItem('0'), store.setItem('a', {}), store.load(), store.scan().next()];
    return Promise.all(calls.map(rejection));
}

async function openWhatAnotherHas(t) {
    const directory = newDirectory(t);
    const child = startScript(t, 'hold-child.js', [directory]);
    assert.equal(await child.line(), '{"ok":true}');
    const store = new kixx.Datastore({ directory, exclusive: true, lockTimeout: 0 });
    const error = await rejection(store.load());
    assert.ok(error.message.includes(String(child.pid)), error.message);
    return error;
}

async function loadDamaged(t) {
    const directory = newDirectory(t);
    fs.writeFileSync(path.join(directory, 'a.json'), '{"n":');
    const error = await rejection(new kixx.Datastore({ directory }).load());
    assert.match(error.message, /a\.json/);
    return error;
}

async function verifyNoBackup(t) {
    const error = await rejection(kixx.verifyBackup(newFile(t, 'no gzip')));
    assert.ok(error.cause instanceof Error);
    return error;
}

async function openFileAsDirectory(t) {
    const error = await rejection(new kixx.Datastore({ directory: newFile(t, '') }).load());
    assert.ok(error.cause instanceof Error);
    return error;
}

async function restoreNothing(t) {
    const error = await rejection((await openStore(t)).restore(newPath(t)));
    assert.equal(error.cause.code, 'ENOENT');
    return error;
}

async function incrementOfAnother(t) {
    const since = await (await openStore(t)).backup(newPath(t));
    return rejection((await openStore(t)).backup(newPath(t), { since }));
}

async function abortedBackup(t) {
    const file = newPath(t);
    const error = await rejection((await openStore(t)).backup(file, { signal: AbortSignal.abort('mine') }));
    assert.equal(error.cause, 'mine');
    assert.equal(fs.existsSync(file), false);
    return error;
}

async function shadowTooSlow(t) {
    const slow = await openStore(t);
    slow.setItem = () => new Promise(() => undefined);
    const shadowed = kixx.shadow(await openStore(t), slow, { maxPending: 1 });
    for (let n = 0; n < 3; n += 1) {
        await shadowed.setItem('a', { n });
    }
    const { first, mirroring } = shadowed.differences();
    assert.deepEqual([first.length, mirroring], [1, false]);
    return first[0].new.error;
}

async function shadowCallback(t) {
    const other = await openStore(t);
    await other.setItem('a', {});
    const onDifference = () => {
        throw new Error('my callback');
    };
    const shadowed = kixx.shadow(await openStore(t), other, { onDifference });
    return warning(() => shadowed.hasItem('a'));
}

/** A copy of what the loader needs, without an addon. */
function newPackage(t) {
    const directory = newDirectory(t);
    for (const file of ['lib/native.cjs', 'scripts/platform.cjs', 'package.json']) {
        fs.mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
        fs.copyFileSync(path.join(ROOT, file), path.join(directory, file));
    }
    return directory;
}

function loadAddonOf(directory) {
    return thrown(() => require(path.join(directory, 'lib', 'native.cjs')));
}

function loadNoAddon(t) {
    const directory = newPackage(t);
    fs.writeFileSync(path.join(directory, path.basename(addonPath())), 'no addon');
    return loadAddonOf(directory);
}

function buildWithoutCargo(t) {
    const { PATH } = process.env;
    cleanup(t, () => {
        process.env.PATH = PATH;
    });
    process.env.PATH = newDirectory(t);
    return thrown(() => buildAddon({ quiet: true }));
}

/** What the tool says with --json. */
async function told(t, args) {
    const { code, error } = await cliJson(t, args);
    assert.equal(code, 2);
    return error;
}

async function interrupt() {
    return interruptible(async (signal) => {
        const aborted = once(signal, 'abort');
        process.emit('SIGINT', 'SIGINT');
        await aborted;
        const { reason } = signal;
        assert.equal(reason.signal, 'SIGINT');
        delete reason.signal; // for the tool itself
        return reason;
    });
}

function tellAnything() {
    const said = [];
    const stderr = { write: (text) => said.push(text) };
    new Output({ stderr, env: {}, json: true }).error(new Error('anything'));
    return JSON.parse(said.join('')).error;
}

async function failingCheckpoint(t) {
    const directory = newDirectory(t);
    const store = await openStore(t, { directory });
    const blocked = path.join(directory, 'a.json');
    fs.mkdirSync(path.join(blocked, 'full'), { recursive: true });
    const warned = await warning(() => store.setItem('a', {}));
    fs.rmSync(blocked, { recursive: true });
    await eventually(async () => (await store.stats()).checkpointFailure === null, 'it went well');
    return warned;
}

async function viewWarning(t, map) {
    const store = await openStore(t);
    await store.setItem('a', {});
    store.setView('mine', { map });
    return warning(() => store.queryView('mine'));
}

async function leakedHandle(t) {
    v8.setFlagsFromString('--expose-gc');
    const collect = vm.runInNewContext('gc');
    await new kixx.Distributor().getOrCreate('leaked', 'memory');
    const collecting = setInterval(collect, 5);
    t.after(() => clearInterval(collecting));
    return warning(() => undefined);
}

async function warning(work) {
    const warnings = [];
    const listener = (error) => warnings.push(error);
    process.on('warning', listener);
    try {
        await work();
        await eventually(() => warnings.length > 0, 'a warning');
    } finally {
        process.off('warning', listener);
    }
    assert.equal(warnings[0].name, 'DatastoreWarning');
    return warnings[0];
}

function newFile(t, text) {
    const file = newPath(t);
    fs.writeFileSync(file, text);
    return file;
}
