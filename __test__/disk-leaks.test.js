'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { needs } = require('./helpers/needs.js');
const { openStore } = require('./helpers/store.js');
const { eventually, newRoomyDirectory } = require('./helpers/temp.js');

/** How often a store is opened and closed. */
const TIMES = Number(process.env.LEAK_TIMES ?? 1000);
/** Before that, so that what is made once is there. */
const FIRST = 20;

/** What this process holds: open files, threads, and locks on the data file. */
function held(directory) {
    const { ino } = fs.statSync(path.join(directory, 'data.redb'));
    const locks = fs.readFileSync('/proc/locks', 'utf8').split('\n');
    return {
        files: fs.readdirSync('/proc/self/fd').length,
        threads: fs.readdirSync('/proc/self/task').length,
        locks: locks.filter((line) => line.includes(`:${ ino } `)).length,
    };
}

test('stores on disk that were closed hold nothing', { skip: needs('linux') }, async (t) => {
    const directory = newRoomyDirectory(t);
    const openAndClose = async (n) => {
        const store = await openStore(t, { directory, storage: 'disk' });
        await store.setItem(`key ${ n % 10 }`, { n });
        const scan = store.scan();
        await scan.next();
        await store.close();
        await scan.return?.();
    };
    for (let n = 0; n < FIRST; n += 1) {
        await openAndClose(n);
    }
    const before = held(directory);
    const store = await openStore(t, { directory, storage: 'disk' });
    const open = held(directory);
    assert.ok(Object.keys(before).every((name) => open[name] > before[name]), JSON.stringify(open));
    await store.close();
    for (let n = 0; n < TIMES; n += 1) {
        await openAndClose(n);
    }
    let after;
    await eventually(() => {
        after = held(directory);
        return Object.keys(before).every((name) => after[name] <= before[name]);
    }, 'nothing is held').catch(() => {});
    assert.deepEqual(after, before);
    assert.deepEqual(fs.readdirSync(directory), ['data.redb']);
});
