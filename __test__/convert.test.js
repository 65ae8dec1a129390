'use strict';

// convert(): all documents in the other storage, with their texts and revisions, or nothing has happened.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { kixx, openStore, errorOf } = require('./helpers/store.js');
const { startCommand, startScript } = require('./helpers/child.js');
const { assertHolds, fill, textsIn } = require('./helpers/convert.js');
const { namespace, needs } = require('./helpers/needs.js');
const { Random, chooseSeed } = require('./helpers/random.js');
const { newDirectory, newPath, newRoomyDirectory, snapshotFiles } = require('./helpers/temp.js');

const { convert } = kixx;

test('there and back: the same files, byte for byte', async (t) => {
    const directory = newDirectory(t);
    // What JSON.parse would not leave as it is, too.
    const files = {
        'exact.json': '{"_rev":7,"big":12345678901234567890,"n":1.0,"a":1,"a":2}',
        'user%3A1.json': '{"_rev":0,"text":"\\u00e9\\ud83d","nested":{"list":[null,-0,1e400]}}',
        [`${ 'k'.repeat(250) }.json`]: '{"_rev":9007199254740991}',
        '%00%2F..%2F%F0%9F%98%80.json': '{"_rev":3}',
    };
    for (const [name, text] of Object.entries(files)) {
        fs.writeFileSync(path.join(directory, name), text);
    }
    const phases = new Map();
    const onProgress = ({ phase, done, total }) => phases.set(phase, [done, total]);
    assert.deepEqual(await convert(directory, { to: 'disk', onProgress }),
        { directory, to: 'disk', converted: true, documents: 4 });
    assert.deepEqual([...phases], [['copy', [4, 4]], ['verify', [4, 4]]]);
    assert.deepEqual(fs.readdirSync(directory), ['data.redb']);
    const disk = await openStore(t, { directory, storage: 'disk' });
    assert.equal((await disk.getItem('exact'))._rev, 7);
    await disk.close();
    await convert(directory, { to: 'files' });
    assert.deepEqual(snapshotFiles(directory), files);
});

test('thousands of documents, written to and fro', async (t) => {
    const random = new Random(chooseSeed(t));
    const directory = newRoomyDirectory(t);
    await fill(directory, 'files', random, 3_000);
    for (const to of ['disk', 'files', 'disk']) {
        const from = to === 'disk' ? 'files' : 'disk';
        await fill(directory, from, random, 500);
        const before = await textsIn(directory, from);
        assert.equal((await convert(directory, { to })).documents, before.size);
        await assertHolds(directory, to, before);
    }
});

test('what is no document stays where it is', async (t) => {
    const directory = newDirectory(t);
    const others = { '.json': 'mine', '.notes': 'mine', 'a.json.tmp': 'mine', 'a.JSON': 'mine' };
    const documents = { '..json': '{"_rev":1}', '.a.json': '{"_rev":2}', 'line%0A.json': '{"_rev":3}' };
    fs.mkdirSync(path.join(directory, '.datastore'));
    for (const [name, text] of Object.entries({ ...others, ...documents })) {
        fs.writeFileSync(path.join(directory, name), text);
    }
    assert.equal((await convert(directory, { to: 'disk' })).documents, 3);
    assert.deepEqual(fs.readdirSync(directory).sort(), [...Object.keys(others), 'data.redb'].sort());
    await convert(directory, { to: 'files' });
    assert.deepEqual(snapshotFiles(directory), { ...others, ...documents });
});

test('a storage that it has already: nothing happens', async (t) => {
    const directory = newDirectory(t);
    fs.writeFileSync(path.join(directory, 'a.json'), '{"_rev":0}');
    const nothing = { directory, converted: false, documents: 0 };
    assert.deepEqual(await convert(directory, { to: 'files' }), { ...nothing, to: 'files' });
    await convert(directory, { to: 'disk' });
    const before = fs.statSync(path.join(directory, 'data.redb'));
    assert.deepEqual(await convert(directory, { to: 'disk' }), { ...nothing, to: 'disk' });
    assert.equal(fs.statSync(path.join(directory, 'data.redb')).mtimeMs, before.mtimeMs);
});

test('an empty directory is an empty datastore', async (t) => {
    const directory = newDirectory(t);
    assert.equal((await convert(directory, { to: 'disk' })).documents, 0);
    assert.deepEqual(fs.readdirSync(directory), ['data.redb']);
    await convert(directory, { to: 'files' });
    assert.deepEqual(fs.readdirSync(directory), []);
});

test('what a killed process left in the journal is converted too', async (t) => {
    for (const [from, to] of [['files', 'disk'], ['disk', 'files']]) {
        const directory = newDirectory(t);
        const child = startScript(t, 'convert-child.js', ['write', directory, from]);
        await child.until('written');
        child.kill();
        await child.exited;
        assert.ok(fs.existsSync(path.join(directory, '.datastore')));
        assert.equal((await convert(directory, { to })).documents, 100);
        assert.equal((await textsIn(directory, to)).get('key 99'), '{"_rev":0,"n":99}');
    }
});

test('a key that can not be the name of a file is refused, and nothing has changed', async (t) => {
    const directory = newDirectory(t);
    const long = `long:${ 'ü'.repeat(100) }`;
    const store = await openStore(t, { directory, storage: 'disk' });
    await Promise.all(Array.from({ length: 500 }, (_, n) => store.setItem(`key ${ n }`, { n })));
    await store.setItem(long, { n: -1 });
    await store.close();
    const before = await textsIn(directory, 'disk');
    const refused = errorOf('AssertionError', { key: long, message: '"long:üüü' });
    await assert.rejects(convert(directory, { to: 'files' }), refused);
    assert.deepEqual(fs.readdirSync(directory), ['data.redb']);
    await assertHolds(directory, 'disk', before);
});

test('a damaged file, and nothing has changed', async (t) => {
    const directory = newDirectory(t);
    fs.writeFileSync(path.join(directory, 'a.json'), '{"_rev":0}');
    fs.writeFileSync(path.join(directory, 'b.json'), '{"_rev":');
    const before = snapshotFiles(directory);
    await assert.rejects(convert(directory, { to: 'disk' }), errorOf('CorruptError', { message: 'b.json' }));
    assert.deepEqual(snapshotFiles(directory), before);
});

test('open in this process, or in another one', async (t) => {
    for (const [from, to] of [['files', 'disk'], ['disk', 'files']]) {
        const directory = newDirectory(t);
        for (const exclusive of [false, true]) {
            const store = await openStore(t, { directory, storage: from, exclusive });
            await assert.rejects(convert(directory, { to }),
                errorOf('AssertionError', { message: 'open in this process' }));
            await store.close();
        }
        const child = startScript(t, 'convert-child.js', ['write', directory, from]);
        await child.until('written');
        await assert.rejects(convert(directory, { to, lockTimeout: 0 }),
            errorOf('LockedError', { message: String(child.pid) }));
        child.kill();
        await child.exited;
        assert.equal((await convert(directory, { to })).documents, 100);
    }
});

test('given up: nothing has changed, and it can be done again', async (t) => {
    const random = new Random(chooseSeed(t));
    const directory = newRoomyDirectory(t);
    await fill(directory, 'files', random, 1_000);
    for (const [from, to] of [['files', 'disk'], ['disk', 'files']]) {
        const before = await textsIn(directory, from);
        const names = fs.readdirSync(directory);
        for (const phase of ['copy', 'verify']) {
            const controller = new AbortController();
            const onProgress = (progress) => progress.phase === phase && controller.abort();
            const { signal } = controller;
            await assert.rejects(convert(directory, { to, signal, onProgress }), { name: 'AbortError' });
            assert.deepEqual(fs.readdirSync(directory), names);
        }
        await assertHolds(directory, from, before);
        await convert(directory, { to });
    }
});

test('a disk without space for the copy: nothing has changed', { skip: needs('mounts') }, async (t) => {
    for (const from of ['files', 'disk']) {
        const place = newRoomyDirectory(t);
        const mount = 'mount -t tmpfs -o size=16m tmpfs "$0" && exec "$@"';
        const script = path.join(__dirname, 'helpers', 'convert-child.js');
        const command = [process.execPath, script, 'full', place, from];
        const child = startCommand(t, [...namespace(), 'sh', '-c', mount, place, ...command]);
        const { code, stderr } = await child.exited;
        assert.equal(code, 0, stderr);
    }
});

test('what is no datastore, or in the way, is left alone', async (t) => {
    const directory = newDirectory(t);
    const file = path.join(directory, 'notes.txt');
    const missing = newPath(t);
    fs.writeFileSync(file, 'mine');
    const assertion = (message) => errorOf('AssertionError', { message });
    await assert.rejects(convert(missing, { to: 'disk' }), assertion('no directory'));
    assert.equal(fs.existsSync(missing), false);
    await assert.rejects(convert(file, { to: 'disk' }), assertion('not a directory'));
    await assert.rejects(convert(directory, { to: 'disk' }), assertion('notes.txt'));
    assert.deepEqual(snapshotFiles(directory), { 'notes.txt': 'mine' });

    const disk = newDirectory(t);
    await convert(disk, { to: 'disk' });
    fs.writeFileSync(path.join(disk, 'mine.json'), '{}');
    await assert.rejects(convert(disk, { to: 'files' }), assertion('mine.json'));
    fs.renameSync(path.join(disk, 'mine.json'), path.join(disk, '.converting-to-files'));
    await assert.rejects(convert(disk, { to: 'files' }), assertion('.converting-to-files'));
    assert.deepEqual(fs.readdirSync(disk), ['.converting-to-files', 'data.redb']);
});

test('bad arguments', async () => {
    const cases = [
        [[undefined, { to: 'disk' }], 'directory'],
        [['data'], 'to must be'],
        [['data', { to: 'memory' }], "'disk', 'files'"],
        [['data', { to: 'disk', onProgress: 1 }], 'onProgress'],
        [['data', { to: 'disk', signal: {} }], 'signal'],
    ];
    for (const [args, message] of cases) {
        await assert.rejects(convert(...args), errorOf('AssertionError', { message }));
    }
});
