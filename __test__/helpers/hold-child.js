'use strict';

// Opens a directory, says so, and holds it until its input ends. As `writer` it writes a document first; as
// `nobody` it does so as a user without rights; as `impatient` it waits for others for a moment only.

const fs = require('node:fs');
const { Datastore } = require('../../index.cjs');

const say = (value) => fs.writeSync(1, `${ JSON.stringify(value) }\n`);

/** The outcome of a call, as something to print. */
async function outcomeOf(call) {
    try {
        return { ok: await call() };
    } catch (error) {
        const { name, code, message } = error;
        return { error: { name, code, message, isOurs: error instanceof require('../../index.cjs')[name] } };
    }
}

async function main(directory, as) {
    if (as === 'nobody') {
        process.setgroups([]);
        process.setgid(65534);
        process.setuid(65534);
    }
    const store = new Datastore({ directory, lockTimeout: as === 'impatient' ? 20 : undefined });
    say(await outcomeOf(async () => (await store.load()) === store));
    say(await outcomeOf(async () => (await store.queryKeys()).total));
    if (as !== undefined) {
        say(await outcomeOf(() => store.setItem('new', {})));
    }
    process.stdin.resume();
    await new Promise((resolve) => {
        process.stdin.on('end', resolve);
    });
    await store.close();
}

const [directory, as] = process.argv.slice(2);
main(directory, as);
