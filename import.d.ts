import type { BatchOperation, Key } from './index.js';

/** What an importer needs of a datastore. */
export interface ImportTarget {
    /** Stores documents, all or none. */
    batch(operations: readonly BatchOperation<any>[]): Promise<unknown>;
    /** The documents, null where there is none. */
    getItems(keys: readonly Key[]): Promise<(object | null)[]>;
}

/** A record of a source, as the functions `key` and `document` of the options get it. */
export interface ImportRecord {
    /** The name of the collection, type or sublevel; null where the source has none. */
    collection: string | null;
    /** The name of the record in its collection. */
    id: string;
    /** Usually an object. */
    document: any;
}

/** A record of a level directory. */
export interface LevelRecord extends ImportRecord {
    /** The whole key, with the prefix of its sublevel. */
    rawKey: string;
    /** The same as it is stored, which need not be text. */
    keyBytes: Uint8Array;
}

/** A row of Kixx's document store: `collection` is its type. */
export interface KixxRecord extends ImportRecord {
    /** From its column. */
    sortKey: string | null;
    /** From its column; revisions here begin anew. */
    version: number;
    /** An ISO date. */
    createdAt: string;
    /** An ISO date. */
    updatedAt: string;
}

/** How far an import is. */
export interface ImportProgress {
    /** How many documents were stored so far. */
    imported: number;
    /** How many were there already, with `conflict: 'skip'`. */
    skipped: number;
    /** How many records cannot be stored, with `invalid: 'skip'`. */
    invalid: number;
    /** How much of the source was read, from 0 to 1; null where that is not known. */
    share: number | null;
}

/** What all importers can be told. */
export interface ImportOptions<R = ImportRecord> {
    /** The key of a record here. Default: `collection:id`, or the id where there is no collection. */
    key?: ((record: R) => Key) | undefined;
    /** The document for a record, whose key is given too. Default: `record.document`. */
    document?: ((record: R, key: string) => object) | undefined;
    /**
     * What to do where there is a document with that key: `'error'` (default) stops with a ConflictError,
     * `'skip'` keeps the one that is there, `'overwrite'` replaces it.
     */
    conflict?: 'error' | 'skip' | 'overwrite' | undefined;
    /**
     * What to do with a record that cannot be stored or read: `'error'` (default) stops with an
     * AssertionError or CorruptError that names it, `'skip'` counts and describes it in the result.
     */
    invalid?: 'error' | 'skip' | undefined;
    /** Called after each batch. */
    onProgress?: ((progress: ImportProgress) => void) | undefined;
    /** Stops between two records, with the signal's reason. What was stored stays. */
    signal?: AbortSignal | undefined;
}

/** What came of an import. */
export interface ImportResult<S> {
    /** How many documents were stored. */
    imported: number;
    /** How many were there already, with `conflict: 'skip'`. */
    skipped: number;
    /** How many records cannot be stored, with `invalid: 'skip'`. */
    invalid: number;
    /** The first 20 of them: where each is, and why not. */
    problems: string[];
    /** Counts of the source. */
    source: S;
}

/**
 * Imports a file with one `{ "key", "document" }` per line, compressed by gzip or not. The file is streamed.
 *
 * All importers only read the source, and store in atomic batches. Revisions begin anew: a `_rev` in a
 * document is left out. An import that was interrupted can be run again with `conflict: 'skip'`.
 *
 * @throws {ConflictError} naming the key, unless `conflict` says otherwise
 * @throws {AssertionError} for a record that cannot be stored, unless `invalid` says otherwise
 * @throws {CorruptError} for text that is damaged, unless `invalid` says otherwise
 */
export function importJsonLines(
    datastore: ImportTarget,
    file: string,
    options?: ImportOptions & {
        /** Reads a line. Default JSON.parse. */
        parse?: ((line: string) => unknown) | undefined;
    }
): Promise<ImportResult<{ lines: number }>>;

/**
 * Imports a file of NeDB: the last line of each `_id` counts, deletions too, and dates become ISO strings.
 * The file is streamed twice. The key is the `_id`, which stays in the document. NeDB itself drops lines that
 * are damaged; here they are an error.
 */
export function importNedb(
    datastore: ImportTarget,
    file: string,
    options?: ImportOptions & {
        /** Reads a line, where NeDB had a `beforeDeserialization`. Default JSON.parse. */
        parse?: ((line: string) => unknown) | undefined;
    }
): Promise<ImportResult<{ lines: number; documents: number; deleted: number; indexes: number }>>;

/**
 * Imports a JSON file of lowdb. An array of objects is a collection, with the `id` of each or its index; an
 * object of objects too, with their names. Another object is one document, any other value the document
 * `{ value }`, and their key is their name.
 */
export function importLowdb(
    datastore: ImportTarget,
    file: string,
    options?: ImportOptions & {
        /** Reads the text of the file, if it is not JSON. */
        parse?: ((text: string) => unknown) | undefined;
    }
): Promise<ImportResult<{ documents: number; collections: Record<string, number> }>>;

/**
 * Imports a database file of LokiJS, serialized in any of its ways: normal, pretty, destructured, or by the
 * structured adapter with a file for each collection. The key is `collection:$loki`.
 */
export function importLoki(
    datastore: ImportTarget,
    file: string,
    options?: ImportOptions & {
        /** Whether `$loki` and `meta` stay in the documents. Default `'drop'`. */
        metadata?: 'drop' | 'keep' | undefined;
        /** Reads the text of a document or of the database. Default JSON.parse. */
        parse?: ((text: string) => unknown) | undefined;
    }
): Promise<ImportResult<{ documents: number; collections: Record<string, number> }>>;

/** A database of `abstract-level` that is open. */
export interface LevelDatabase {
    /** Its iterator over all entries, as bytes. */
    iterator(options: { keyEncoding: 'buffer'; valueEncoding: 'buffer' }): {
        nextv(size: number): Promise<[any, any][]>;
        close(): Promise<void>;
    };
}

/**
 * Imports a LevelDB directory, read with the package `classic-level` of the application, or an open database
 * of `abstract-level`. Keys of sublevels become `name:key`.
 *
 * LevelDB cannot open for reading only: it locks the directory meanwhile and may rewrite its own files there,
 * though no entry changes. Import a copy to leave the directory as it is.
 *
 * @throws {LockedError} when the directory is open elsewhere
 */
export function importLevel(
    datastore: ImportTarget,
    from: string | LevelDatabase,
    options?: ImportOptions<LevelRecord> & {
        /** Reads a value. Default: JSON. */
        parse?: ((value: Uint8Array, key: string) => unknown) | undefined;
    }
): Promise<ImportResult<{ entries: number; sublevels: Record<string, number> }>>;

/**
 * Imports the SQLite file of Kixx's newer document store, opened for reading only: with `node:sqlite`, or
 * with the package `better-sqlite3` of the application where this Node has none. The key is `type:id`;
 * documents get `type`, `id`, `sortKey`, `createdAt` and `updatedAt` from the columns. Writers wait
 * meanwhile.
 */
export function importKixxSqlite(
    datastore: ImportTarget,
    file: string,
    options?: ImportOptions<KixxRecord> & {
        /** Reads the text of a document. Default JSON.parse. */
        parse?: ((text: string) => unknown) | undefined;
    }
): Promise<ImportResult<{ rows: number; types: Record<string, number> }>>;
