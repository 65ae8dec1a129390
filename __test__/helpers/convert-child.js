'use strict';

// Converts a directory, or writes to it, until it is killed or done. Told to, it kills itself at a certain
// call of the file system that changes something.

const fs = require('node:fs');
const { Datastore, convert } = require('../../index.cjs');

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

async function main(what, directory, ...args) {
    if (what === 'write') {
        return write(directory, ...args);
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
