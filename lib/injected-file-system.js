'use strict';

const path = require('node:path');
const { AssertionError, CorruptError, StorageError } = require('./errors.js');
const { anything, assertHolds } = require('./checks.js');
const { copy } = require('./copy.js');
const { describe, quote } = require('./describe.js');
const { LockingQueue } = require('./locking-queue.js');
const { Store } = require('./store.js');
const { isPlain, strictDocument } = require('./strict-json.js');

const EXTENSION = '.json';
const MAX_FILE_NAME_BYTES = 255;

/** So many files are read at the same time, and so many documents are stored at once while loading. */
const CONCURRENT_READS = 64;

/**
 * A store whose documents live in a file system written in JavaScript. A write goes there first, and into
 * memory when that worked. There is no journal.
 */
class FileSystemStore extends Store {
    locksWrites = true;
    #fileSystem;
    #directory;
    #locks = new LockingQueue();

    constructor({ directory, fileSystem, maxDocuments, readOnly, slowCallThreshold }) {
        super({ place: directory, maxDocuments, readOnly, slowCallThreshold });
        this.#fileSystem = fileSystem;
        this.#directory = directory;
    }

    async _load({ quarantine }) {
        if (quarantine) {
            throw new AssertionError('quarantine needs a file system that moves files: this one is injected');
        }
        const operations = await this.#readAll();
        await super._load({ quarantine });
        for (let i = 0; i < operations.length; i += CONCURRENT_READS) {
            await super.commitMany(operations.slice(i, i + CONCURRENT_READS));
        }
    }

    async #readAll() {
        const entries = await this.#file('read', this.#directory, () => (
            this.#fileSystem.readDocumentDirectory(this.#directory)
        ));
        const names = entries.map((entry) => path.basename(entry)).filter((name) => name.endsWith(EXTENSION));
        const operations = [];
        const damaged = [];
        for (let i = 0; i < names.length; i += CONCURRENT_READS) {
            const read = names.slice(i, i + CONCURRENT_READS).map((name) => this.#readFile(name));
            for (const result of await Promise.all(read)) {
                (result?.damage === undefined ? operations : damaged).push(result);
            }
        }
        if (damaged.length > 0) {
            const list = damaged.map(({ name, damage }) => `${ name } (${ damage })`).join(', ');
            const { cause } = damaged[0];
            throw new CorruptError(`Not a document in ${ this.#directory }: ${ list }`, { cause });
        }
        return operations.filter((operation) => operation !== null);
    }

    /** The operation that puts the document of a file; what is wrong with it; null when it is gone. */
    async #readFile(name) {
        try {
            const key = decodeURIComponent(name.slice(0, -EXTENSION.length));
            const file = path.join(this.#directory, name);
            const document = await this.#file('read', file, () => this.#fileSystem.readDocumentFile(file));
            if (document === null || document === undefined) {
                return null;
            }
            if (!isPlain(document)) {
                return { name, damage: `it holds ${ describe(document) }` };
            }
            const prepared = strictDocument(document);
            const exact = Number.isSafeInteger(prepared.rev) && prepared.rev >= 0 ? prepared.rev : 0;
            return { key, prepared, check: anything, exact };
        } catch (error) {
            const cause = error instanceof StorageError ? error.cause : error;
            if ([SyntaxError, URIError, AssertionError].some((Class) => cause instanceof Class)) {
                return { name, damage: cause.message, cause };
            }
            throw error;
        }
    }

    put(key, document, checkOf) {
        const prepared = strictDocument(document);
        return this.putPrepared(key, prepared, checkOf(prepared.rev));
    }

    async putPrepared(key, prepared, check) {
        const [committed] = await this.commitMany([{ key, prepared, check }]);
        return this.stored(key, prepared, committed);
    }

    async delete(key, check) {
        await this.commitMany([{ key, prepared: null, check }]);
        return this.removed(key);
    }

    async commitMany(operations) {
        this.assertWritable();
        const keys = [...new Set(operations.map(({ key }) => key))].sort();
        return this.writing(() => this.#locked(keys, () => this.#commitLocked(operations)));
    }

    restore() {
        const why = 'to write all documents or none: there is an injected fileSystem';
        throw new AssertionError(`restore() needs a journal, ${ why }`);
    }

    async #locked([key, ...others], work) {
        if (key === undefined) {
            return work();
        }
        await this.#locks.getLock(key);
        try {
            return await this.#locked(others, work);
        } finally {
            this.#locks.releaseLock(key);
        }
    }

    async #commitLocked(operations) {
        const writes = this.#plan(operations);
        const written = [];
        try {
            for (const write of writes) {
                await this.#put(write.key, write.document, write.before);
                written.push(write);
            }
            return await super.commitMany(operations.map((operation, i) => ({
                ...operation,
                check: anything,
                exact: writes[i].document?._rev ?? -1,
            })));
        } catch (error) {
            for (const { key, document, before } of written.reverse()) {
                // The failure is what counts; a file that cannot be put back stays as it is.
                await this.#put(key, before, document).catch(() => undefined);
            }
            throw error;
        }
    }

    /** What each operation leaves, in order; a later one sees the effect of an earlier one. */
    #plan(operations) {
        const planned = new Map();
        return operations.map(({ key, prepared, check, exact }) => {
            assertFileName(key);
            const before = planned.has(key) ? planned.get(key) : this.#current(key);
            assertHolds(key, check, before);
            const version = exact ?? (before === null ? 0 : before.version + 1);
            const document = prepared === null ? null : { ...prepared.document, _rev: version };
            planned.set(key, document === null ? null : { document, version });
            return { key, document, before: before === null ? null : before.document };
        });
    }

    #current(key) {
        const { document, check } = this.readForUpdate(key);
        return document === null ? null : { document, version: document._rev, sequence: check.value };
    }

    async #put(key, document, before) {
        const file = path.join(this.#directory, encodeURIComponent(key) + EXTENSION);
        if (document !== null) {
            await this.#file('write', file, () => this.#fileSystem.writeDocumentFile(file, copy(document)));
        } else if (before !== null) {
            await this.#file('remove', file, () => this.#fileSystem.removeDocumentFile(file));
        }
    }

    async #file(action, file, work) {
        try {
            return await work();
        } catch (cause) {
            const why = cause?.message ?? cause;
            throw new StorageError(`Could not ${ action } ${ file }: ${ why }`, { cause });
        }
    }
}

/** The rule of the native store, which comes too late here: the file would be written by then. */
function assertFileName(key) {
    if (!key.isWellFormed()) {
        throw new AssertionError(`The key ${ quote(key) } holds a lone surrogate`, { key });
    }
    const bytes = encodeURIComponent(key).length + EXTENSION.length;
    if (bytes > MAX_FILE_NAME_BYTES) {
        const length = `${ bytes } bytes as a file name, at most ${ MAX_FILE_NAME_BYTES } are allowed`;
        throw new AssertionError(`The key ${ quote(key) } is too long: ${ length }`, { key });
    }
}

module.exports = { FileSystemStore };
