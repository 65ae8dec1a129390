'use strict';

const native = require('./native.cjs');
const { restoreBackup } = require('./backup/restore.js');
const { writeBackup } = require('./backup/write.js');
const { absent, unchangedSince } = require('./checks.js');
const { AssertionError } = require('./errors.js');
const { closeAtExit, forgetAtExit } = require('./exit-hook.js');
const { DocumentReader } = require('./document-reader.js');
const { Lifecycle } = require('./lifecycle.js');
const { checkpointListener } = require('./observer.js');
const { PageReader, pageNumbers } = require('./page-reader.js');
const { openPort } = require('./port.js');
const { scanQuery } = require('./query-options.js');
const { scan } = require('./scan.js');
const { IN_MEMORY } = require('./storage-of.js');
const { call, Views } = require('./views.js');
const { WriteQueue } = require('./write-queue.js');

/**
 * What a Datastore and its DatastoreEngine work on: one native handle, its document cache and its views.
 * Reads are synchronous and need a loaded store.
 *
 * @typedef {{ document: object, text: string, rev: unknown }} Prepared a document from `strictDocument`
 * @typedef {{ key: string, prepared: Prepared | null, check: object, exact?: number }} Operation a put or,
 *     with null, a deletion; `exact` is the revision to store instead of the next one
 */
class Store extends Lifecycle {
    /** Whether reads are answered at once rather than with a promise. */
    resident = true;
    /** Whether all writes have to hold the lock of their key. */
    locksWrites = false;
    #handle;
    #queue;
    #atExit;
    #maxDocuments;
    #reader;
    #readOnly;
    #views;

    /** Touches no disk. `place` is the directory as it is shown, also where there are no files of ours. */
    constructor({ directory, maxDocuments, readOnly, slowCallThreshold, ...rest }) {
        const { place = directory ?? IN_MEMORY } = rest;
        super({ directory: place, slowCallThreshold });
        const options = directory === undefined ? { memory: true } : { directory, readOnly, ...rest };
        this.#readOnly = readOnly;
        this.#handle = call(native.createStore, openPort().raw, JSON.stringify(options));
        this.#maxDocuments = maxDocuments;
        this.#queue = new WriteQueue(this.#handle, (written, version, sequence) => (
            written.document === null ? this.removed(written.key) : this.#stored(written, version, sequence)
        ));
        this.#views = new Views(this.#handle, this.observer, rest);
    }

    async _load({ quarantine }) {
        await openPort().submit((id) => native.load(this.#handle, id, quarantine ? 1 : 0));
        this.#atExit ??= closeAtExit(this);
        this.#reader = new DocumentReader(this.#handle, this.#maxDocuments);
        this.#views.attach(this.#reader);
        native.watchCheckpoints(this.#handle, checkpointListener(this.observer.directory));
    }

    async _flush() {
        await this.#queue.inOrder(() => openPort().submit((id) => native.flush(this.#handle, id)));
    }

    async _close() {
        forgetAtExit(this.#atExit);
        await this.#queue.inOrder(() => {
            this.#reader?.clear();
            return openPort().submit((id) => native.close(this.#handle, id));
        });
    }

    /** At the end of the process. */
    closeNow() {
        this.#queue.submit();
        native.closeSync(this.#handle);
    }

    /** Brings all files up to date, so that the journal can forget. */
    async checkpoint() {
        await this.#queue.inOrder(() => openPort().submit((id) => native.checkpoint(this.#handle, id)));
    }

    /** A fresh copy of the document, or null. */
    read(key) {
        return this.#reader.read(key);
    }

    /** The document, and the check that it is still the same. */
    readForUpdate(key) {
        this.assertWritable();
        const document = this.#reader.read(key);
        return { document, check: document === null ? absent : unchangedSince(this.#reader.sequence) };
    }

    /** At one moment; null where there is none. */
    readMany(keys) {
        return this.#reader.readMany(keys);
    }

    /** Native code refuses too, but only when there is something to write. */
    assertWritable() {
        if (this.#readOnly) {
            throw new AssertionError('Nothing can be written, since the datastore was opened readOnly');
        }
    }

    has(key) {
        return call(native.has, this.#handle, key);
    }

    /** Stores a document, see `WriteQueue.put`. Resolves with it. */
    put(key, document, checkOf, answered) {
        return this.#queue.put(key, document, checkOf, answered);
    }

    /** Stores what `strictDocument` gave. Resolves with the document. */
    putPrepared(key, prepared, check) {
        return this.#queue.putPrepared(key, prepared, check);
    }

    /** Resolves with the key. */
    delete(key, check) {
        return this.#queue.delete(key, check);
    }

    /** All or nothing. Resolves with one `{ version, sequence }` per operation. */
    async commitMany(operations) {
        const keys = operations.map(({ key }) => key);
        const texts = operations.map(({ prepared }) => (prepared === null ? null : prepared.text));
        const triples = operations.flatMap(({ check, exact = -1 }) => [check.kind, check.value, exact]);
        const text = await this.#queue.inOrder(() => openPort().submit((id) => {
            native.commitBatch(this.#handle, id, keys, texts, Float64Array.from(triples));
        }));
        return JSON.parse(text).map(([version, sequence]) => ({ version, sequence }));
    }

    /** The answer for a put: the document with its revision. */
    stored(key, { document, text }, { version, sequence }) {
        return this.#stored({ key, document, size: text.length }, version, sequence);
    }

    #stored({ key, document, size }, version, sequence) {
        document._rev = version;
        this.#reader.refresh(key, document, sequence, size);
        return document;
    }

    /** The answer for a deletion: the key. */
    removed(key) {
        this.#reader.forget(key);
        return key;
    }

    page({ start, end, descending, offset, limit, includeDocuments }) {
        const text = call(native.page, this.#handle, pageNumbers, start, end, descending, offset, limit);
        const page = new PageReader(text);
        const { total, next } = page;
        const keys = page.column();
        if (!includeDocuments) {
            return { items: keys.map((key) => ({ key, documentKey: key })), exclusiveEndIndex: next, total };
        }
        const documents = this.#reader.pageDocuments(keys, page.values());
        const items = keys.map((key, i) => ({ key, documentKey: key, document: documents[i] }));
        return { items, exclusiveEndIndex: next, total };
    }

    scan(options) {
        return scan(async () => {
            const query = scanQuery(options);
            if (!this.ready) {
                await this.load();
            }
            return { handle: this.#handle, query };
        });
    }

    backup(request) {
        return writeBackup(this.#handle, request);
    }

    /** All documents as they are now, for `native.exportLines`. */
    openExport() {
        return call(native.openExport, this.#handle);
    }

    /** Stores the documents of whole lines of an export. If one is there already, none of them is stored. */
    async importLines(bytes) {
        const target = call(native.openImport, this.#handle, 0);
        try {
            native.importBegin(target, 0);
            call(native.importLines, target, bytes);
            await openPort().submit((id) => native.commitImport(this.#handle, id, target));
        } finally {
            native.closeImport(target);
        }
    }

    restore(request) {
        this.assertWritable();
        return this.writing(() => this.#queue.inOrder(() => restoreBackup(this.#handle, request)));
    }

    setView(id, view) {
        this.assertOpen();
        this.#views.set(id, view);
    }

    hasView(id) {
        this.assertOpen();
        return this.#views.has(id);
    }

    deleteView(id) {
        this.assertOpen();
        return this.#views.delete(id);
    }

    queryView(id, query) {
        return this.#views.query(id, query);
    }

    queryViewNow(id, query) {
        return this.#views.queryNow(id, query);
    }

    stats() {
        const figures = JSON.parse(call(native.stats, this.#handle));
        if (figures.conflicts !== undefined) {
            figures.conflicts += this.observer.conflicts;
        }
        const { cachedBytes, cachedDocuments, misses: cacheMisses } = this.#reader;
        const memory = { ...figures.memory, cache: cachedBytes };
        return { directory: this.observer.directory, ...figures, memory, cachedDocuments, cacheMisses };
    }
}

module.exports = { Store };
