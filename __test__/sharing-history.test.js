'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { DocumentModel, ofKey, showOperation } = require('./helpers/document-model.js');
const { HistoryClient, HISTORY_VIEWS } = require('./helpers/history-client.js');
const { Recorder, readRecords } = require('./helpers/history-recorder.js');
const { checkLinearizable, describeFailure } = require('./helpers/linearizability.js');
const { lyingStore, MISTAKES } = require('./helpers/lying-store.js');
const { Random, chooseSeed } = require('./helpers/random.js');
const { SharingProcess, startHandles } = require('./helpers/sharing.js');
const { STORAGE, openStore, testFiles } = require('./helpers/store.js');
const { newDirectory } = require('./helpers/temp.js');

/** A hang is a failure. */
const LIMIT = { timeout: 120000 };

const SEEDS_PER_PLAN = STORAGE === 'files' ? 2 : 1;
/** A mistake need not show in every history. */
const MISTAKE_ROUNDS_MAX = 20;

/** How histories are made; each handle has some clients. */
const PLANS = [
    { handles: 2, clients: 2 },
    { handles: 4, clients: 2, cache: false },
    { handles: 4, clients: 2, cache: { maxDocuments: 3 } },
    { handles: 6, processes: 2, clients: 1 },
    { handles: 5, processes: 3, clients: 2, cache: false, durability: 'sync', operations: 60 },
    { handles: 3, clients: 2, readers: 1 },
    { handles: 3, clients: 2, kills: 2 },
    { handles: 4, processes: 2, clients: 1, kills: 2, readers: 1, cache: false, durability: 'sync' },
];

/** Clients in several processes that use one directory after the other, and everything that they did. */
class Histories {
    #t;
    #plan;
    #handles;
    #readers;

    constructor(t, plan) {
        this.#t = t;
        this.#plan = plan;
        this.#handles = startHandles(t, plan.handles, { processes: plan.processes });
        this.#readers = startHandles(t, plan.readers ?? 0);
    }

    /** One history: what was asked and answered, by all. */
    async make(seed) {
        const { durability = 'os', cache, kills = 0 } = this.#plan;
        const options = { directory: newDirectory(this.#t), durability, cache };
        const logs = newDirectory(this.#t);
        const run = this.#runner(logs, seed);
        await openAll(this.#handles, options);
        await openAll(this.#readers, { ...options, readOnly: true });
        const runs = [
            ...this.#handles.map((handle) => run(handle)),
            ...this.#readers.map((handle) => run(handle, { readOnly: true })),
            ...Array.from({ length: kills }, (_, n) => this.#killHalfway(options, run, new Random(seed + n))),
        ];
        await Promise.all(runs);
        await Promise.all([...this.#readers, ...this.#handles].map((handle) => handle.call('close')));
        assert.ok(!fs.existsSync(path.join(options.directory, '.datastore')), 'plain files are left');
        return fs.readdirSync(logs).flatMap((name) => readRecords(path.join(logs, name)));
    }

    /** Runs the clients of a handle, with numbers of their own. */
    #runner(logs, seed) {
        const { clients, operations = 100 } = this.#plan;
        const base = String(process.hrtime.bigint());
        let last = 0;
        return (handle, { onEvent = () => {}, readOnly = false } = {}) => {
            const numbers = Array.from({ length: clients }, (_, i) => last + i);
            last += clients;
            const file = path.join(logs, `clients-${ numbers[0] }.log`);
            return handle.watch(onEvent, 'history', { file, base, seed, numbers, operations, readOnly });
        };
    }

    /** One more process, which is killed while it works. */
    async #killHalfway(options, run, random) {
        const [handle] = new SharingProcess(this.#t).handles;
        await handle.call('open', options);
        const operations = 20 * (1 + random.int(4));
        const onEvent = (done) => {
            if (done >= operations) {
                handle.process.kill();
            }
        };
        await run(handle, { onEvent }).catch((error) => assert.equal(error.code, 'ENDED', error.stack));
        await handle.process.kill();
    }
}

function openAll(handles, options) {
    return Promise.all(handles.map((handle) => handle.call('open', options)));
}

/** Why a history is wrong, or undefined. */
function judge(history) {
    const whole = checkLinearizable(history, DocumentModel);
    if (whole.ok) {
        return undefined;
    }
    // One key alone says it in fewer words, where it is wrong already.
    for (const key of new Set(history.flatMap(({ writes = [] }) => writes.map((write) => write.key)))) {
        const own = history.map((operation) => ofKey(operation, key)).filter((operation) => operation);
        const result = checkLinearizable(own, DocumentModel);
        if (!result.ok) {
            return `${ key } alone: ${ describeFailure(result, showOperation) }`;
        }
    }
    return describeFailure(whole, showOperation);
}

const count = (history, outcome) => history.filter((operation) => operation.outcome === outcome).length;

for (const plan of PLANS.filter(({ readers }) => STORAGE === 'files' || readers === undefined)) {
    test(`all see one order of all operations: ${ JSON.stringify(plan) }`, LIMIT, async (t) => {
        const seed = chooseSeed(t);
        const histories = new Histories(t, plan);
        const figures = { operations: 0, conflicts: 0, unknown: 0 };
        for (let round = 0; round < SEEDS_PER_PLAN; round += 1) {
            const history = await histories.make(seed + round);
            const wrong = judge(history);
            if (wrong !== undefined) {
                assert.fail(`KIXX_TEST_SEED=${ seed + round }: ${ wrong }`);
            }
            figures.operations += history.length;
            figures.conflicts += count(history, 'conflict');
            figures.unknown += count(history, 'unknown');
        }
        t.diagnostic(`${ SEEDS_PER_PLAN } histories checked: ${ JSON.stringify(figures) }`);
        assert.ok(figures.conflicts > 0, 'they got in the way of each other');
    });
}

/** What is wrong with a history of clients that use `wrap(store, seed)`. */
async function judgeClients(t, seed, wrap) {
    const directory = newDirectory(t);
    const log = path.join(newDirectory(t), 'clients.log');
    const recorder = new Recorder(log, process.hrtime.bigint());
    const runs = [];
    for (let number = 0; number < 6; number += 1) {
        const store = await openStore(t, { directory, durability: 'os', missing: 'null' });
        Object.entries(HISTORY_VIEWS).forEach(([id, map]) => store.setView(id, { map }));
        const client = new HistoryClient(wrap(store, seed + number), recorder, { seed, number });
        runs.push(client.run(200, () => {}));
    }
    await Promise.all(runs);
    return judge(readRecords(log));
}

test('the history of clients in one process is accepted', LIMIT, async (t) => {
    assert.equal(await judgeClients(t, chooseSeed(t), (store) => store), undefined);
});

for (const mistake of Object.keys(MISTAKES)) {
    testFiles(`a store with this mistake is found out: ${ mistake }`, LIMIT, async (t) => {
        const seed = chooseSeed(t);
        const wrap = (store, each) => lyingStore(store, mistake, new Random(each));
        let wrong;
        for (let round = 0; wrong === undefined; round += 1) {
            assert.ok(round < MISTAKE_ROUNDS_MAX, `${ round } histories with the mistake were accepted`);
            wrong = await judgeClients(t, seed + 10 * round, wrap);
        }
    });
}
