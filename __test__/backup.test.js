'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const { test } = require('node:test');
const {
    documentsOf, fill, newBackupPath, openMemoryStore, readDocuments, readLines,
} = require('./helpers/backup.js');
const { startCommand, startScript } = require('./helpers/child.js');
const { MapFileSystem } = require('./helpers/injected.js');
const { namespace, needs } = require('./helpers/needs.js');
const {
    kixx, allDocuments, directoryOf, errorOf, makeStore, openStore, testFiles,
} = require('./helpers/store.js');
const { newDirectory, newRoomyDirectory } = require('./helpers/temp.js');

const { verifyBackup } = kixx;

/** Long enough that a backup of some of them takes several chunks. */
const LONG = crypto.randomBytes(30000).toString('base64');

const entries = (file) => fs.readdirSync(path.dirname(file));

test('a backup holds every document with its revision, and restores into an empty datastore', async (t) => {
    const store = await openStore(t);
    const keys = ['item:\uffff', 'item:😀', 'user:1', 'ä/ö', '__proto__', '100%', 'A', 'a'];
    for (const key of keys) {
        await store.setItem(key, { key, list: [1, null, {}], nested: { 'ö': '\ud83d', __proto__: null } });
    }
    await store.setItem('user:1', { name: 'Jane' });
    await store.setItem('gone', {});
    await store.deleteItem('gone');

    const file = newBackupPath(t);
    const result = await store.backup(file);
    const { id, sequence, bytes, ...rest } = result;
    assert.deepEqual(rest, { path: file, documents: keys.length, deletions: 0, since: null });
    assert.match(id, /^[0-9a-f]{32}$/);
    assert.equal(sequence, keys.length + 3);
    assert.equal(bytes, fs.statSync(file).size);
    assert.deepEqual(entries(file), [path.basename(file)]);

    const other = await openStore(t);
    assert.deepEqual(await other.restore(file), { documents: keys.length, skipped: 0, id, sequence });
    assert.deepEqual(await documentsOf(other), await documentsOf(store));
    assert.equal((await other.getItem('user:1'))._rev, 1);
    assert.equal((await other.setItem('user:1', { name: 'Omar' }))._rev, 2);
});

test('the file is what docs/backup.md says', async (t) => {
    const store = await openStore(t);
    await store.setItem('b', { n: 2 });
    await store.setItem('a', { n: 1 });
    const file = newBackupPath(t);
    const { id, sequence } = await store.backup(file);
    const { header, lines, trailer } = readLines(file);
    const { created, package: by, ...first } = header;
    assert.deepEqual(first, { format: 'kixx-datastore-backup', version: 1, id, sequence, since: null });
    assert.equal(by, require('../package.json').version);
    assert.ok(Math.abs(Date.parse(created) - Date.now()) < 3600000);
    assert.deepEqual(lines, [
        { key: 'a', document: { _rev: 0, n: 1 } }, { key: 'b', document: { _rev: 0, n: 2 } },
    ]);
    const text = zlib.gunzipSync(fs.readFileSync(file)).toString();
    const before = text.slice(0, text.lastIndexOf('{"documents"'));
    const sha256 = crypto.createHash('sha256').update(before).digest('hex');
    assert.deepEqual(trailer, { documents: 2, deletions: 0, sha256 });
    const contents = { path: file, version: 1, package: by, created, id, sequence, since: null };
    assert.deepEqual(await verifyBackup(file), {
        ...contents, documents: 2, deletions: 0, sha256, bytes: fs.statSync(file).size,
    });
    if (process.platform !== 'win32') {
        assert.equal(fs.statSync(file).mode & 0o777, 0o600);
    }
});

test('an empty datastore', async (t) => {
    const file = newBackupPath(t);
    assert.equal((await (await openStore(t)).backup(file)).documents, 0);
    const other = await openStore(t);
    assert.equal((await other.restore(file)).documents, 0);
    assert.deepEqual(await documentsOf(other), []);
});

testFiles('files written by hand: white space, names that come twice, any depth', async (t) => {
    const directory = newDirectory(t);
    const deep = `${ '['.repeat(5000) }${ ']'.repeat(5000) }`;
    const pretty = '{\n  "_rev" : 7,\r\n\t"a": [ 1.50, 1e2 ],\n "a": 2\n}\n';
    fs.writeFileSync(path.join(directory, 'pretty.json'), pretty);
    fs.writeFileSync(path.join(directory, 'deep.json'), `{"deep":${ deep }}`);
    fs.writeFileSync(path.join(directory, 'number.json'), '{"id":12345678901234567890}');
    const store = await openStore(t, { directory });
    const file = newBackupPath(t);
    await store.backup(file);
    const other = await openStore(t);
    await other.restore(file);
    await other.close();
    const text = (name) => fs.readFileSync(path.join(directoryOf(other), `${ name }.json`), 'utf8');
    assert.equal(text('pretty'), '{"_rev":7,"a":[1.50,1e2],"a":2}');
    assert.equal(text('deep'), `{"_rev":0,"deep":${ deep }}`);
    assert.equal(text('number'), '{"_rev":0,"id":12345678901234567890}');
});

testFiles('stores in memory, read-only ones, and injected file systems', async (t) => {
    const writer = await openStore(t);
    await fill(writer, 'doc', 20);
    const expected = await documentsOf(writer);
    const reader = await openStore(t, { directory: directoryOf(writer), readOnly: true });
    const first = newBackupPath(t);
    await reader.backup(first);
    await assert.rejects(reader.restore(first), errorOf('AssertionError', { message: 'readOnly' }));

    const memory = await openMemoryStore(t);
    await memory.restore(first);
    assert.deepEqual(await documentsOf(memory), expected);
    const second = newBackupPath(t);
    await memory.backup(second);
    assert.deepEqual([...readDocuments(second)], expected);

    const injected = makeStore(t, { fileSystem: new MapFileSystem() });
    await fill(injected, 'doc', 20);
    const third = newBackupPath(t);
    await injected.backup(third);
    assert.deepEqual([...readDocuments(third)], expected);
    const refused = errorOf('AssertionError', { message: 'injected fileSystem' });
    await assert.rejects(injected.restore(third), refused);
});

test('an injected db has neither', async (t) => {
    const [db, file] = [{}, newBackupPath(t)];
    for (const method of ['getItem', 'setItem', 'deleteItem', 'queryKeys', 'queryView']) {
        db[method] = () => assert.fail(`${ method }() is called`);
    }
    const store = new kixx.Datastore({ db });
    await assert.rejects(store.backup(file), errorOf('AssertionError', { message: 'injected db' }));
    await assert.rejects(store.restore(file), errorOf('AssertionError', { message: 'injected db' }));
    assert.deepEqual(entries(file), []);
});

test('a file that is there stays, unless it may be replaced', async (t) => {
    const store = await openStore(t);
    await fill(store, 'a', 1);
    const file = newBackupPath(t);
    fs.writeFileSync(file, 'mine');
    const refused = errorOf('AssertionError', { message: [file, 'overwrite: true'] });
    await assert.rejects(store.backup(file), refused);
    assert.equal(fs.readFileSync(file, 'utf8'), 'mine');
    await store.backup(file, { overwrite: true });
    assert.equal((await verifyBackup(file)).documents, 1);
    await fill(store, 'b', 1);
    await store.backup(file, { overwrite: true });
    assert.equal((await verifyBackup(file)).documents, 2);
    assert.deepEqual(entries(file), [path.basename(file)]);

    const directory = path.join(newDirectory(t), 'sub');
    fs.mkdirSync(directory);
    for (const overwrite of [false, true]) {
        const isNoFile = errorOf('AssertionError', { message: directory });
        await assert.rejects(store.backup(directory, { overwrite }), isNoFile);
    }
    assert.deepEqual(fs.readdirSync(directory), []);
});

test('a file that comes while the backup is written stays', async (t) => {
    const store = await openStore(t);
    await fill(store, 'a', 10);
    const file = newBackupPath(t);
    const onProgress = ({ phase }) => phase === 'verify' && fs.writeFileSync(file, 'mine');
    await assert.rejects(store.backup(file, { onProgress }), errorOf('AssertionError', { message: file }));
    assert.equal(fs.readFileSync(file, 'utf8'), 'mine');
    assert.deepEqual(entries(file), [path.basename(file)]);
});

test('several backups into one file: one of them is there', async (t) => {
    const store = await openStore(t);
    await fill(store, 'a', 10);
    const file = newBackupPath(t);
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => store.backup(file)));
    const failures = outcomes.filter(({ status }) => status === 'rejected');
    assert.equal(failures.length, 2);
    failures.forEach(({ reason }) => errorOf('AssertionError', { message: file })(reason));
    assert.equal((await verifyBackup(file)).documents, 10);
    assert.deepEqual(entries(file), [path.basename(file)]);
});

test('a link stays, and what it leads to is replaced', async (t) => {
    const store = await openStore(t);
    await fill(store, 'a', 3);
    const [link, target] = [newBackupPath(t, 'latest.gz'), newBackupPath(t)];
    fs.symlinkSync(target, link);
    await assert.rejects(store.backup(link), errorOf('AssertionError', { message: link }));
    fs.writeFileSync(target, '');
    const { path: written } = await store.backup(link, { overwrite: true });
    assert.equal(written, target);
    assert.ok(fs.lstatSync(link).isSymbolicLink());
    assert.equal((await verifyBackup(link)).documents, 3);
    assert.equal((await (await openStore(t)).restore(link)).documents, 3);
});

test('a signal, or onProgress that throws, leaves nothing', async (t) => {
    const store = await openStore(t);
    await fill(store, 'a', 40, LONG);
    const file = newBackupPath(t);
    const reason = new Error('enough');
    const aborted = { name: 'AbortError', code: 'ABORT_ERR', cause: reason };
    await assert.rejects(store.backup(file, { signal: AbortSignal.abort(reason) }), aborted);
    for (const when of ['write', 'verify']) {
        const control = new AbortController();
        const { signal } = control;
        const onProgress = ({ phase, done, total }) => (
            phase === when && done < total && control.abort(reason)
        );
        await assert.rejects(store.backup(file, { signal, onProgress }), aborted, when);
        assert.deepEqual(entries(file), [], when);

        const throwing = ({ phase }) => {
            if (phase === when) {
                throw reason;
            }
        };
        await assert.rejects(store.backup(file, { onProgress: throwing }), (error) => error === reason);
        assert.deepEqual(entries(file), [], when);
    }
    const progress = [];
    await store.backup(file, { onProgress: (step) => progress.push(step) });
    for (const phase of ['write', 'verify']) {
        const steps = progress.filter((step) => step.phase === phase);
        assert.ok(steps.length > 2, `${ steps.length } steps`);
        assert.equal(steps.at(-1).done, steps.at(-1).total);
    }
    const signal = AbortSignal.abort(reason);
    await assert.rejects(verifyBackup(file, { signal }), aborted);
    await assert.rejects(store.restore(file, { signal, conflict: 'overwrite' }), aborted);
});

test('close() while a backup is written', async (t) => {
    const store = await openStore(t);
    await fill(store, 'a', 40, LONG);
    const expected = await documentsOf(store);
    const file = newBackupPath(t);
    let closing;
    await store.backup(file, { onProgress: () => (closing ??= store.close()) });
    await closing;
    assert.deepEqual([...readDocuments(file)], expected);
    await assert.rejects(store.backup(newBackupPath(t)), errorOf('ClosedError'));
    await assert.rejects(store.restore(file), errorOf('ClosedError'));
});

test('bad arguments', async (t) => {
    const store = await openStore(t);
    const file = newBackupPath(t);
    const refused = async (promise, message) => {
        await assert.rejects(promise, errorOf('AssertionError', { message }));
    };
    for (const bad of [undefined, null, 5, '', 'a\0b', {}]) {
        await refused(store.backup(bad), 'path must be');
        await refused(store.restore(bad), 'path must be');
        await refused(verifyBackup(bad), 'path must be');
    }
    await refused(store.restore([]), 'at least one');
    await refused(store.restore([file, 5]), 'path[1] must be');
    await refused(store.restore(file, { conflict: 'merge' }), 'conflict must be');
    await refused(store.backup(file, 'full'), 'options must be');
    await refused(store.backup(file, { overwrite: 1 }), 'overwrite must be');
    await refused(store.backup(file, { signal: true }), 'signal must be');
    await refused(store.backup(file, { onProgress: 'often' }), 'onProgress must be');
    await refused(store.backup(file, { since: file, overwrite: true }), 'since must be another file');
    for (const since of [5, {}, { id: 'x', sequence: 1 }, { id: '0'.repeat(32), sequence: -1 }, '']) {
        await refused(store.backup(file, { since }), 'since must be');
    }
    assert.deepEqual(entries(file), []);
});

test('a directory that is not there, and no rights', async (t) => {
    const store = await openStore(t);
    const missing = path.join(newDirectory(t), 'none', 'backup.gz');
    await assert.rejects(store.backup(missing), errorOf('StorageError', { message: [missing, 'ENOENT'] }));
    await assert.rejects(store.restore(missing), errorOf('StorageError', { message: [missing, 'ENOENT'] }));
    await assert.rejects(verifyBackup(missing), errorOf('StorageError', { message: [missing, 'ENOENT'] }));
    const child = startScript(t, 'backup-child.js', ['noRights', newRoomyDirectory(t)]);
    const { code, stderr } = await child.exited;
    assert.equal(code, 0, stderr);
});

test('a backup onto a full disk fails and leaves nothing', { skip: needs('mounts') }, async (t) => {
    const place = newRoomyDirectory(t);
    const mount = 'mount -t tmpfs -o size=1m tmpfs "$0" && exec "$@"';
    const script = path.join(__dirname, 'helpers', 'backup-child.js');
    const command = [process.execPath, script, 'full', place, newRoomyDirectory(t)];
    const child = startCommand(t, [...namespace(), 'sh', '-c', mount, place, ...command]);
    const { code, stderr } = await child.exited;
    assert.equal(code, 0, stderr);
});

test('reads and views see what was restored', async (t) => {
    const source = await openStore(t);
    await fill(source, 'a', 5);
    const file = newBackupPath(t);
    await source.backup(file);
    const store = await openStore(t);
    store.setView('n', { map: ({ n }, emit) => emit(n) });
    await store.setItem('a:1', { n: 100 });
    assert.equal((await store.getItem('a:1')).n, 100);
    assert.deepEqual((await store.queryView('n')).items.map(({ key }) => key), [100]);
    await store.restore(file, { conflict: 'overwrite' });
    assert.deepEqual(await store.getItem('a:1'), { _rev: 0, n: 1, text: '' });
    assert.deepEqual((await store.queryView('n')).items.map(({ key }) => key), [0, 1, 2, 3, 4]);
    assert.deepEqual(await allDocuments(store), await allDocuments(source));
});
