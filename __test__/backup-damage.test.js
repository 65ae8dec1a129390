'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const { test } = require('node:test');
const {
    documentsOf, fill, newBackupPath, openMemoryStore, readLines, writeLines,
} = require('./helpers/backup.js');
const { Random, chooseSeed } = require('./helpers/random.js');
const { kixx, directoryOf, errorOf, openStore } = require('./helpers/store.js');

const { verifyBackup } = kixx;

/** A backup of some documents, its bytes, and a path for damaged copies of it. */
async function backup(t, count, text) {
    const store = await openMemoryStore(t);
    await fill(store, 'doc', count, text);
    const file = newBackupPath(t);
    const contents = await store.backup(file).then(() => verifyBackup(file));
    return { bytes: fs.readFileSync(file), contents, damaged: path.join(path.dirname(file), 'damaged') };
}

/** Checks that the file is refused, wherever it is read, and answers the error. */
async function refused(store, file) {
    const [looked, restored] = await Promise.all([
        verifyBackup(file).catch((error) => error), store.restore(file).catch((error) => error),
    ]);
    errorOf('CorruptError', { message: file })(looked);
    assert.equal(restored.message, looked.message);
    assert.deepEqual(await documentsOf(store), []);
    return looked.message;
}

test('a file that is cut off anywhere', async (t) => {
    const { bytes, damaged } = await backup(t, 20, 'text');
    const store = await openMemoryStore(t);
    const messages = new Set();
    for (let length = 0; length < bytes.length; length += 1) {
        fs.writeFileSync(damaged, bytes.subarray(0, length));
        const message = await refused(store, damaged);
        messages.add(message.replace(/\d+/g, 'N'));
    }
    assert.ok([...messages].some((message) => message.includes('it is empty')));
    assert.ok([...messages].some((message) => message.includes('it is cut off after byte N')));
    t.diagnostic(`${ bytes.length } lengths, ${ messages.size } kinds of messages`);
});

test('lines that are missing, whatever gzip says', async (t) => {
    const store = await openMemoryStore(t);
    const { bytes, damaged } = await backup(t, 20, 'text');
    const text = zlib.gunzipSync(bytes).toString();
    const lines = text.split(/(?<=\n)/);
    const kinds = {
        'no trailer': [lines.slice(0, -1), 'its last line is missing, behind line 21'],
        'only a header': [lines.slice(0, 1), 'its last line is missing, behind line 1'],
        'no header': [lines.slice(1), 'its first line does not say'],
        'a line less': [lines.toSpliced(5, 1), '19 documents'],
        'a line twice': [lines.toSpliced(5, 0, lines[5]), 'line 7: its key does not come behind'],
        'the trailer twice': [[...lines, lines.at(-1)], 'something follows its last line'],
        'a line behind the trailer': [[...lines, lines[3]], 'something follows its last line'],
        'half a line behind the trailer': [[...lines, '{'], 'something follows its last line'],
        'a header twice': [lines.toSpliced(0, 0, lines[0]), 'line 2 is neither a document nor the last line'],
        'no end of the last line': [[text.trimEnd()], 'its last line is missing'],
        'half a line': [[text.slice(0, text.length / 2)], 'its last line is missing'],
        'another document': [[text.replace('"n":3', '"n":4')], 'checksum'],
        'another revision': [[text.replace('"_rev":0', '"_rev":1')], 'checksum'],
        'another header': [[text.replace(/"sequence":\d+/, '"sequence":99')], 'checksum'],
        'another trailer': [[text.replace('"documents":20', '"documents":21')], 'its last line tells other'],
        'another checksum': [[text.replace(/"sha256":"./, '"sha256":"g')], 'neither a document nor the last'],
        'no UTF-8': [[Buffer.from(text.replace('doc:0', 'doc\xff0'), 'latin1')], 'line 2: it is not UTF-8'],
        'a NUL': [[text.replace('{"key":"doc:0"', '\0{"key":"doc:0"')], 'line 2 is neither'],
    };
    for (const [kind, [parts, message]] of Object.entries(kinds)) {
        fs.writeFileSync(damaged, zlib.gzipSync(Buffer.concat(parts.map((part) => Buffer.from(part)))));
        const said = await refused(store, damaged);
        assert.ok(said.includes(message), `${ kind }: ${ said }`);
    }
});

test('bytes that are flipped: refused, or the documents are what they were', async (t) => {
    const seed = chooseSeed(t);
    const random = new Random(seed);
    const { bytes, contents, damaged } = await backup(t, 40, 'text');
    const text = zlib.gunzipSync(bytes);
    let unnoticed = 0;
    for (let at = 0; at < bytes.length; at += 1) {
        const copy = Buffer.from(bytes);
        copy[at] ^= 1 + random.int(255);
        fs.writeFileSync(damaged, copy);
        const found = await verifyBackup(damaged).catch((error) => error);
        if (found instanceof Error) {
            errorOf('CorruptError', { message: damaged })(found);
        } else {
            // What gzip notes of the file itself, and the bits that fill its last byte.
            assert.deepEqual({ ...found, path: contents.path }, contents);
            assert.ok(zlib.gunzipSync(copy).equals(text), `byte ${ at }`);
            unnoticed += 1;
        }
    }
    assert.ok(unnoticed <= 16, `${ unnoticed } bytes went unnoticed`);
    t.diagnostic(`${ bytes.length } bytes`);
});

test('long stretches of a long file', async (t) => {
    const random = new Random(chooseSeed(t));
    const store = await openMemoryStore(t);
    const { bytes, damaged } = await backup(t, 200, crypto.randomBytes(6000).toString('base64'));
    for (let round = 0; round < 30; round += 1) {
        const copy = Buffer.from(bytes);
        const at = 10 + random.int(copy.length - 700);
        crypto.randomFillSync(copy, at, 1 + random.int(600));
        fs.writeFileSync(damaged, copy);
        assert.match(await refused(store, damaged), /line \d+|checksum|byte \d+/);
    }
});

test('something behind the end, and files joined together', async (t) => {
    const store = await openMemoryStore(t);
    const { bytes, damaged } = await backup(t, 3, '');
    const tails = [...['x', 'garbage', '\0', '\0'.repeat(512)].map((text) => Buffer.from(text)), bytes];
    for (const tail of tails) {
        fs.writeFileSync(damaged, Buffer.concat([bytes, tail]));
        await refused(store, damaged);
    }
});

test('files that are no backups', async (t) => {
    const store = await openMemoryStore(t);
    const file = newBackupPath(t);
    const isNone = 'is no backup of kixx-datastore, or damaged';
    for (const content of [
        '', '\n', 'a', '{"key":"a"}\n', 'PK\x03\x04', Buffer.alloc(5000), crypto.randomBytes(5000),
        ...['', '\n', 'text', '{}\n', '[]\n', 'null\n', '{"format":"other","version":1}\n'].map((text) => (
            zlib.gzipSync(text)
        )),
        zlib.gzipSync(Buffer.alloc(20 * 2 ** 20)), zlib.deflateSync('{}'), zlib.brotliCompressSync('{}'),
    ]) {
        fs.writeFileSync(file, content);
        assert.ok((await refused(store, file)).includes(isNone), await refused(store, file));
        await assert.rejects(store.backup(newBackupPath(t), { since: file }), errorOf('CorruptError'));
    }
});

test('another version, and headers that lack something', async (t) => {
    const store = await openMemoryStore(t);
    const file = newBackupPath(t);
    await store.backup(file);
    const { header } = readLines(file);
    for (const version of [0, 2, '1', undefined]) {
        writeLines(file, { header: { ...header, version }, lines: [] });
        const message = [file, 'update kixx-datastore'];
        await assert.rejects(verifyBackup(file), errorOf('AssertionError', { message }));
        await assert.rejects(store.restore(file), errorOf('AssertionError', { message }));
    }
    for (const wrong of [
        { id: undefined }, { id: 'x' }, { sequence: -1 }, { sequence: '1' },
        { since: undefined }, { since: {} }, { since: { id: header.id } },
    ]) {
        writeLines(file, { header: { ...header, ...wrong }, lines: [] });
        assert.match(await refused(store, file), /line 1 does not say which moment/);
    }
});

test('a directory, and what is no file at all', async (t) => {
    const store = await openStore(t);
    const directory = directoryOf(store);
    const message = [directory, 'it is a directory'];
    await assert.rejects(verifyBackup(directory), errorOf('StorageError', { message }));
    await assert.rejects(store.restore(directory), errorOf('StorageError', { message }));
    if (process.platform !== 'win32') {
        const isNoFile = errorOf('StorageError', { message: 'no regular file' });
        await assert.rejects(verifyBackup('/dev/null'), isNoFile);
    }
});
