'use strict';

// Opens a directory, prints what it holds, and then writes with 1,000 operations in flight until it is
// killed. Every acknowledgement is a line, written before anything else happens.

const fs = require('node:fs');
const { Datastore } = require('../../index.cjs');
const { plan } = require('./crash-plan.js');

const IN_FLIGHT = 1000;
const FLUSH_EVERY = 500;

const say = (line) => fs.writeSync(1, `${ line }\n`);

function perform(store, { isBatch, writes }) {
    const [{ type, key, document }] = writes;
    if (isBatch) {
        return store.batch(writes);
    }
    return type === 'delete' ? store.deleteItem(key) : store.setItem(key, document);
}

/** Says `f` and a number once everything up to that operation was flushed. */
async function flushNow(store, acknowledged) {
    const covered = [...acknowledged];
    await store.flush();
    say(`f ${ covered.join(' ') }`);
}

async function main(directory, durability, seed) {
    const store = new Datastore({ directory, durability, flushInterval: 3600000 });
    say('loading');
    await store.load();
    for await (const { key, document } of store.scan({ includeDocuments: true })) {
        say(JSON.stringify([key, document]));
    }
    say('writing');
    const acknowledged = new Set();
    const operations = plan(seed);
    const next = async () => {
        const { value: operation } = operations.next();
        await perform(store, operation);
        say(`a ${ operation.n }`);
        if (durability === 'batched') {
            acknowledged.add(operation.n);
            if (operation.n % FLUSH_EVERY === 0) {
                await flushNow(store, acknowledged);
                acknowledged.clear();
            }
        }
        return next();
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, next));
}

const [directory, durability, seed] = process.argv.slice(2);
main(directory, durability, Number(seed)).catch((error) => {
    console.error(error);
    process.exit(1);
});
