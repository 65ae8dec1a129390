'use strict';

// Opens a directory, carries out operations one after the other, and ends as by kill -9: long before the
// checkpoint is due, so that a journal is left over.

const { Datastore } = require('../../index.cjs');
const { segmentsOf, recordsOf } = require('./journal-file.js');
const { storageOptions } = require('./storage.js');
const { eventually } = require('./temp.js');

async function perform(store, directory, [what, ...args]) {
    if (what === 'checkpoint') {
        const has = () => segmentsOf(directory).some(({ bytes }) => recordsOf(bytes).some(isCheckpoint));
        await eventually(has, 'a checkpoint is recorded');
    } else {
        await store[what](...args);
    }
}

function isCheckpoint(record) {
    return record.isCheckpoint;
}

async function main(directory, operations) {
    const store = await new Datastore({ directory, ...storageOptions }).load();
    for (const operation of operations) {
        await perform(store, directory, operation);
    }
    process.kill(process.pid, 'SIGKILL');
}

const [directory, operations] = process.argv.slice(2);
main(directory, JSON.parse(operations)).catch((error) => {
    console.error(error);
    process.exit(1);
});
