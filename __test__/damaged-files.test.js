'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { test } = require('node:test');
const { startScript } = require('./helpers/child.js');
const { leaveOver } = require('./helpers/left-over.js');
const { kixx, openStore, makeStore, errorOf, allDocuments } = require('./helpers/store.js');
const { cleanup, newDirectory, newRoomyDirectory, snapshotFiles } = require('./helpers/temp.js');

/** A hang is a failure. */
const LIMIT = { timeout: 60000 };

const DOCUMENT = '{"_rev":12,"text":"\\u00e9 ü 😀","list":[1,-2.5e3,true,null,{}]}';
const DEPTH = 200000;

/** Loads and closes a directory: the documents, or an error that left everything as it was. */
async function load(directory) {
    const before = snapshotFiles(directory);
    const store = new kixx.Datastore({ directory });
    try {
        await store.load();
        const { items } = await store.queryKeys({ limit: Infinity, includeDocuments: true });
        return { documents: Object.fromEntries(items.map(({ key, document }) => [key, document])) };
    } catch (error) {
        assert.deepEqual(snapshotFiles(directory), before, 'nothing was changed');
        return { error };
    } finally {
        await store.close();
    }
}

async function assertRefused(directory, names, label) {
    const { error, documents } = await load(directory);
    assert.ok(error, `${ label }: loaded ${ JSON.stringify(documents) }`);
    assert.ok(errorOf('CorruptError', { message: names })(error), label);
}

test('a document cut at every byte: CorruptError', LIMIT, async (t) => {
    const directory = newRoomyDirectory(t, 2 ** 26);
    fs.writeFileSync(path.join(directory, 'good.json'), '{"_rev":1}');
    const bytes = Buffer.from(DOCUMENT);
    for (let length = 0; length < bytes.length; length += 1) {
        fs.writeFileSync(path.join(directory, 'user%3A1.json'), bytes.subarray(0, length));
        await assertRefused(directory, ['user%3A1.json'], `cut to ${ length } bytes`);
    }
    fs.writeFileSync(path.join(directory, 'user%3A1.json'), bytes);
    const { documents } = await load(directory);
    assert.deepEqual(documents['user:1'], JSON.parse(DOCUMENT));
    t.diagnostic(`${ bytes.length } cuts refused`);
});

test('a document with a byte flipped: CorruptError, or what the text says now', LIMIT, async (t) => {
    const directory = newRoomyDirectory(t, 2 ** 26);
    const file = path.join(directory, 'a.json');
    const bytes = Buffer.from(DOCUMENT);
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    let refused = 0;
    for (let at = 0; at < bytes.length; at += 1) {
        for (let bit = 0; bit < 8; bit += 1) {
            const damaged = Buffer.from(bytes);
            damaged[at] ^= 1 << bit;
            fs.writeFileSync(file, damaged);
            const label = `bit ${ bit } of byte ${ at }`;
            const { error, documents } = await load(directory);
            if (error) {
                refused += 1;
                assert.ok(errorOf('CorruptError', { message: 'a.json' })(error), label);
                assert.throws(() => revisionChecked(decoder.decode(damaged)), label);
            } else {
                assert.deepEqual(documents.a, revisionChecked(decoder.decode(damaged)), label);
            }
            assert.ok(fs.readFileSync(file).equals(damaged), label);
        }
    }
    t.diagnostic(`${ bytes.length } bytes flipped in 8 ways: ${ refused } refused`);
    assert.ok(refused > 200);
});

/** A document as JavaScript reads it; throws if its revision is none. */
function revisionChecked(text) {
    const { _rev = 0, ...rest } = JSON.parse(text);
    if (!Number.isSafeInteger(_rev) || _rev < 0) {
        throw new TypeError('no revision');
    }
    return { _rev, ...rest };
}

test('files of every broken kind are named, all at once', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const utf8 = (...bytes) => Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')]);
    const broken = {
        'bom.json': '\ufeff{}',
        'utf16.json': Buffer.from('{}', 'utf16le'),
        'zeros.json': Buffer.alloc(512),
        'latin.json': utf8(0xe9),
        'overlong.json': utf8(0xc0, 0x80),
        'surrogate.json': utf8(0xed, 0xa0, 0x80),
        'open.json': `{"a":${ '['.repeat(DEPTH) }`,
        'mixed.json': `{"a":${ '['.repeat(DEPTH) }${ '}'.repeat(DEPTH) }}`,
        'half.json': `{"a":1}${ '\0'.repeat(100) }`,
        'revision.json': '{"_rev":-1}',
        'large.json': '{"_rev":9007199254740992}',
        '%ff.json': '{}',
        '%.json': '{}',
        'x%2.json': '{}',
        // Could be read, but never be written again: its own name would be too long.
        [`${ 'é'.repeat(100) }.json`]: '{}',
    };
    for (const [name, content] of Object.entries(broken)) {
        fs.writeFileSync(path.join(directory, name), content);
    }
    fs.writeFileSync(path.join(directory, 'good.json'), '{}');
    await assertRefused(directory, Object.keys(broken), 'broken files');

    const store = await openStore(t, { directory }, { quarantine: true });
    assert.deepEqual([...(await allDocuments(store)).keys()], ['good']);
    await store.close();
    for (const [name, content] of Object.entries(broken)) {
        const kept = fs.readFileSync(path.join(directory, '.datastore', 'quarantine', name));
        assert.ok(kept.equals(Buffer.from(content)), name);
    }
});

test('deep nesting is read, or refused by JavaScript, and never the end of the process', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const text = `{"_rev":1,"a":${ '['.repeat(DEPTH) }${ ']'.repeat(DEPTH) }}`;
    fs.writeFileSync(path.join(directory, 'deep.json'), text);
    const store = await openStore(t, { directory });
    assert.equal((await store.queryKeys()).total, 1);
    try {
        const { a } = await store.getItem('deep');
        assert.ok(Array.isArray(a));
    } catch (error) {
        assert.ok(error instanceof RangeError || error instanceof kixx.AssertionError, error.stack);
    }
    await store.setItem('other', {});
    await store.close();
    assert.equal(fs.readFileSync(path.join(directory, 'deep.json'), 'utf8'), text);
});

test('two spellings of one key: CorruptError names the one that counts for less', LIMIT, async (t) => {
    const directory = newDirectory(t);
    for (const name of ['user%3A1.json', 'user%3a1.json', 'user:1.json']) {
        fs.writeFileSync(path.join(directory, name), JSON.stringify({ name }));
    }
    await assertRefused(directory, ['user%3a1.json', 'user:1.json'], 'three spellings');
    const store = await openStore(t, { directory }, { quarantine: true });
    assert.deepEqual(await store.getItem('user:1'), { _rev: 0, name: 'user%3A1.json' });
    await store.close();
    const quarantine = fs.readdirSync(path.join(directory, '.datastore', 'quarantine'));
    assert.deepEqual(quarantine.sort(), ['user%3a1.json', 'user:1.json']);
});

test('a damaged file whose document is in the journal is no loss', LIMIT, async (t) => {
    for (const content of ['', '{"_rev":0,"n"', 'x'.repeat(5000)]) {
        const directory = newDirectory(t);
        const operations = [['setItem', 'a', { n: 1 }], ['setItem', 'b', {}], ['deleteItem', 'b']];
        await leaveOver(t, directory, operations);
        fs.writeFileSync(path.join(directory, 'a.json'), content);
        fs.writeFileSync(path.join(directory, 'b.json'), content);
        assert.deepEqual((await load(directory)).documents, { a: { _rev: 0, n: 1 } });
        assert.deepEqual(snapshotFiles(directory), { 'a.json': '{"_rev":0,"n":1}' });
    }
});

/** What can be where a document's file was, and is not a file. */
const SPECIAL = {
    'directory': (t, file) => fs.mkdirSync(file),
    'link to nowhere': (t, file) => fs.symlinkSync('nowhere', file),
    'link to itself': (t, file) => fs.symlinkSync(path.basename(file), file),
    'link to a directory': (t, file) => fs.symlinkSync('.', file),
    'pipe': (t, file) => execFileSync('mkfifo', [file]),
    'link to a device': (t, file) => fs.symlinkSync('/dev/zero', file),
    'socket': async (t, file) => {
        const server = net.createServer();
        cleanup(t, () => new Promise((resolve) => {
            server.close(resolve);
        }));
        await new Promise((resolve) => {
            server.listen(path.relative(process.cwd(), file), resolve);
        });
    },
};

for (const [kind, make] of Object.entries(SPECIAL)) {
    test(`a ${ kind } in place of a file: CorruptError, or it is moved aside`, LIMIT, async (t) => {
        const directory = newDirectory(t);
        const file = path.join(directory, 'odd.json');
        fs.writeFileSync(path.join(directory, 'good.json'), '{"n":1}');
        await make(t, file);
        const kindBefore = fs.lstatSync(file).mode;
        const store = makeStore(t, { directory });
        await assert.rejects(store.load(), errorOf('CorruptError', { message: 'odd.json' }));
        assert.equal(fs.lstatSync(file).mode, kindBefore, 'it is left alone');
        await store.load({ quarantine: true });
        assert.deepEqual(Object.fromEntries(await allDocuments(store)), { good: { _rev: 0, n: 1 } });
        const aside = path.join(directory, '.datastore', 'quarantine', 'odd.json');
        assert.equal(fs.lstatSync(aside).mode, kindBefore, 'it is kept');
        assert.deepEqual(await store.setItem('odd', { n: 2 }), { _rev: 0, n: 2 });
        await store.close();
        const again = await openStore(t, { directory });
        assert.deepEqual(await again.getItem('odd'), { _rev: 0, n: 2 });
        await again.close();
        assert.equal(fs.readFileSync(file, 'utf8'), '{"_rev":0,"n":2}');
    });
}

test('a file that may not be read: StorageError names it', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const file = path.join(directory, 'secret.json');
    fs.writeFileSync(path.join(directory, 'good.json'), '{}');
    fs.writeFileSync(file, '{}');
    fs.chmodSync(file, 0);
    // Root may read anything, so the child becomes nobody.
    const isRoot = process.getuid?.() === 0;
    fs.chmodSync(path.dirname(directory), 0o755);
    fs.chmodSync(directory, 0o777);
    const child = startScript(t, 'hold-child.js', [directory, isRoot ? 'nobody' : 'writer']);
    child.endInput();
    const [{ error }] = (await child.rest()).map((line) => JSON.parse(line));
    assert.deepEqual([error?.name, error?.code, error?.isOurs], ['StorageError', 'STORAGE', true]);
    assert.ok(error.message.includes(file), error.message);
    assert.deepEqual(fs.readdirSync(directory).sort(), ['good.json', 'secret.json']);
});

test('what is in the way of our own files: an error names it, nothing changed', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const internal = path.join(directory, '.datastore');
    fs.writeFileSync(path.join(directory, 'a.json'), '{}');
    fs.writeFileSync(internal, 'a file');
    const store = makeStore(t, { directory });
    await assert.rejects(store.load(), errorOf('StorageError', { message: '.datastore' }));
    await store.close();
    assert.deepEqual(snapshotFiles(directory), { '.datastore': 'a file', 'a.json': '{}' });

    fs.rmSync(internal);
    fs.mkdirSync(path.join(internal, 'journal-0000000000000001.log'), { recursive: true });
    const second = makeStore(t, { directory });
    await assert.rejects(second.load(), errorOf('CorruptError', { message: 'journal-0000000000000001.log' }));
    await second.close();
    assert.deepEqual(fs.readdirSync(internal), ['journal-0000000000000001.log']);
});
