'use strict';

// Converts a directory, or writes to it, until it is killed or done. Told to, it kills itself at a certain
// call of the file system that changes something.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const { Datastore, convert } = require('../../index.cjs');
const { assertHolds, textsIn } = require('./convert.js');

const COUNTED = ['mkdir', 'rename', 'rm'];

/** Half of those that die do so before the call, the others behind it. */
function dieAt(call, when) {
    let calls = 0;
    for (const name of COUNTED) {
        const original = fs.promises[name];
        fs.promises[name] = async (...args) => {
            const isLast = calls === call;
            calls += 1;
            if (isLast && when === 'before') {
                process.kill(process.pid, 'SIGKILL');
            }
            const answer = await original(...args);
            if (isLast) {
                process.kill(process.pid, 'SIGKILL');
            }
            return answer;
        };
    }
}

async function write(directory, storage) {
    const store = await new Datastore({ directory, storage }).load();
    await Promise.all(Array.from({ length: 100 }, (_, n) => store.setItem(`key ${ n }`, { n })));
    console.log('written');
    setInterval(() => {}, 1_000);
}

function freeShare(directory) {
    const { bavail, blocks } = fs.statfsSync(directory);
    return bavail / blocks;
}

/** On a small disk: without space for the copy nothing changes. */
async function full(directory, from) {
    const to = from === 'disk' ? 'files' : 'disk';
    // More than half of the disk. Closed again and again, since the journal needs space too.
    for (let n = 0; freeShare(directory) > 0.45;) {
        const store = await new Datastore({ directory, storage: from }).load();
        for (const end = n + 10; n < end; n += 1) {
            await store.setItem(`key ${ n }`, { text: crypto.randomBytes(40_000).toString('hex') });
        }
        await store.close();
    }
    const before = await textsIn(directory, from);
    await assert.rejects(convert(directory, { to }), { code: 'STORAGE', message: /space/ });
    await assertHolds(directory, from, before);
}

async function main(what, directory, ...args) {
    if (what === 'write') {
        return write(directory, ...args);
    }
    if (what === 'full') {
        return full(directory, ...args);
    }
    const [to, call, when] = args;
    if (call !== undefined) {
        dieAt(Number(call), when);
    }
    console.log('begins');
    await convert(directory, { to, onProgress: ({ phase }) => console.log(phase) });
    console.log('done');
}

main(...process.argv.slice(2)).catch((error) => {
    console.error(error);
    process.exit(1);
});
