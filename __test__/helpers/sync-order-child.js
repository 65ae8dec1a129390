'use strict';

// Writes to a data file, one write after the other, and says on stdout when each was asked for and when it
// settled; then until an old segment of the journal is removed, and closes.

const fs = require('node:fs');
const path = require('node:path');
const { Datastore, Distributor } = require('../../index.cjs');
const { eventually } = require('./temp.js');

const SMALL = 20;
const LARGE = 6;
const LARGE_BYTES = 4 * 2 ** 20;

const say = (line) => fs.writeSync(1, `${ line }\n`);

/** What both kinds of stores have here: `set(key, text)` and `close()`; and where they are. */
const KINDS = {
    async datastore(directory, durability) {
        const store = await new Datastore({ directory, storage: 'disk', durability }).load();
        const set = (key, text) => store.setItem(key, { text });
        return { place: directory, set, close: () => store.close() };
    },
    async keyvalue(directory, durability) {
        const store = await new Distributor({ directory }).getOrCreate('a', 'disk', { durability });
        const place = path.join(directory, 'store-a');
        return { place, set: (key, text) => store.set(key, text), close: () => store.close() };
    },
};

async function main(kind, directory, durability) {
    const { place, set, close } = await KINDS[kind](directory, durability);
    for (let n = 0; n < SMALL; n += 1) {
        say(`asked <${ n }>`);
        await set('key', `written <${ n }>`);
        say(`settled <${ n }>`);
    }
    for (let n = 0; n < LARGE; n += 1) {
        await set(`large ${ n }`, 'x'.repeat(LARGE_BYTES));
    }
    const first = path.join(place, '.datastore', 'journal-0000000000000001.log');
    await eventually(() => !fs.existsSync(first), 'the first segment is removed');
    await close();
    say('closed');
}

main(...process.argv.slice(2)).catch((error) => {
    console.error(error);
    process.exit(1);
});
