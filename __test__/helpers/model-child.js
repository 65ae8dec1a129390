'use strict';

// Performs the steps `from` to `to` of a history on a store, each one checked, and then kills itself.

const { Datastore } = require('../../index.cjs');
const { History, check, compareAll, registerViews } = require('./history.js');
const { storageOptions } = require('./storage.js');

async function main(directory, seed, from, to) {
    process.on('warning', () => {});
    const history = new History(seed);
    for (let i = 0; i < from; i += 1) {
        history.next();
    }
    const store = new Datastore({ ...storageOptions, directory });
    await store.load();
    registerViews(store, history.model);
    await compareAll(store, history.model, `opened at step ${ from }`);
    for (let i = from; i < to; i += 1) {
        await check(store, history.model, history.next());
    }
    process.kill(process.pid, 'SIGKILL');
}

const [directory, ...numbers] = process.argv.slice(2);
main(directory, ...numbers.map(Number)).catch((error) => {
    console.error(error);
    process.exit(1);
});
