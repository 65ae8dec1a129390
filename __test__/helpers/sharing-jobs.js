'use strict';

const { Datastore } = require('../../index.cjs');
const { HistoryClient, HISTORY_VIEWS } = require('./history-client.js');
const { Recorder } = require('./history-recorder.js');
const { Random } = require('./random.js');

const PROGRESS_EVERY = 20;

const VIEWS = {
    ...HISTORY_VIEWS,
    byN: (document, emit) => emit(document.n),
};

/** What a thread of a sharing process does for a test, besides calling methods of its store. */
class Jobs {
    store = null;
    #halted = false;
    #gate = Promise.withResolvers?.() ?? withResolvers();

    async open(event, options) {
        const store = new Datastore({ missing: 'null', storage: process.env.KIXX_TEST_STORAGE, ...options });
        await store.load();
        this.store = store;
    }

    async close() {
        await this.store?.close();
        this.store = null;
    }

    setView(event, id) {
        this.store.setView(id, { map: VIEWS[id] });
    }

    async scan(event, options) {
        return collect(this.store.scan(options));
    }

    ping() {}

    /** Reads on the synchronous surface. */
    now(event, method, ...args) {
        return this.store._db[method](...args);
    }

    /** Ends what goes on until it is told to end. */
    halt() {
        this.#halted = true;
    }

    openGate() {
        this.#gate.resolve();
        this.#gate = withResolvers();
    }

    /** Counts a document up, again after each conflict. Answers the numbers that it stored. */
    async increment(event, key, times) {
        const stored = [];
        let conflicts = 0;
        while (stored.length < times) {
            try {
                const { n } = await this.store.updateItem(key, (document) => ({ n: (document?.n ?? 0) + 1 }));
                stored.push(n);
            } catch (error) {
                if (error.code !== 'CONFLICT') {
                    throw error;
                }
                conflicts += 1;
            }
        }
        return { stored, conflicts };
    }

    /**
     * Writes `prefix:0`, `prefix:1` ... in turn until halted, and tells of each acknowledgement, or of every
     * so many. Each of those in flight has its own keys, so that their numbers only go up.
     */
    async write(event, { prefix, keys, inFlight = 1, bytes = 10, every = 1, total = Infinity }) {
        const pad = 'x'.repeat(bytes);
        let acknowledged = 0;
        const next = async (n) => {
            while (!this.#halted && n < total) {
                const key = `${ prefix }:${ n % keys }`;
                await this.store.setItem(key, { n, pad });
                acknowledged += 1;
                if (acknowledged % every === 0) {
                    event([key, n]);
                }
                n += inFlight;
            }
        };
        this.#halted = false;
        await Promise.all(Array.from({ length: inFlight }, (_, n) => next(n)));
        return acknowledged;
    }

    /** Reads some documents until halted: their numbers must never go down. */
    async watch(event, keys) {
        const newest = keys.map(() => -1);
        let reads = 0;
        this.#halted = false;
        while (!this.#halted) {
            const documents = reads % 2 === 0
                ? await this.store.getItems(keys)
                : await Promise.all(keys.map((key) => this.store.getItem(key)));
            for (const [i, document] of documents.entries()) {
                const n = document?.n ?? -1;
                if (n < newest[i]) {
                    throw new Error(`${ keys[i] } went back from ${ newest[i] } to ${ n }`);
                }
                newest[i] = n;
            }
            reads += 1;
            if (reads % PROGRESS_EVERY === 0) {
                event(reads);
            }
            await new Promise(setImmediate);
        }
        return { reads, newest };
    }

    /** An update that has read its document and writes when the gate opens. */
    heldUpdate(event, key, content) {
        return this.store.updateItem(key, async (document) => {
            event(document);
            await this.#gate.promise;
            return { ...document, ...content };
        });
    }

    /** A scan that has begun and goes on when the gate opens. */
    async heldScan(event, options) {
        const iterator = this.store.scan(options);
        const { value } = await iterator.next();
        event(value);
        await this.#gate.promise;
        return [value, ...await collect(iterator)];
    }

    /** Opens, counts up, and closes, again and again. Answers how often it counted. */
    async churn(event, options, { key, rounds, seed }) {
        const random = new Random(seed);
        let counted = 0;
        for (let round = 0; round < rounds; round += 1) {
            await this.open(event, options);
            const { stored } = await this.increment(event, key, 1 + random.int(5));
            counted += stored.length;
            const { n } = await this.store.getItem(key);
            if (n < stored.at(-1)) {
                throw new Error(`${ key } went back from ${ stored.at(-1) } to ${ n }`);
            }
            await this.close();
            event(counted);
        }
        return counted;
    }

    /** Random operations by several clients, recorded in a file. */
    async history(event, { file, base, seed, numbers, operations, readOnly }) {
        Object.keys(HISTORY_VIEWS).forEach((id) => this.setView(event, id));
        const recorder = new Recorder(file, BigInt(base));
        let done = 0;
        const progress = () => {
            done += 1;
            if (done % PROGRESS_EVERY === 0) {
                event(done);
            }
        };
        await Promise.all(numbers.map((number) => (
            new HistoryClient(this.store, recorder, { seed, number, readOnly }).run(operations, progress)
        )));
        return done;
    }
}

function withResolvers() {
    let resolve;
    const promise = new Promise((settle) => {
        resolve = settle;
    });
    return { promise, resolve };
}

async function collect(iterator) {
    const items = [];
    for await (const item of iterator) {
        items.push(item);
    }
    return items;
}

module.exports = { Jobs };
