'use strict';

// Makes the golden directories of this version: `node scripts/make-golden.cjs <empty directory>`. Those that
// are in tests/fixtures stay as they are for ever; run this for a new format only, with its own name.

const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { Datastore } = require('../index.cjs');
const { root } = require('./platform.cjs');
const { segmentsOf, recordsOf, usedLength } = require('../__test__/helpers/journal-file.js');

const LONG_KEY = 'long-'.repeat(40);
const TORN_BYTES = 5;

const makers = {
    async clean(directory) {
        const store = await new Datastore({ directory }).load();
        await store.setItem('user:1', { name: 'Jane', nested: { deep: [1, { two: [null] }] } });
        await store.setItem('user:1', { name: 'John', tags: [] });
        await store.setItem('user:2', { name: 'Jack', price: -1.5e-7, big: 1e21, zero: 0 });
        await store.setItem('gone', {});
        await store.deleteItem('gone');
        await store.batch([
            { type: 'set', key: 'empty', document: {} },
            { type: 'set', key: 'text', document: { text: 'ü\u0000\ud800"\\\n😀\u2028' } },
        ]);
        await store.close();
        return {
            'user:1': { _rev: 1, name: 'John', tags: [] },
            'user:2': { _rev: 0, name: 'Jack', price: -1.5e-7, big: 1e21, zero: 0 },
            'empty': { _rev: 0 },
            'text': { _rev: 0, text: 'ü\u0000\ud800"\\\n😀\u2028' },
        };
    },

    /** Three segments, a checkpoint in the first, a torn tail in the last. */
    async killed(directory) {
        const set = (key, n) => ['setItem', key, { n }];
        leaveOver(directory, [
            set('a', 1), set('b', 1), set('c', 1), set('d', 1), ['checkpoint'],
            set('a', 2), ['deleteItem', 'b'], set('e', 1),
        ]);
        leaveOver(directory, [
            ['batch', [
                { type: 'set', key: 'a', document: { n: 3 } },
                { type: 'delete', key: 'c' },
                { type: 'set', key: 'b', document: { n: 2 } },
            ]],
            set('f', 1),
        ]);
        leaveOver(directory, [set('a', 4), set('g', 1), set('a', 'never acknowledged')]);
        const segments = segmentsOf(directory);
        check(segments.length === 3, 'three segments');
        check(recordsOf(segments[0].bytes).some((record) => record.isCheckpoint), 'a checkpoint');
        const last = segments.at(-1);
        fs.truncateSync(last.file, recordsOf(last.bytes).at(-1).end - TORN_BYTES);
        return {
            a: { _rev: 3, n: 4 },
            b: { _rev: 0, n: 2 },
            d: { _rev: 0, n: 1 },
            e: { _rev: 0, n: 1 },
            f: { _rev: 0, n: 1 },
            g: { _rev: 0, n: 1 },
        };
    },

    /** The crash came while a segment was being made. */
    async unfinished(directory) {
        leaveOver(directory, [['setItem', 'a', { n: 1 }], ['deleteItem', 'a'], ['setItem', 'b', { n: 1 }]]);
        const [{ file }] = segmentsOf(directory);
        fs.writeFileSync(file.replace('1.log', '2.log'), Buffer.alloc(100));
        return { b: { _rev: 0, n: 1 } };
    },

    /** Keys and revisions of every kind, in files and in a journal. */
    async 'odd-keys'(directory) {
        const keys = [
            '日本/ä', '😀', '100%', '%41', '..', 'a b', 'a.json', '\u0000\u001f\u007f', 'x:y?"<>|\\',
            '\ufffe\uffff', LONG_KEY,
        ];
        const documents = {};
        const store = await new Datastore({ directory }).load();
        for (const [index, key] of keys.entries()) {
            documents[key] = await store.setItem(key, { key, index });
        }
        await store.close();
        write(directory, 'rev.json', '{"a":1,"_rev":9007199254740990}');
        write(directory, 'pretty.json', '\r\n{\n\t"list" : [ 1, 2.50 ],\n\t"_rev" : 7\n}\n');
        write(directory, 'none.json', '{"_rev":null}');
        write(directory, 'user%3a1.json', '{"_rev":3,"spelling":"other"}');
        write(directory, 'notes.txt', 'not ours');
        leaveOver(directory, [
            ['setItem', 'rev', { a: 2 }], ['setItem', '😀', { b: 1 }], ['deleteItem', '100%'],
            ['setItem', 'user:1', { spelling: 'ours' }], ['setItem', 'é/new', { c: 1 }],
        ]);
        delete documents['100%'];
        return {
            ...documents,
            'rev': { _rev: Number.MAX_SAFE_INTEGER, a: 2 },
            'pretty': { _rev: 7, list: [1, 2.5] },
            'none': { _rev: 0 },
            '😀': { _rev: 1, b: 1 },
            'user:1': { _rev: 4, spelling: 'ours' },
            'é/new': { _rev: 0, c: 1 },
        };
    },

    /** Files that were moved aside, two of them with one name. */
    async quarantined(directory) {
        for (const text of ['{"n":1', '']) {
            write(directory, 'broken.json', text);
            write(directory, 'good.json', '{"_rev":2,"n":1}');
            const store = new Datastore({ directory });
            await store.load({ quarantine: true });
            await store.close();
        }
        leaveOver(directory, [['setItem', 'broken', { n: 2 }]]);
        return { good: { _rev: 2, n: 1 }, broken: { _rev: 0, n: 2 } };
    },
};

function leaveOver(directory, operations) {
    const child = path.join(root, '__test__', 'helpers', 'left-over-child.js');
    const { signal, stderr } = spawnSync(process.execPath, [child, directory, JSON.stringify(operations)]);
    check(signal === 'SIGKILL', `a kill and not: ${ stderr }`);
}

function write(directory, name, text) {
    fs.writeFileSync(path.join(directory, name), text);
}

function check(condition, what) {
    if (!condition) {
        throw new Error(`Expected ${ what }`);
    }
}

/** Only what belongs to the format stays: no lock files, no zeros behind the records. */
function trim(directory) {
    const internal = path.join(directory, '.datastore');
    if (!fs.existsSync(internal)) {
        return;
    }
    for (const name of fs.readdirSync(internal)) {
        if (!name.startsWith('journal-') && name !== 'quarantine') {
            fs.rmSync(path.join(internal, name), { recursive: true });
        }
    }
    for (const { file, bytes } of segmentsOf(directory)) {
        // A torn tail ends before its record does, and an unfinished segment in zeros.
        fs.truncateSync(file, Math.min(bytes.length, usedLength(bytes)));
    }
}

async function main(target) {
    for (const [name, make] of Object.entries(makers)) {
        const directory = path.join(target, name, 'directory');
        fs.mkdirSync(directory, { recursive: true });
        const documents = await make(directory);
        trim(directory);
        const text = JSON.stringify(documents, null, 4);
        fs.writeFileSync(path.join(target, name, 'expected.json'), `${ text }\n`);
    }
}

main(path.resolve(process.argv[2])).catch((error) => {
    console.error(error);
    process.exitCode = 1;
});
