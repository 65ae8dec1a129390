'use strict';

const { AssertionError, ConflictError, CorruptError } = require('../errors.js');
const { quote } = require('../describe.js');
const { fail, given, isObject, oneOf } = require('../options.js');
const { documentKey } = require('../query-options.js');
const { strictDocument } = require('../strict-json.js');

/** What is written as one batch: many enough to share a flush, few enough to fit into memory. */
const BATCH_DOCUMENTS = 500;
const BATCH_CHARACTERS = 4 * 2 ** 20;

/** How many records that cannot be stored are described in the result. */
const PROBLEMS_MAX = 20;

/** No document is ever at this revision: who replaces it wants that there is none. */
const NEVER = Number.MAX_SAFE_INTEGER;

/** A record of a source that cannot be a document, with the reason. */
class Invalid {
    constructor(message, cause) {
        this.message = message;
        this.cause = cause;
    }
}

/**
 * A record of a source.
 *
 * @typedef {object} SourceRecord
 * @property {string} where for messages, such as `"users.db" line 5`
 * @property {number | null} share how much of the source was read, from 0 to 1
 * @property {object | Invalid} record what `key` and `document` of the options get
 */

/**
 * Writes the records of a source as documents, batch by batch.
 *
 * @param {import('../../index.d.ts').Datastore} datastore
 * @param {AsyncIterable<SourceRecord>} records
 * @param {ReturnType<typeof importOptions>} options
 * @param {object} source counts of the source, which grow while it is read
 */
async function importRecords(datastore, records, options, source) {
    const writer = new Writer(datastore, options);
    for await (const { where, share, record } of records) {
        options.signal?.throwIfAborted();
        const taken = take(record, where, options);
        if (taken instanceof Invalid) {
            writer.refuse(taken);
        } else {
            writer.add(taken);
        }
        if (writer.isFull) {
            await writer.flush();
            writer.progress(share);
        }
    }
    options.signal?.throwIfAborted();
    await writer.flush();
    writer.progress(1);
    return { ...writer.result, source };
}

/** A record as a document with its key, or why it is none. */
function take(record, where, options) {
    if (record instanceof Invalid) {
        return record;
    }
    try {
        const key = documentKey(options.key(record));
        const { _rev, ...document } = plain(options.document(record, key));
        if (_rev !== undefined && !(Number.isSafeInteger(_rev) && _rev >= 0)) {
            return new Invalid(`${ where }: _rev is the revision of a document; give it another name`);
        }
        return { key, where, document, length: strictDocument(document).text.length };
    } catch (error) {
        return new Invalid(`${ where }: ${ error?.message ?? error }`, error);
    }
}

function plain(document) {
    return isObject(document) ? document : fail('document', 'a plain object', document);
}

/** Collects documents and writes them. */
class Writer {
    result = { imported: 0, skipped: 0, invalid: 0, problems: [] };
    #datastore;
    #options;
    #batch = [];
    #length = 0;

    constructor(datastore, options) {
        this.#datastore = datastore;
        this.#options = options;
    }

    get isFull() {
        return this.#batch.length >= BATCH_DOCUMENTS || this.#length >= BATCH_CHARACTERS;
    }

    add(document) {
        this.#batch.push(document);
        this.#length += document.length;
    }

    /** A record that cannot be stored. */
    refuse({ message, cause }) {
        if (this.#options.invalid === 'error') {
            throw new AssertionError(`${ message }. ${ this.#advice("invalid: 'skip'") }`, { cause });
        }
        this.result.invalid += 1;
        if (this.result.problems.length < PROBLEMS_MAX) {
            this.result.problems.push(message);
        }
    }

    progress(share) {
        const { imported, skipped, invalid } = this.result;
        this.#options.onProgress?.({ imported, skipped, invalid, share });
    }

    async flush() {
        let batch = this.#batch;
        this.#batch = [];
        this.#length = 0;
        if (this.#options.conflict === 'skip') {
            batch = await this.#withoutExisting(batch);
        }
        while (batch.length > 0) {
            const refused = await this.#write(batch);
            batch = refused === undefined ? [] : batch.filter((document) => document !== refused);
        }
    }

    /** Writes all, or none and answers which one must not be there. */
    async #write(batch) {
        const rev = this.#options.conflict === 'overwrite' ? {} : { _rev: NEVER };
        try {
            await this.#datastore.batch(batch.map(({ key, document }) => (
                { type: 'set', key, document: { ...document, ...rev } })));
            this.result.imported += batch.length;
            return undefined;
        } catch (error) {
            const refused = batch.findLast(({ key }) => key === error.key);
            if (refused === undefined) {
                throw error;
            }
            this.#judge(refused, error);
            return refused;
        }
    }

    #judge({ key, where }, error) {
        if (error instanceof AssertionError) {
            this.refuse(new Invalid(`${ where }: ${ error.message }`, error));
        } else if (error instanceof ConflictError && this.#options.conflict === 'skip') {
            this.result.skipped += 1;
        } else if (error instanceof ConflictError) {
            const message = `${ where }: there is a document ${ quote(key) } already`;
            const advice = this.#advice("conflict: 'skip' or 'overwrite'");
            const details = { key, expected: 'no document', cause: error };
            throw new ConflictError(`${ message }. ${ advice }`, details);
        } else {
            throw error;
        }
    }

    /** Without what is there already, and what comes a second time. */
    async #withoutExisting(batch) {
        const existing = await this.#datastore.getItems(batch.map(({ key }) => key));
        const seen = new Set();
        const missing = batch.filter(({ key }, i) => {
            const isNew = existing[i] === null && !seen.has(key);
            seen.add(key);
            return isNew;
        });
        this.result.skipped += batch.length - missing.length;
        return missing;
    }

    #advice(option) {
        const { imported } = this.result;
        const before = imported === 0 ? 'Nothing was' : `${ imported } documents were`;
        return `${ before } imported before; ${ option } goes on instead`;
    }
}

/** The options that all importers have, checked. */
function importOptions(datastore, options, defaults) {
    for (const method of ['batch', 'getItems']) {
        if (typeof datastore?.[method] !== 'function') {
            fail('datastore', 'a Datastore', datastore);
        }
    }
    const { conflict = 'error', invalid = 'error', signal, onProgress, ...rest } = given(options, 'options');
    const { key = defaults.key, document = defaults.document, parse = defaults.parse } = rest;
    for (const [name, value] of Object.entries({ key, document, parse, onProgress })) {
        if (value !== undefined && typeof value !== 'function') {
            fail(name, 'a function', value);
        }
    }
    if (signal !== undefined && typeof signal?.throwIfAborted !== 'function') {
        fail('signal', 'an AbortSignal', signal);
    }
    signal?.throwIfAborted();
    return {
        key, document, parse, signal, onProgress,
        conflict: oneOf(conflict, 'conflict', ['error', 'skip', 'overwrite']),
        invalid: oneOf(invalid, 'invalid', ['error', 'skip']),
    };
}

/** `collection:id`, or the id where there is no collection. */
function defaultKey({ collection, id }) {
    return collection === null ? id : `${ collection }:${ id }`;
}

/** Text that should have been JSON. With `invalid: 'skip'` it counts as a record that is invalid. */
function unreadable(where, error, { invalid }) {
    const message = `${ where } is not JSON: ${ error.message }`;
    if (invalid === 'error') {
        throw new CorruptError(`${ message }. invalid: 'skip' leaves it out`, { cause: error });
    }
    return new Invalid(message, error);
}

module.exports = { Invalid, defaultKey, importOptions, importRecords, unreadable };
