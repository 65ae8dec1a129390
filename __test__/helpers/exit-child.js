'use strict';

// Uses a directory and ends in the way that it is told to. Says `a <key>` for every acknowledged write.

const fs = require('node:fs');
const { Datastore } = require('../../index.cjs');
const { storageOptions } = require('./storage.js');

const WRITES = 200;

const say = (line) => fs.writeSync(1, `${ line }\n`);

async function set(store, key, document = {}) {
    await store.setItem(key, document);
    say(`a ${ key }`);
}

function writeMany(store) {
    return Array.from({ length: WRITES }, (_, n) => set(store, `key ${ n }`, { n }));
}

const ENDINGS = {
    /** All writes are acknowledged, then there is nothing left to do. */
    async self(store) {
        await Promise.all(writeMany(store));
    },
    async exit(store) {
        await Promise.all(writeMany(store));
        process.exit(0);
    },
    async throw(store) {
        await Promise.all(writeMany(store));
        setImmediate(() => {
            throw new Error('uncaught on purpose');
        });
    },
    async reject(store) {
        await Promise.all(writeMany(store));
        Promise.reject(new Error('uncaught on purpose'));
    },
    /** Ends in the middle: some writes are acknowledged, some are under way. */
    async exitHalfway(store) {
        await Promise.race(writeMany(store));
        process.exit(0);
    },
    async throwHalfway(store) {
        const writes = writeMany(store);
        await writes[0];
        setImmediate(() => {
            throw new Error('uncaught on purpose');
        });
    },
    /** In an exit listener nothing asynchronous happens any more. */
    async exitListener(store) {
        process.on('exit', () => {
            store.setItem('too late', {});
            store.close();
        });
        await Promise.all(writeMany(store));
        process.exit(0);
    },
    /** Nobody awaits the writes: they keep the process alive until each is acknowledged. */
    async pending(store) {
        writeMany(store);
    },
    async pendingClose(store) {
        await Promise.all(writeMany(store));
        store.close().then(() => say('closed'));
    },
    async pendingFlush(store) {
        await Promise.all(writeMany(store));
        store.flush().then(() => say('flushed'));
    },
    async onlyRead(store) {
        await store.hasItem('key 1');
        await store.queryKeys({ includeDocuments: true });
    },
    async view(store) {
        store.setView('v', { map: (document, emit) => emit(document.n) });
        await set(store, 'key 1', { n: 1 });
        say(`rows ${ (await store.queryView('v')).total }`);
    },
    async halfScan(store) {
        await Promise.all(writeMany(store));
        await store.scan().next();
    },
    /** Two handles, one of them closed. */
    async twoHandles(store, options) {
        const other = new Datastore(options);
        await Promise.all(writeMany(other));
        await other.close();
    },
    async closed(store) {
        await Promise.all(writeMany(store));
        await store.close();
    },
    async neverLoaded(store, options) {
        new Datastore(options);
    },
};

async function main(directory, durability, ending) {
    // Nobody may wait for the next flush: it comes in an hour.
    const options = { ...storageOptions, directory, durability, flushInterval: 3600000 };
    const store = new Datastore(options);
    if (ending !== 'neverLoaded') {
        await store.load();
    }
    await ENDINGS[ending](store, options);
}

const [directory, durability, ending] = process.argv.slice(2);
main(directory, durability, ending);
