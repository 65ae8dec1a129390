'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { startScript, startLimited } = require('./helpers/child.js');
const { openStore, makeStore, directoryOf, errorOf, allDocuments } = require('./helpers/store.js');
const { newDirectory, newPath, newRoomyDirectory, snapshotFiles } = require('./helpers/temp.js');

/** A directory with these files; a null is a directory. */
function directoryWith(t, files) {
    const directory = newDirectory(t);
    for (const [name, content] of Object.entries(files)) {
        const file = path.join(directory, name);
        if (content === null) {
            fs.mkdirSync(file, { recursive: true });
        } else {
            fs.mkdirSync(path.dirname(file), { recursive: true });
            fs.writeFileSync(file, content);
        }
    }
    return directory;
}

test('the files are exactly those of Kixx, and nothing else is left after close()', async (t) => {
    const store = await openStore(t);
    for (const name of ['John', 'Jack', 'Jane']) {
        await store.setItem('user:123', { name });
    }
    await store.setItem('日本/ä', { text: 'ü\u0000\ud800"\n😀\u2028' });
    await store.setItem('gone', {});
    await store.deleteItem('gone');
    assert.ok(fs.existsSync(path.join(directoryOf(store), '.datastore')));
    await store.close();
    assert.deepEqual(snapshotFiles(directoryOf(store)), {
        '%E6%97%A5%E6%9C%AC%2F%C3%A4.json': '{"_rev":0,"text":"ü\\u0000\\ud800\\"\\n😀\u2028"}',
        'user%3A123.json': '{"_rev":2,"name":"Jane"}',
    });
});

test('an empty datastore leaves an empty directory', async (t) => {
    const store = await openStore(t);
    await store.setItem('a', {});
    await store.deleteItem('a');
    await store.close();
    assert.deepEqual(fs.readdirSync(directoryOf(store)), []);
});

test('whatever Kixx or a person wrote is opened, and stays as it is until it changes', async (t) => {
    const files = {
        'old.json': '{"title":"Old","_rev":4}',
        'pretty.json': '{\n    "title": "Pretty",\n    "_rev": 2,\n    "list": [\n        1\n    ]\n}\n',
        'user%3A1.json': '\r\n\t { "name" : "J\\u00e4ne" , "_rev":0 }\r\n',
        'no-rev.json': '{"n":1e3,"big":1E21,"neg":-0.0,"esc":"\\/\\ud83d\\ude00\\ud800"}',
        'twice.json': '{"a":1,"a":2,"_rev":1}',
        'empty.json': '{}',
        '%F0%9F%98%80.json': '{"emoji":true}',
    };
    const directory = directoryWith(t, files);
    const store = await openStore(t, { directory });
    assert.deepEqual(Object.fromEntries(await allDocuments(store)), {
        'old': { title: 'Old', _rev: 4 },
        'pretty': { title: 'Pretty', _rev: 2, list: [1] },
        'user:1': { name: 'Jäne', _rev: 0 },
        'no-rev': { n: 1000, big: 1e21, neg: -0, esc: '/😀\ud800', _rev: 0 },
        'twice': { a: 2, _rev: 1 },
        'empty': { _rev: 0 },
        '😀': { emoji: true, _rev: 0 },
    });
    await store.close();
    assert.deepEqual(snapshotFiles(directory), files);
    const again = await openStore(t, { directory });
    assert.deepEqual(await again.setItem('old', { title: 'New', _rev: 4 }), { title: 'New', _rev: 5 });
    assert.deepEqual(await again.updateItem('no-rev', () => ({ n: 2 })), { n: 2, _rev: 1 });
    await again.deleteItem('pretty');
    await again.close();
    const { 'pretty.json': gone, ...kept } = files;
    assert.ok(gone);
    const changed = { 'old.json': '{"_rev":5,"title":"New"}', 'no-rev.json': '{"_rev":1,"n":2}' };
    assert.deepEqual(snapshotFiles(directory), { ...kept, ...changed });
});

test('files edited, added and removed by hand while closed are picked up', async (t) => {
    const store = await openStore(t);
    for (const key of ['edited', 'removed', 'kept']) {
        await store.setItem(key, { n: 1 });
    }
    await store.close();
    const directory = directoryOf(store);
    fs.writeFileSync(path.join(directory, 'edited.json'), '{\n  "_rev": 0,\n  "n": 2\n}\n');
    fs.writeFileSync(path.join(directory, 'added.json'), '{"n":3}');
    fs.rmSync(path.join(directory, 'removed.json'));
    const again = await openStore(t, { directory });
    assert.deepEqual(Object.fromEntries(await allDocuments(again)),
        { edited: { n: 2, _rev: 0 }, added: { n: 3, _rev: 0 }, kept: { n: 1, _rev: 0 } });
});

const FOREIGN = {
    'README.md': 'notes', 'data.json.bak': '{broken', 'x.JSON5': '[', '.gitkeep': '', 'sub/': null,
    'sub/inner.json': '{broken', 'dir.json.d/': null,
    'dir.json.d/file': 'x',
};

test('what is not ours is left alone', async (t) => {
    const entries = Object.entries(FOREIGN).filter(([name]) => !name.endsWith('/'));
    const directory = directoryWith(t, { ...Object.fromEntries(entries), 'a.json': '{"_rev":1}' });
    const store = await openStore(t, { directory });
    assert.deepEqual((await store.queryKeys()).items.map((item) => item.key), ['a']);
    await store.setItem('b', {});
    await store.deleteItem('a');
    await store.close();
    assert.deepEqual(snapshotFiles(directory), { ...FOREIGN, 'b.json': '{"_rev":0}' });
});

const BROKEN = {
    'open.json': '{"n":1', 'empty.json': '', 'text.json': 'hello', 'array.json': '[{"n":1}]',
    'string.json': '"x"', 'null.json': 'null', 'number.json': '5',
    'trailing.json': '{} {}', 'comma.json': '{"a":1,}',
    'bad%3Akey.json': '{"a":\u0001}',
};
const SOUND = { 'sound.json': '{"_rev":3,"n":1}', 'notes.txt': 'x' };

test('broken files: load() names every one of them and changes nothing', async (t) => {
    const files = { ...BROKEN, ...SOUND };
    const directory = directoryWith(t, files);
    for (let attempt = 0; attempt < 2; attempt += 1) {
        const store = makeStore(t, { directory });
        await assert.rejects(store.load(), errorOf('CorruptError', { message: Object.keys(BROKEN) }));
        await assert.rejects(store.load(), (error) => !error.message.includes('sound.json'));
        await assert.rejects(store.getItem('sound'), errorOf('CorruptError'));
        await store.close();
        const left = snapshotFiles(directory);
        assert.deepEqual(left, files);
    }
});

test('broken files: load({ quarantine: true }) moves them away and goes on', async (t) => {
    const directory = directoryWith(t, { ...BROKEN, ...SOUND });
    const store = await openStore(t, { directory }, { quarantine: true });
    assert.deepEqual(Object.fromEntries(await allDocuments(store)), { sound: { _rev: 3, n: 1 } });
    assert.deepEqual(await store.setItem('open', { n: 2 }), { n: 2, _rev: 0 });
    await store.close();
    const expected = { ...SOUND, 'open.json': '{"_rev":0,"n":2}' };
    expected['.datastore/'] = expected['.datastore/quarantine/'] = null;
    for (const [name, content] of Object.entries(BROKEN)) {
        expected[`.datastore/quarantine/${ name }`] = content;
    }
    assert.deepEqual(snapshotFiles(directory), expected, 'nothing is lost, and the quarantine stays');
    const again = await openStore(t, { directory });
    assert.equal((await again.queryKeys()).total, 2);
    await again.close();
    assert.deepEqual(snapshotFiles(directory), expected);
});

test('a file that is not UTF-8 is broken', async (t) => {
    const directory = newDirectory(t);
    fs.writeFileSync(path.join(directory, 'latin1.json'), Buffer.from('{"name":"J\u00e4ne"}', 'latin1'));
    const store = makeStore(t, { directory });
    await assert.rejects(store.load(), errorOf('CorruptError', { message: 'latin1.json' }));
});

test('who wants a directory alone waits, and LockedError names the process that has it', async (t) => {
    const directory = directoryWith(t, { 'a.json': '{"_rev":1}' });
    const child = startScript(t, 'hold-child.js', [directory]);
    assert.equal(await child.line(), '{"ok":true}');
    const store = makeStore(t, { directory, exclusive: true, lockTimeout: 20 });
    await assert.rejects(store.load(), errorOf('LockedError', { message: [String(child.pid), directory] }));
    await assert.rejects(store.getItem('a'), errorOf('LockedError'));
    child.endInput();
    assert.equal((await child.exited).code, 0);
    await store.load();
    assert.deepEqual(await store.getItem('a'), { _rev: 1 }, 'the same handle opens it once it is free');
    const second = startScript(t, 'hold-child.js', [directory, 'impatient']);
    const { error } = JSON.parse(await second.line());
    assert.deepEqual([error.name, error.code, error.isOurs], ['LockedError', 'LOCKED', true]);
    assert.ok(error.message.includes(String(process.pid)), error.message);
});

test('the lock of a process that was killed is free', async (t) => {
    const directory = newDirectory(t);
    const child = startScript(t, 'hold-child.js', [directory]);
    assert.equal(await child.line(), '{"ok":true}');
    child.kill();
    await child.exited;
    const store = await openStore(t, { directory });
    assert.deepEqual(await store.setItem('a', {}), { _rev: 0 });
});

test('what is made is for the owner only, or as the options say; what is there keeps its mode', async (t) => {
    const modeOf = (name) => (fs.statSync(name).mode & 0o777).toString(8);
    for (const [options, mask, expected] of [
        [{}, 0o022, ['700', '700', '600', '600']],
        [{ directoryMode: 0o770, fileMode: 0o660 }, 0, ['770', '770', '660', '660']],
        [{ directoryMode: 0o775, fileMode: 0o664 }, 0o027, ['750', '750', '640', '640']],
    ]) {
        const directory = newPath(t);
        const before = process.umask(mask);
        try {
            const store = await openStore(t, { directory, ...options });
            await store.setItem('a', {});
            const page = path.join(directory, '.datastore', 'page');
            const found = [directory, path.dirname(page), page].map(modeOf);
            await store.close();
            const file = path.join(directory, 'a.json');
            assert.deepEqual([...found, modeOf(file)], expected);
            fs.chmodSync(file, 0o604);
            const again = await openStore(t, { directory, ...options });
            await again.setItem('a', { n: 1 });
            await again.close();
            assert.equal(modeOf(file), '604');
        } finally {
            process.umask(before);
        }
    }
});

test('a missing directory is created, with its parents', async (t) => {
    const directory = path.join(newPath(t), 'deep', 'er', 'data ü');
    const store = await openStore(t, { directory });
    await store.setItem('a', {});
    await store.close();
    assert.deepEqual(fs.readdirSync(directory), ['a.json']);
});

test('a directory that is a file is a StorageError', async (t) => {
    const file = newPath(t);
    fs.writeFileSync(file, 'text');
    for (const directory of [file, path.join(file, 'below')]) {
        const store = makeStore(t, { directory });
        await assert.rejects(store.load(), errorOf('StorageError', { message: file }));
        await assert.rejects(store.setItem('a', {}), errorOf('StorageError'));
        await store.close();
    }
    assert.equal(fs.readFileSync(file, 'utf8'), 'text');
});

test('a directory that is not writable is a StorageError', async (t) => {
    const directory = directoryWith(t, { 'a.json': '{"_rev":1}' });
    fs.chmodSync(directory, 0o555);
    fs.chmodSync(path.dirname(directory), 0o755);
    // Root may write anywhere, so the child becomes nobody.
    const isRoot = process.getuid?.() === 0;
    const child = startScript(t, 'hold-child.js', [directory, isRoot ? 'nobody' : 'writer']);
    child.endInput();
    const outcomes = (await child.rest()).map((line) => JSON.parse(line));
    assert.equal((await child.exited).code, 0, child.stderr);
    assert.ok(outcomes.length > 1, child.stderr);
    const { error } = outcomes.find((outcome) => outcome.error) ?? {};
    assert.deepEqual([error?.name, error?.code, error?.isOurs], ['StorageError', 'STORAGE', true]);
    assert.ok(error.message.includes(directory), error.message);
    assert.deepEqual(snapshotFiles(directory), { 'a.json': '{"_rev":1}' });
});

test('30,000 files load with 256 open files', async (t) => {
    const directory = newRoomyDirectory(t);
    for (let i = 0; i < 30000; i += 1) {
        fs.writeFileSync(path.join(directory, `item%3A${ i }.json`), `{"_rev":1,"n":${ i }}`);
    }
    const child = startLimited(t, 256, 'hold-child.js', [directory]);
    child.endInput();
    assert.deepEqual((await child.rest()).map((line) => JSON.parse(line)), [{ ok: true }, { ok: 30000 }]);
    assert.equal((await child.exited).code, 0, child.stderr);
    assert.equal(fs.readdirSync(directory).length, 30000);
});
