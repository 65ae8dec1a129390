'use strict';

// Makes the golden directories of data files: `node scripts/make-golden-disk.cjs <empty directory>`. Those in
// tests/fixtures stay as they are for ever; run this for a new form of the file only, with its own name.

const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const { spawnSync } = require('node:child_process');
const { Datastore, Distributor } = require('../index.cjs');
const { root } = require('./platform.cjs');
const { segmentsOf, recordsOf, usedLength } = require('../__test__/helpers/journal-file.js');

/** A hundred years. */
const FAR_MS = 100 * 365 * 86_400_000;
const KEYS = 300;
const ID = 'sessions/1';
const ID_DIRECTORY = 'store-sessions%2f1';

const byN = { version: '1', map: (document, emit) => emit(document.n, document.text) };

const makers = {
    /** Several blocks, odd keys and texts, and a view with its rows. */
    async closed(directory) {
        const store = await new Datastore({ directory, storage: 'disk' }).load();
        const documents = {};
        for (let n = 0; n < KEYS; n += 1) {
            documents[`key:${ String(n).padStart(3, '0') }`] = { n };
        }
        documents['日本/😀'] = { n: -1.5e-7, text: 'ü\u0000\ud800"\\\n\u2028' };
        documents['x'.repeat(300)] = { n: 1e21 };
        const set = ([key, document]) => ({ type: 'set', key, document });
        await store.batch(Object.entries(documents).map(set));
        await store.setItem('key:001', { _rev: 0, n: 'twice' });
        await store.deleteItem('key:002');
        store.setView('byN', byN);
        const { items } = await store.queryView('byN', { limit: Infinity });
        await store.close();
        delete documents['key:002'];
        const withRevision = ([key, document]) => [key, { _rev: 0, ...document }];
        return {
            documents: {
                ...Object.fromEntries(Object.entries(documents).map(withRevision)),
                'key:001': { _rev: 1, n: 'twice' },
            },
            rows: items,
        };
    },

    /** Some of it is in the data file, the rest only in the journal. */
    killed(directory) {
        const set = (key, n) => ['setItem', key, { n }];
        leaveOver(directory, [set('a', 1), set('b', 1), set('c', 1), ['checkpoint'], set('a', 2)]);
        leaveOver(directory, [['deleteItem', 'b'], ['batch', [
            { type: 'set', key: 'd', document: { n: 1 } }, { type: 'delete', key: 'c' },
        ]]]);
        const segments = segmentsOf(directory);
        check(segments.length === 2, 'two segments');
        check(recordsOf(segments[0].bytes).some((record) => record.isCheckpoint), 'a checkpoint');
        return { documents: { a: { _rev: 1, n: 2 }, d: { _rev: 0, n: 1 } } };
    },

    /** A key-value store: an entry that expires far in the future, one that has expired, a lock's counter. */
    async 'key-values'(base) {
        const store = await new Distributor({ directory: base }).getOrCreate(ID, 'disk');
        const [text, bytes] = ['ü 日本 😀', [0, 255, 123]];
        await store.setBatch({ text, empty: '', bytes: Uint8Array.from(bytes), old: 'x' });
        await store.withLock('lock', { ttl: 1_000 }, ({ token }) => check(token === 1, 'the first token'));
        await store.close();
        const again = await new Distributor({ directory: base }).getOrCreate(ID, 'disk');
        await again.set('far', 'still there', { expiresIn: FAR_MS });
        await again.set('gone', 'expired', { expiresIn: 1 });
        await again.del('old');
        const directory = path.join(base, ID_DIRECTORY);
        const image = `${ base }.image`;
        fs.cpSync(directory, image, { recursive: true });
        check(segmentsOf(image).length === 1, 'a journal');
        await again.close();
        fs.rmSync(directory, { recursive: true });
        fs.renameSync(image, directory);
        return {
            id: ID, token: 1, entries: { bytes, empty: '', far: 'still there', text },
        };
    },
};

function leaveOver(directory, operations) {
    const child = path.join(root, '__test__', 'helpers', 'left-over-child.js');
    const env = { ...process.env, KIXX_TEST_STORAGE: 'disk' };
    const args = [child, directory, JSON.stringify(operations)];
    const { signal, stderr } = spawnSync(process.execPath, args, { env });
    check(signal === 'SIGKILL', `a kill and not: ${ stderr }`);
}

function check(condition, what) {
    if (!condition) {
        throw new Error(`Expected ${ what }`);
    }
}

/** Only what belongs to the format stays, without zeros behind the records, and the data file packed. */
function trim(directory) {
    const file = path.join(directory, 'data.redb');
    fs.writeFileSync(`${ file }.gz`, zlib.gzipSync(fs.readFileSync(file), { level: 9 }));
    fs.rmSync(file);
    const internal = path.join(directory, '.datastore');
    if (!fs.existsSync(internal)) {
        return;
    }
    for (const name of fs.readdirSync(internal).filter((candidate) => !candidate.startsWith('journal-'))) {
        fs.rmSync(path.join(internal, name));
    }
    for (const segment of segmentsOf(directory)) {
        fs.truncateSync(segment.file, usedLength(segment.bytes));
    }
}

async function main(target) {
    for (const [name, make] of Object.entries(makers)) {
        const directory = path.join(target, name, 'directory');
        fs.mkdirSync(directory, { recursive: true });
        const expected = await make(directory);
        trim(name === 'key-values' ? path.join(directory, ID_DIRECTORY) : directory);
        fs.writeFileSync(path.join(target, name, 'expected.json'), `${ JSON.stringify(expected) }\n`);
    }
}

main(path.resolve(process.argv[2])).catch((error) => {
    console.error(error);
    process.exitCode = 1;
});
