'use strict';

// A process in trouble: the disk is full, files or rights run out, the clock is set back. It checks by itself
// that everything goes on as it should; what it says is for people.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { Datastore } = require('../../index.cjs');
const { allDocuments, errorOf } = require('./store.js');
const { eventually } = require('./temp.js');

const say = (text) => fs.writeSync(1, `${ text }\n`);

const STORAGE = process.env.KIXX_TEST_STORAGE;

const NO_SPACE = errorOf('StorageError', { message: 'o space left on device' });
const READ_ONLY = errorOf('StorageError', { message: 'ead-only file system' });
const DENIED = errorOf('StorageError', { message: 'ermission denied' });
const TOO_MANY_FILES = errorOf('StorageError', { message: 'oo many open files' });

/** More than the documents that fit beside it. */
const BALLAST_BYTES = 5 * 2 ** 20;
/** Longer than a segment of the journal may be. */
const LONG = { text: 'x'.repeat(17 * 2 ** 20) };
const FILES = 3000;
const WRITES = 500;
const NOBODY = 65534;
const HOUR_MS = 3600000;

/** A store and what it acknowledged. */
class Witness {
    #options;
    #store;
    acknowledged = new Map();

    constructor(options) {
        this.#options = options;
    }

    async open() {
        this.#store = await new Datastore({ storage: STORAGE, ...this.#options }).load();
        await this.check();
    }

    async set(key, document) {
        this.acknowledged.set(key, await this.#store.setItem(key, document));
    }

    async delete(key) {
        await this.#store.deleteItem(key);
        this.acknowledged.delete(key);
    }

    /** Writes documents of this size until one is refused, as expected; answers how many were not. */
    async fill(prefix, bytes, isExpected) {
        for (let n = 0; ; n += 1) {
            if (!await this.trySet(`${ prefix }:${ n }`, { text: 'x'.repeat(bytes) }, isExpected)) {
                return n;
            }
        }
    }

    /** Writes, which may fail as expected; answers whether it did not. */
    async trySet(key, document, isExpected) {
        try {
            await this.set(key, document);
            return true;
        } catch (error) {
            isExpected(error);
            return false;
        }
    }

    /** Reads show what was acknowledged. */
    async check() {
        const sorted = new Map([...this.acknowledged].sort(([a], [b]) => (a < b ? -1 : 1)));
        assert.deepEqual(await allDocuments(this.#store), sorted);
    }

    get store() {
        return this.#store;
    }

    close() {
        return this.#store.close();
    }

    /** Closes for good: what is left are the documents, for who opens them next too. */
    async closeCleanly() {
        await this.close();
        const { directory } = this.#options;
        const names = STORAGE === 'disk' ? ['data.redb']
            : [...this.acknowledged.keys()].map((key) => `${ encodeURIComponent(key) }.json`);
        assert.deepEqual(fs.readdirSync(directory).sort(), names.sort());
        await this.open();
        await this.close();
    }
}

/** The files of `directory` for this user only to read, or to write again. */
function setWritable(directory, isWritable) {
    for (const name of [path.join(directory, '.datastore'), directory]) {
        fs.chmodSync(name, isWritable ? 0o755 : 0o555);
    }
}

/** Opens files until there can be no more; answers how to close them. */
function useUpFiles() {
    const open = [];
    try {
        for (;;) {
            open.push(fs.openSync(__filename));
        }
    } catch (error) {
        assert.equal(error.code, 'EMFILE');
    }
    return () => open.splice(0).forEach((fd) => fs.closeSync(fd));
}

/** The right to write to the file system at `place`, taken away or given back. */
function remount(place, option) {
    const options = ['-o', `remount,bind,${ option }`, place];
    const { status, stderr } = spawnSync('mount', options, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
}

const TROUBLES = {
    /** `place` is a small file system; there is space once the ballast goes. */
    async full(place, durability) {
        const ballast = path.join(place, 'ballast');
        fs.writeFileSync(ballast, Buffer.alloc(BALLAST_BYTES));
        const witness = new Witness({ directory: path.join(place, 'data'), durability });
        await witness.open();
        const large = await witness.fill('large', 50000, NO_SPACE);
        assert.ok(large > 3);
        await witness.check();
        for (const key of [...witness.acknowledged.keys()].slice(0, large - 3)) {
            await witness.delete(key);
        }
        await witness.check();
        const small = await witness.fill('small', 10, NO_SPACE);
        await witness.check();
        fs.rmSync(ballast);
        await witness.set('after', { text: 'x'.repeat(100000) });
        await witness.check();
        const last = await witness.fill('last', 50000, NO_SPACE);
        await assert.rejects(witness.close(), NO_SPACE);
        await witness.open();
        say(`${ durability }: refused after ${ large } large, ${ small } small and ${ last } more documents`);
    },

    /** The same at the end: close() says so, the directory opens while it is full, and nothing is lost. */
    async fullAtTheEnd(place, durability) {
        const ballast = path.join(place, 'ballast');
        fs.writeFileSync(ballast, Buffer.alloc(BALLAST_BYTES));
        const witness = new Witness({ directory: path.join(place, 'data'), durability });
        await witness.open();
        await witness.fill('large', 50000, NO_SPACE);
        await assert.rejects(witness.close(), NO_SPACE);
        await witness.open();
        fs.rmSync(ballast);
        await witness.set('after', { text: 'x'.repeat(100000) });
        await witness.closeCleanly();
    },

    /** Hardly any files may be open. */
    async fewFiles(directory) {
        const witness = new Witness({ directory });
        for (let n = 0; n < FILES; n += 1) {
            const document = { _rev: 1, n };
            fs.writeFileSync(path.join(directory, `old%3A${ n }.json`), JSON.stringify(document));
            witness.acknowledged.set(`old:${ n }`, document);
        }
        await witness.open();
        const write = (_, n) => witness.set(`new:${ n }`, { n: FILES + n });
        await Promise.all(Array.from({ length: WRITES }, write));
        witness.store.setView('byN', { map: (document, emit) => emit(document.n) });
        const { total } = await witness.store.queryView('byN', { limit: Infinity });
        assert.equal(total, FILES + WRITES);
        await witness.closeCleanly();
    },

    /** No file can be opened at all, then files can be opened again. */
    async noFiles(directory) {
        const witness = new Witness({ directory });
        await witness.open();
        await witness.set('a', { n: 1 });
        let release = useUpFiles();
        await assert.rejects(new Datastore({ directory: `${ directory }-other` }).load(), TOO_MANY_FILES);
        await witness.trySet('a', { n: 2 }, TOO_MANY_FILES);
        await witness.trySet('long', LONG, TOO_MANY_FILES);
        await witness.check();
        release();
        await witness.set('b', { n: 3 });
        release = useUpFiles();
        await assert.rejects(witness.close(), TOO_MANY_FILES);
        release();
        await witness.open();
        await witness.set('b', { n: 4 });
        await witness.closeCleanly();
    },

    /** The directory becomes read-only while it is open. Root could write all the same. */
    async noRights(directory) {
        if (process.getuid() === 0) {
            process.setgroups([]);
            process.setgid(NOBODY);
            process.setuid(NOBODY);
        }
        const witness = new Witness({ directory });
        await witness.open();
        await witness.set('a', { n: 1 });
        setWritable(directory, false);
        await witness.trySet('a', { n: 2 }, DENIED);
        assert.equal(await witness.trySet('long', LONG, DENIED), false, 'it needs a new file');
        await witness.check();
        await assert.rejects(witness.close(), DENIED);
        await assert.rejects(witness.open(), DENIED);
        const reader = await new Datastore({ directory, readOnly: true }).load();
        assert.deepEqual(await allDocuments(reader), witness.acknowledged, 'it still opens, to be read');
        await reader.close();
        setWritable(directory, true);
        await witness.open();
        await witness.set('a', { n: 3 });
        await witness.closeCleanly();
    },

    /** `place` is a file system that can be made read-only. */
    async readOnly(place) {
        const witness = new Witness({ directory: path.join(place, 'data') });
        await witness.open();
        await witness.set('a', { n: 1 });
        await witness.close();
        remount(place, 'ro');
        await assert.rejects(witness.open(), READ_ONLY);
        remount(place, 'rw');
        await witness.open();
        await witness.set('a', { n: 2 });
        await witness.closeCleanly();
    },

    /** The clock is set back by a day, again and again. */
    async clock(directory, durability) {
        const witness = new Witness({ directory, durability, flushInterval: 5 });
        await witness.open();
        let leaps = 0;
        let last = Date.now();
        for (let n = 0; leaps < 5; n += 1) {
            assert.ok(n < 100000, 'the clock was never set back');
            await witness.set('counter', { n });
            assert.equal(witness.acknowledged.get('counter')._rev, n);
            const now = Date.now();
            leaps += now < last - HOUR_MS ? 1 : 0;
            last = now;
        }
        await witness.check();
        // The files follow in the background all the same.
        let backlog;
        await eventually(() => {
            witness.store.stats().then((stats) => {
                backlog = stats.backlog;
            });
            return backlog === 0;
        }, 'an empty backlog');
        await witness.set('counter', {});
        await witness.closeCleanly();
    },
};

const [trouble, ...args] = process.argv.slice(2);
TROUBLES[trouble](...args);
