// Ten million keys in a disk store, in random order: how much memory that takes, while they are written, read
// and scanned. It takes minutes and gigabytes, so it is not part of the bench.
//
//     node benches/large.mjs [--keys N] [--cache BYTES] [--directory D]
//
// Ends with 1 if the process had more than 400 MB resident.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Distributor } from '../index.mjs';

const MAX_RESIDENT_BYTES = 400e6;
const KEY_LENGTH = 100;
const GROUP = 1_000;
/** Of so many keys one is read. */
const READ_ONE_IN = 10;
const LOOK_MS = 10;

const { values } = parseArgs({ options: {
    keys: { type: 'string', default: '10000000' },
    cache: { type: 'string', default: String(64 * 2 ** 20) },
    directory: { type: 'string', default: os.tmpdir() },
} });
const count = Number(values.keys);
const directory = fs.mkdtempSync(path.join(values.directory, 'kixx-datastore-large-'));
try {
    await main();
} finally {
    fs.rmSync(directory, { recursive: true, force: true });
}

async function main() {
    const distributor = new Distributor({ directory });
    const options = { cacheSize: Number(values.cache) };
    let store = await distributor.getOrCreate('large', 'disk', options);
    console.log(`${ count } keys of ${ KEY_LENGTH } bytes, cache ${ options.cacheSize } bytes`);
    await phase('write, durably, 1,000 at a time', count, (look) => write(store, look));
    await phase('close', 1, () => store.close());
    console.log(`files ${ megabytes(sizeOf(directory)) }`);
    await phase('open', 1, async () => {
        store = await distributor.getOrCreate('large', 'disk', options);
    });
    await phase('get, random keys', Math.ceil(count / READ_ONE_IN), (look) => read(store, look));
    await phase('scan', count, (look) => scan(store, look));
    await store.close();
    const peak = process.resourceUsage().maxRSS * 1024;
    console.log(`peak of all ${ megabytes(peak) }`);
    process.exitCode = peak > MAX_RESIDENT_BYTES ? 1 : 0;
}

async function write(store, look) {
    for (let start = 0; start < count; start += GROUP) {
        const length = Math.min(GROUP, count - start);
        await store.setBatch(Array.from({ length }, (_, at) => [keyOf(start + at), String(start + at)]));
        look();
    }
}

async function read(store, look) {
    for (let number = 0; number < count; number += READ_ONE_IN) {
        const value = await store.get(keyOf(number));
        if (value !== String(number)) {
            throw new Error(`the value of key ${ number } is ${ value }`);
        }
        if (number % (READ_ONE_IN * GROUP) === 0) {
            look();
        }
    }
}

async function scan(store, look) {
    let [last, seen] = ['', 0];
    await store.iterate('', (key, value) => {
        if (key <= last || key !== keyOf(Number(value))) {
            throw new Error(`the scan has ${ key } with ${ value } behind ${ last }`);
        }
        last = key;
        seen += 1;
        if (seen % GROUP === 0) {
            look();
        }
    });
    if (seen !== count) {
        throw new Error(`the scan has ${ seen } entries`);
    }
}

/** Times `work(look)`, and looks at the resident set now and then, and when that calls `look`. */
async function phase(name, operations, work) {
    const started = performance.now();
    let resident = 0;
    const look = () => {
        resident = Math.max(resident, process.memoryUsage.rss());
    };
    const timer = setInterval(look, LOOK_MS);
    await work(look);
    clearInterval(timer);
    look();
    const seconds = (performance.now() - started) / 1000;
    const rate = operations > 1 ? `, ${ Math.round(operations / seconds) } a second` : '';
    console.log(`${ name }: ${ seconds.toFixed(1) } s${ rate }, resident at most ${ megabytes(resident) }`);
}

/** Keys in random order, each once: the finalizer of MurmurHash3 maps numbers one to one. */
function keyOf(number) {
    let mixed = number ^ (number >>> 16);
    mixed = Math.imul(mixed, 0x85EBCA6B);
    mixed ^= mixed >>> 13;
    mixed = Math.imul(mixed, 0xC2B2AE35);
    mixed ^= mixed >>> 16;
    return `event:${ (mixed >>> 0).toString(16).padStart(8, '0') }:`.padEnd(KEY_LENGTH, '0123456789');
}

function sizeOf(target) {
    const names = fs.readdirSync(target, { recursive: true });
    return names.reduce((sum, name) => sum + fs.statSync(path.join(target, name)).size, 0);
}

function megabytes(bytes) {
    return `${ Math.round(bytes / 1e6) } MB`;
}
