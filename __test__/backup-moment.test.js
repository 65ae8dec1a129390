'use strict';

// A backup shows the datastore at one moment, whatever is written meanwhile: at the one that its sequence
// number names. And a killed restore leaves what was there before, or everything.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { documentsOf, fill, newBackupPath, openMemoryStore, readDocuments } = require('./helpers/backup.js');
const { startScript } = require('./helpers/child.js');
const { Model } = require('./helpers/model.js');
const { Random, chooseSeed } = require('./helpers/random.js');
const { kixx: { verifyBackup }, openStore } = require('./helpers/store.js');
const { eventually, newDirectory, newRoomyDirectory } = require('./helpers/temp.js');

const LIMIT = { timeout: 120000 };

const KEYS = Array.from({ length: 60 }, (_, n) => `${ 'abc'[n % 3] }:${ n }`);
/** Much enough that a backup takes a while. */
const PADDING = crypto.randomBytes(3000).toString('base64');

/** A write that always succeeds. */
function nextWrite(random, n) {
    const one = () => {
        const key = random.pick(KEYS);
        return random.chance(0.3)
            ? { type: 'delete', key }
            : { type: 'set', key, document: { n, text: random.chance(0.2) ? PADDING : random.text(8) } };
    };
    return Array.from({ length: 1 + random.int(3) }, one);
}

/** Writes one after the other and remembers what each of them left, from the sequence number `base` on. */
class Writer {
    #store;
    #model = new Model();
    #random;
    #isOver = false;
    states = [];

    constructor(store, random) {
        this.#store = store;
        this.#random = random;
    }

    async begin(documents) {
        const { sequence } = await this.#store.stats();
        this.base = sequence;
        this.#model.documents = new Map(documents.map(([key, document]) => [key, JSON.stringify(document)]));
        this.#remember();
    }

    async run() {
        while (!this.#isOver) {
            await this.write();
            await new Promise(setImmediate);
        }
    }

    async write() {
        const operations = nextWrite(this.#random, this.states.length);
        this.#model.batch(operations);
        this.#remember();
        await this.#store.batch(operations);
    }

    stop() {
        this.#isOver = true;
    }

    #remember() {
        this.states.push(new Map(this.#model.keys().map((key) => [key, this.#model.documents.get(key)])));
    }

    /** The documents at a moment, in order, as `documentsOf` gives them. */
    at(sequence) {
        const state = this.states[sequence - this.base];
        assert.notEqual(state, undefined, `there was no moment ${ sequence }`);
        return [...state].map(([key, text]) => [key, JSON.parse(text)]);
    }
}

test('a backup, or a chain, is the datastore at the moment that it names', LIMIT, async (t) => {
    const random = new Random(chooseSeed(t));
    let increments = 0;
    for (let round = 0; round < 6; round += 1) {
        const store = await (random.chance(0.3) ? openMemoryStore(t) : openStore(t, { durability: 'os' }));
        await fill(store, 'padding', 150, PADDING);
        const writer = new Writer(store, random);
        await writer.begin(await documentsOf(store));
        const running = writer.run();
        const directory = newDirectory(t);
        const chain = [];
        let since = null;
        for (let n = 0; n < 5; n += 1) {
            const before = writer.states.length;
            const file = path.join(directory, String(n));
            const result = await store.backup(file, { since });
            assert.ok(result.sequence - writer.base >= before - 2, 'acknowledged writes are in it');
            if (since === null) {
                assert.deepEqual([...readDocuments(file)], writer.at(result.sequence));
            }
            chain.push(file);
            if (n % 2 === 0) {
                const restored = await openMemoryStore(t);
                assert.equal((await restored.restore(chain)).sequence, result.sequence);
                assert.deepEqual(await documentsOf(restored), writer.at(result.sequence));
            }
            increments += Number(since !== null);
            since = random.chance(0.5) ? result : file;
        }
        writer.stop();
        await running;
    }
    t.diagnostic(`6 histories, ${ increments } increments`);
});

test('a backup while several write has whole batches, as many as it says', LIMIT, async (t) => {
    const store = await openStore(t, { durability: 'os' });
    await fill(store, 'padding', 300, PADDING);
    const { sequence: base } = await store.stats();
    let isOver = false;
    const write = async (name) => {
        for (let n = 1; !isOver; n += 1) {
            await store.batch([ 'first', 'second' ].map((half) => (
                { type: 'set', key: `${ name }:${ half }`, document: { n } }
            )));
        }
    };
    const writers = ['a', 'b', 'c', 'd'].map(write);
    for (let round = 0; round < 10; round += 1) {
        const file = newBackupPath(t);
        const { sequence } = await store.backup(file);
        const documents = readDocuments(file);
        let sum = 0;
        for (const name of ['a', 'b', 'c', 'd']) {
            const [first, second] = ['first', 'second'].map((half) => (
                documents.get(`${ name }:${ half }`)?.n ?? 0
            ));
            assert.equal(first, second);
            sum += first;
        }
        assert.equal(sum, sequence - base);
    }
    isOver = true;
    await Promise.all(writers);
});

test('a backup beside a process that writes shows one moment', LIMIT, async (t) => {
    const directory = newRoomyDirectory(t);
    const store = await openStore(t, { directory });
    await fill(store, 'padding', 100, PADDING);
    const { sequence: base } = await store.stats();
    const child = startScript(t, 'backup-child.js', ['write', directory]);
    await child.until('writing');
    const moments = new Set();
    for (let round = 0; round < 10; round += 1) {
        const file = newBackupPath(t);
        const { sequence } = await store.backup(file);
        const documents = readDocuments(file);
        const last = sequence - base - 1;
        assert.deepEqual([documents.get('pair:a').n, documents.get('pair:b').n], [last, last]);
        for (let n = Math.max(0, last - 49); n <= last; n += 1) {
            assert.equal(documents.get(`item:${ n % 50 }`).n, n);
        }
        moments.add(last);
    }
    child.send('stop');
    await child.exited;
    t.diagnostic(`${ moments.size } moments`);
});

test('a backup that is killed leaves a whole file or none', LIMIT, async (t) => {
    const directory = newRoomyDirectory(t);
    const store = await openStore(t, { directory });
    await fill(store, 'doc', 1000, PADDING);
    for (const moment of ['write', 'verify', 'done']) {
        const file = newBackupPath(t);
        const child = startScript(t, 'backup-child.js', ['backup', directory, file]);
        await child.until(moment);
        child.kill();
        await child.exited;
        assert.ok(moment !== 'done' || fs.existsSync(file));
        if (fs.existsSync(file)) {
            assert.equal((await verifyBackup(file)).documents, 1000);
        }
        await store.backup(file, { overwrite: true });
        assert.deepEqual([...readDocuments(file)], await documentsOf(store));
    }
});

/** How many bytes of journal there are. */
function journalBytes(directory) {
    const internal = path.join(directory, '.datastore');
    const sizeOf = (name) => fs.statSync(path.join(internal, name), { throwIfNoEntry: false })?.size ?? 0;
    const names = fs.existsSync(internal) ? fs.readdirSync(internal) : [];
    return names.filter((name) => name.startsWith('journal-')).reduce((sum, name) => sum + sizeOf(name), 0);
}

test('a restore that is killed leaves what was there, or everything', LIMIT, async (t) => {
    const MIB = 2 ** 20;
    const source = await openMemoryStore(t);
    await fill(source, 'doc', 4000, PADDING);
    const file = newBackupPath(t);
    await source.backup(file);
    const restored = new Map(await documentsOf(source));
    const counts = { before: 0, after: 0 };

    const moments = {
        'while it loads': (child) => child.until('loaded'),
        'at the start of the file': (child) => child.until('read 0'),
        'in the middle of the file': (child) => child.until('read 5'),
        'at the end of the file': (child) => child.until('read 9'),
        'when it is over': (child) => child.until('restored'),
    };
    for (const bytes of [1, MIB, 4 * MIB, 8 * MIB, 12 * MIB, 15 * MIB]) {
        moments[`when the journal has grown by ${ bytes } bytes`] = async (child, directory) => {
            await child.until('loaded');
            const before = journalBytes(directory);
            await eventually(() => journalBytes(directory) >= before + bytes, 'the journal grows');
        };
    }
    for (const [moment, reached] of Object.entries(moments)) {
        const directory = newRoomyDirectory(t);
        const store = await openStore(t, { directory });
        await fill(store, 'doc', 20);
        await fill(store, 'mine', 20);
        const before = new Map(await documentsOf(store));
        await store.close();
        const child = startScript(t, 'backup-child.js', ['restore', file, directory]);
        await reached(child, directory);
        child.kill();
        const { signal, stderr } = await child.exited;
        assert.equal(signal, 'SIGKILL', stderr);
        const again = await openStore(t, { directory });
        const found = new Map(await documentsOf(again));
        const isRestored = found.size > before.size;
        counts[isRestored ? 'after' : 'before'] += 1;
        assert.deepEqual(found, isRestored ? new Map([...before, ...restored].sort(byKey)) : before, moment);
        if (moment === 'when it is over' || /loads|start|middle/.test(moment)) {
            assert.equal(isRestored, moment === 'when it is over', moment);
        }
    }
    t.diagnostic(`${ counts.before } times what was there before, ${ counts.after } times everything`);
});

const byKey = ([a], [b]) => (a < b ? -1 : 1);
