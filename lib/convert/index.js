'use strict';

const { abortable, assertWanted } = require('../backup/abort.js');
const { observers, pathOf } = require('../backup/options.js');
const { AssertionError, CorruptError } = require('../errors.js');
const { Datastore } = require('../datastore.js');
const { storeOf } = require('../engine.js');
const { given, oneOf } = require('../options.js');
const { journalSize } = require('../storage-of.js');
const { copyDocuments, haveSameDocuments } = require('./copy.js');
const { Place } = require('./place.js');

const STORAGES = ['disk', 'files'];

/** A handle of this process shares the engine of another one with the same options: nobody else has this. */
const UNSHARED_FLUSH_INTERVAL_MS = 2 ** 31 - 1;

/**
 * Moves a datastore that nobody has open between the storages `'files'` and `'disk'`: copies all documents
 * with their revisions, closes and opens the copy, compares every text, and puts it in place of the old one
 * in one step. Only then the old one is removed. Whatever goes wrong before leaves the directory as it was;
 * after a kill it is one or the other, whole, and the next `convert()` goes on or cleans up.
 *
 * @param {string} directory
 * @param {import('../../index.d.ts').ConvertOptions} options
 * @returns {Promise<import('../../index.d.ts').ConvertResult>}
 */
async function convert(directory, options) {
    const request = convertRequest(directory, options);
    return await abortable(request.signal, () => convertPlace(new Place(request.directory), request));
}

function convertRequest(directory, options) {
    const { to, lockTimeout, fileMode } = given(options, 'options');
    return {
        directory: pathOf(directory, 'directory', 'the path of a directory'),
        to: oneOf(to, 'to', STORAGES),
        settings: { lockTimeout, fileMode },
        ...observers(options),
    };
}

async function convertPlace(place, { directory, to, ...request }) {
    await place.assertDatastore();
    const from = place.storage;
    if (from === to && !await place.isUnfinished()) {
        return { directory, to, converted: false, documents: 0 };
    }
    return withStore(() => openAtRest(directory, from, request.settings), async (source) => {
        // All of it while nobody else may come in, also what is removed.
        await place.finish();
        await place.assertPure();
        if (from === to) {
            await place.discard();
            return { directory, to, converted: false, documents: 0 };
        }
        const documents = await replace(place, source, to, request);
        await place.finish();
        return { directory, to, converted: true, documents };
    });
}

/** Makes the new one and puts it in place. Answers how many documents there are. */
async function replace(place, source, to, { signal, onProgress, settings }) {
    const { documents: total } = source.stats();
    const tell = (phase) => (done) => onProgress({ phase, done, total });
    try {
        await build(place, source, to, { signal, settings, tell });
        assertWanted(signal);
        await (to === 'disk' ? place.becomeDisk() : place.becomeFiles());
    } catch (error) {
        // The failure is what counts; what is left is found by the next one.
        if (place.storage !== to) {
            await place.discard().catch(() => undefined);
        }
        throw error;
    }
    return total;
}

/** Copies, closes, opens again, and compares. */
async function build(place, source, to, { signal, settings, tell }) {
    const inWorkshop = (work) => withStore(() => openAlone(place.workshop(to), to, settings), work);
    const how = { signal, onDocuments: tell('copy') };
    await place.prepare();
    // What a killed process left is the beginning of a copy, unless documents have changed since.
    const isCopied = await inWorkshop((target) => copyDocuments(source, target, how)).catch(isOfNoUse);
    if (!isCopied) {
        await place.discard();
        await place.prepare();
        await inWorkshop((target) => copyDocuments(source, target, how));
    }
    const isSame = await inWorkshop((target) => (
        haveSameDocuments(source, target, { signal, onDocuments: tell('verify') })
    ));
    if (!isSame) {
        const message = `The copy of ${ place.directory } is not what was copied. Nothing was changed`;
        throw new CorruptError(message);
    }
}

/** Whether a copy is damaged. Power cuts may do that: it was not flushed yet. */
function isOfNoUse(error) {
    if (error instanceof CorruptError) {
        return false;
    }
    throw error;
}

/** Opens a store, works on it, and closes it. The first error is the one to tell. */
async function withStore(open, work) {
    const datastore = await open();
    let answer;
    try {
        answer = await work(storeOf(datastore._db));
    } catch (error) {
        await datastore.close().catch(() => undefined);
        throw error;
    }
    await datastore.close();
    return answer;
}

/** The store of a directory, with no journal, and with nobody else until it is closed. */
async function openAtRest(directory, storage, settings) {
    for (;;) {
        const datastore = await openAlone(directory, storage, settings).catch(tellWhoHasIt);
        if (journalSize(directory).segments === 0) {
            return datastore;
        }
        // Closing writes out what a killed process left in the journal.
        await datastore.close();
    }
}

function tellWhoHasIt(error) {
    if (error instanceof AssertionError && error.message.includes('already open in this process')) {
        const message = 'The directory is open in this process. Close it first';
        throw new AssertionError(message, { expected: 'a closed datastore', cause: error });
    }
    throw error;
}

async function openAlone(directory, storage, settings) {
    const datastore = new Datastore({
        ...settings,
        directory,
        storage,
        exclusive: true,
        durability: 'os',
        flushInterval: UNSHARED_FLUSH_INTERVAL_MS,
        cache: false,
    });
    return datastore.load();
}

module.exports = { convert };
