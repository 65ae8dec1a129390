'use strict';

// What it costs that other processes may use the directory: the default against `exclusive: true`, in turn,
// and reads in one process while another one writes at full speed.
//
//     node benches/sharing.cjs [--rounds R] [--directory D] [--quick]

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { fork } = require('node:child_process');
const { parseArgs } = require('node:util');
const { Datastore } = require('../index.cjs');

const DOCUMENTS = 1_000;

const { values: options } = parseArgs({
    options: {
        rounds: { type: 'string', default: '5' },
        directory: { type: 'string', default: os.tmpdir() },
        quick: { type: 'boolean', default: false },
        // The other process is started with the directory that it writes to.
        writer: { type: 'string' },
    },
});

const keyOf = (number) => `user:${ String(number % DOCUMENTS).padStart(8, '0') }`;
const makeDocument = (n) => (
    { n, name: `User ${ n }`, tags: ['a', 'b', 'c'], address: { city: 'Dortmund' } }
);

/** What is measured: how many operations there are, and one of them. */
const MEASURED = {
    'set, one awaited, sync': [{}, 300, (store, n) => store.setItem(keyOf(n), makeDocument(n))],
    'set, one awaited, os': [
        { durability: 'os' }, 5_000, (store, n) => store.setItem(keyOf(n), makeDocument(n)),
    ],
    'get, hot': [{}, 200_000, (store, n) => store.getItem(keyOf(n))],
    'get, cache off': [{ cache: false }, 100_000, (store, n) => store.getItem(keyOf(n))],
};

async function main() {
    const rounds = options.quick ? 1 : Number(options.rounds);
    console.log(`medians of ${ rounds } rounds, operations per second; Node ${ process.version }\n`);
    const lines = [['', 'default', 'exclusive', 'default / exclusive']];
    for (const [name, [extra, count, perform]] of Object.entries(MEASURED)) {
        const operations = options.quick ? count / 10 : count;
        const rates = { shared: [], exclusive: [] };
        for (let round = 0; round < rounds; round += 1) {
            // Who goes first changes from round to round.
            const kinds = round % 2 === 0 ? ['shared', 'exclusive'] : ['exclusive', 'shared'];
            for (const kind of kinds) {
                const how = { ...extra, exclusive: kind === 'exclusive' };
                rates[kind].push(await measureAlone(how, operations, perform));
            }
        }
        const [shared, exclusive] = [median(rates.shared), median(rates.exclusive)];
        lines.push([name, format(shared), format(exclusive), (shared / exclusive).toFixed(3)]);
    }
    printTable(lines);
    console.log();
    await measureBesideWriter(rounds);
}

/** Operations per second of a process that is alone with a new directory. */
async function measureAlone(how, operations, perform) {
    const directory = newDirectory();
    try {
        const store = await filled(directory, how);
        await repeat(store, operations / 10, perform);
        const rate = await rateOf(operations, () => repeat(store, operations, perform));
        await store.close();
        return rate;
    } finally {
        fs.rmSync(directory, { recursive: true, force: true });
    }
}

/** Reads here while another process writes, against reads while nobody does. */
async function measureBesideWriter(rounds) {
    const operations = options.quick ? 20_000 : 200_000;
    const rates = { quiet: [], beside: [], writes: [] };
    for (let round = 0; round < rounds; round += 1) {
        const directory = newDirectory();
        const store = await filled(directory, {});
        const read = () => repeat(store, operations, (reader, n) => reader.getItem(keyOf(n)), true);
        await read();
        rates.quiet.push(await rateOf(operations, read));
        const writer = fork(__filename, ['--writer', directory]);
        await once(writer, 'writing');
        rates.beside.push(await rateOf(operations, read));
        writer.send('halt');
        rates.writes.push((await once(writer, 'rate')).rate);
        await store.close();
        fs.rmSync(directory, { recursive: true, force: true });
    }
    const [quiet, beside, writes] = [median(rates.quiet), median(rates.beside), median(rates.writes)];
    printTable([
        ['', 'reads', 'writes of the other', 'beside / alone'],
        ['get, nobody writes', format(quiet), '-', ''],
        ['get, another process writes', format(beside), format(writes), (beside / quiet).toFixed(3)],
    ]);
}

/** The other process: writes until it is told to stop, and tells how fast it was. */
async function write(directory) {
    const store = await new Datastore({ directory, durability: 'os' }).load();
    let halted = false;
    process.on('message', () => {
        halted = true;
    });
    await store.setItem(keyOf(0), makeDocument(0));
    process.send({ writing: true });
    const started = performance.now();
    let n = 0;
    while (!halted) {
        await store.setItem(keyOf(n), makeDocument(n));
        n += 1;
    }
    const rate = n * 1000 / (performance.now() - started);
    await store.close();
    process.send({ rate });
    process.disconnect();
}

function once(child, name) {
    return new Promise((resolve, reject) => {
        child.on('message', (message) => name in message && resolve(message));
        child.on('exit', (code) => reject(new Error(`the writer ended with code ${ code }`)));
    });
}

async function filled(directory, how) {
    const store = await new Datastore({ directory, ...how }).load();
    for (let n = 0; n < DOCUMENTS; n += 100) {
        await store.batch(Array.from({ length: 100 }, (_, i) => (
            { type: 'set', key: keyOf(n + i), document: makeDocument(n + i) }
        )));
    }
    return store;
}

/** `yields`: gives way to other events now and then, as a server does. */
async function repeat(store, operations, perform, yields = false) {
    for (let n = 0; n < operations; n += 1) {
        await perform(store, n);
        if (yields && n % 100 === 0) {
            await new Promise(setImmediate);
        }
    }
}

async function rateOf(operations, work) {
    const started = performance.now();
    await work();
    return operations * 1000 / (performance.now() - started);
}

function newDirectory() {
    return fs.mkdtempSync(path.join(options.directory, 'kixx-datastore-bench-'));
}

function median(values) {
    const sorted = [...values].sort((a, b) => a - b);
    const middle = Math.floor(sorted.length / 2);
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function format(rate) {
    return Math.round(rate).toLocaleString('en-US');
}

function printTable(lines) {
    const widths = lines[0].map((_, column) => Math.max(...lines.map((cells) => cells[column].length)));
    for (const cells of lines) {
        const padded = cells.map((cell, column) => (
            column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])
        ));
        console.log(padded.join('  ').trimEnd());
    }
}

(options.writer === undefined ? main() : write(options.writer)).catch((error) => {
    console.error(error);
    process.exitCode = 1;
});
