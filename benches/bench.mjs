// Our store and its peers in turn, each in its own process, several rounds; prints one table of medians.
//
//   npm run bench -- [--documents N] [--rounds R] [--seed S] [--directory D] [--quick] [--no-peers]

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { printTable } from './table.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const { ensureDependencies } = require('../scripts/prepare.cjs');

const TMPFS = 0x01021994;
const RESULT_BYTES_MAX = 1024 * 1024;

const STORES = [
    { name: 'kixx', package: 'kixx-datastore', version: require('../package.json').version },
    { name: 'lmdb', package: 'lmdb', peer: true },
    { name: 'sqlite', package: 'better-sqlite3', peer: true },
    { name: 'append', package: 'fdatasync', version: process.platform },
];

const { values: options } = parseArgs({
    options: {
        documents: { type: 'string' },
        rounds: { type: 'string' },
        seed: { type: 'string', default: '1' },
        directory: { type: 'string', default: os.tmpdir() },
        quick: { type: 'boolean', default: false },
        'no-peers': { type: 'boolean', default: false },
    },
});

const plan = {
    documents: number('documents', options.quick ? 2_000 : 20_000),
    rounds: number('rounds', options.quick ? 1 : 5),
    operations: options.quick ? 20_000 : 200_000,
    seed: number('seed'),
};
plan.hot = Math.min(5_000, plan.documents);

main();

function main() {
    if (!options['no-peers']) {
        installPeers();
    }
    const stores = STORES.filter((store) => !store.peer || isInstalled(store.package));
    printHead();
    const columns = stores.map((store) => ({ title: store.package, peer: store.peer, times: {} }));
    for (let round = 1; round <= plan.rounds; round += 1) {
        for (const [index, store] of stores.entries()) {
            progress(`round ${ round } of ${ plan.rounds }: ${ store.package }`);
            for (const [row, value] of Object.entries(measure(store))) {
                (columns[index].times[row] ??= []).push(value);
            }
        }
    }
    progress('');
    printTable(columns);
    printSettings(stores);
}

function installPeers() {
    try {
        ensureDependencies(here, []);
    } catch (error) {
        const reason = error.message.split('\n').slice(0, 4).join('\n');
        console.log(`The peers could not be installed, so they are left out. ${ reason }\n`);
    }
}

function isInstalled(name) {
    return fs.existsSync(path.join(here, 'node_modules', name));
}

function measure({ name }) {
    const directory = fs.mkdtempSync(path.join(options.directory, 'kixx-datastore-bench-'));
    try {
        const order = JSON.stringify({ ...plan, store: name, directory: path.join(directory, 'data') });
        const output = execFileSync(process.execPath, [path.join(here, 'measure.mjs'), order], {
            encoding: 'utf8',
            stdio: ['ignore', 'pipe', 'inherit'],
            maxBuffer: RESULT_BYTES_MAX,
        });
        return JSON.parse(output);
    } finally {
        fs.rmSync(directory, { recursive: true, force: true });
    }
}

function printHead() {
    const [cpu] = os.cpus();
    const memory = Math.round(os.totalmem() / 2 ** 30);
    const count = (value) => value.toLocaleString('en-US');
    const system = `${ os.type() } ${ os.release() }, Node ${ process.version }`;
    console.log(`machine   ${ cpu.model.trim() }, ${ os.cpus().length } cores, ${ memory } GiB, ${ system }`);
    console.log(`input     ${ count(plan.documents) } documents of about 262 bytes, seed ${ plan.seed }`);
    console.log(`figures   medians, rounds: ${ plan.rounds }; every store in its own process`);
    if (fs.statfsSync(options.directory).type === TMPFS) {
        console.log('          on tmpfs, where a durable write costs nothing: give a --directory on a disk');
    }
    console.log();
}

function printSettings(stores) {
    console.log();
    for (const store of stores) {
        const text = fs.readFileSync(path.join(here, 'stores', `${ store.name }.mjs`), 'utf8');
        const [, settings] = /^export const settings = '(.*)';$/m.exec(text);
        const { version } = store.peer ? require(`./node_modules/${ store.package }/package.json`) : store;
        console.log(`${ store.package } ${ version }: ${ settings }`);
    }
}

function progress(text) {
    if (process.stdout.isTTY) {
        process.stdout.write(`\r\x1b[K${ text }`);
    }
}

function number(name, fallback) {
    const value = Number(options[name] ?? fallback);
    if (!Number.isSafeInteger(value) || value < 1) {
        throw new Error(`--${ name } has to be a whole number from 1`);
    }
    return value;
}
