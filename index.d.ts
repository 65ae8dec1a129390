/// <reference lib="esnext.disposable" />

/** A document key. A finite number stands for its string. */
export type Key = string | number;

/** Any JSON value, as the keys and values of views are. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue };

/** A document as it comes out: with its revision. */
export type Stored<T> = T & { _rev: number };

/**
 * A document as it goes in. `_rev`, if it is there, names the revision that the caller wants to replace.
 * Dates and objects with `toJSON` are stored as what they convert to; properties that are undefined are
 * left out.
 */
export type Storable<T> = T & { _rev?: number | undefined };

/** What `getItem` does where there is no document. */
export type Missing = 'throw' | 'null';

/** Where the documents live and how. */
export interface EngineOptions {
    /** The directory of the JSON files. It is created if it is missing. */
    directory: string;
    /**
     * When a write is acknowledged: `'sync'` (default) once it survives a power cut, `'os'` once it
     * survives the process, `'batched'` the same, made durable every `flushInterval`.
     */
    durability?: 'sync' | 'os' | 'batched' | undefined;
    /** Milliseconds, for `durability: 'batched'`. Default 2,000. */
    flushInterval?: number | undefined;
    /**
     * How long to wait for other processes, in milliseconds, when the directory is opened or written: then a
     * LockedError names the one that is in the way. 0 does not wait. Default 10,000.
     */
    lockTimeout?: number | undefined;
    /**
     * Whether to keep other processes out. Also allows a network file system, which is refused otherwise.
     * Default false.
     */
    exclusive?: boolean | undefined;
    /**
     * Whether to change nothing on disk. Such a store follows those who write, and its own writes are an
     * AssertionError. The directory must exist, and need not be writable. Default false.
     */
    readOnly?: boolean | undefined;
    /** The permissions of directories that are made, less the umask. Default 0o700. */
    directoryMode?: number | undefined;
    /** The permissions of files that are made, less the umask; existing ones keep theirs. Default 0o600. */
    fileMode?: number | undefined;
    /** How many documents are kept parsed, the least recently used go first. Default 10,000. */
    cache?: boolean | { maxDocuments?: number | undefined } | undefined;
    /** Where to read and write files instead of the real file system. There is no journal then. */
    fileSystem?: FileSystem | undefined;
}

/** The options of a {@link Datastore}: of its own engine, or with an engine. */
export type DatastoreOptions<M extends Missing = Missing> = CommonOptions<M> & (
    | (EngineOptions & { db?: undefined })
    | (Partial<EngineOptions> & {
        /** An engine to use: a {@link DatastoreEngine}, or any object with these methods. */
        db: Engine;
    })
);

interface CommonOptions<M extends Missing> {
    /** What `getItem` does where there is no document: `'throw'` (default) a NotFoundError, or `'null'`. */
    missing?: M | undefined;
    /** Who makes the updates of one key queue up. Default: a {@link LockingQueue} of its own. */
    lockingQueue?: Locks | undefined;
}

/** A page of a range. */
export interface PageOptions {
    /** From the highest key down. The bounds may come in either order then. Default false. */
    descending?: boolean | undefined;
    /** The index inside the range where the page begins. null, as after a last page, counts as 0. */
    inclusiveStartIndex?: number | null | undefined;
    /** Another name of `inclusiveStartIndex`. */
    offset?: number | null | undefined;
    /** The most items on the page: 1 or more, or Infinity. Default 10. */
    limit?: number | undefined;
    /** Whether items come with their documents. Default false. */
    includeDocuments?: boolean | undefined;
}

/** A range of document keys; bounds are inclusive. */
export interface KeyRange {
    startKey?: Key | undefined;
    endKey?: Key | undefined;
    /** This key only, whatever the bounds are. */
    key?: Key | undefined;
}

/** The options of `queryKeys`. */
export interface KeyQueryOptions extends KeyRange, PageOptions {}

/** The options of `scan`. */
export interface ScanOptions extends KeyRange, Pick<PageOptions, 'descending' | 'includeDocuments'> {}

/**
 * The options of `queryView`. View keys are any JSON value and sort as CouchDB's do: null, false, true,
 * numbers, strings, arrays, objects. Bounds are inclusive.
 */
export interface ViewQueryOptions<K = unknown> extends PageOptions {
    startKey?: K | undefined;
    endKey?: K | undefined;
    /** This key only, whatever the bounds are. */
    key?: K | undefined;
}

/** The documents come with the items. */
export interface WithDocuments {
    includeDocuments: true;
}

/** A page of items. */
export interface Page<Item> {
    items: Item[];
    /** The `inclusiveStartIndex` of the next page, or null at the end. */
    exclusiveEndIndex: number | null;
    /** How many items the whole range has. */
    total: number;
}

/** An item of `queryKeys` and `scan`. */
export interface KeyItem<T extends object = Record<string, unknown>> {
    key: string;
    /** The same as `key`. */
    documentKey: string;
    /** With `includeDocuments`. */
    document?: Stored<T>;
}

/** An item of `queryView`: a row that the view's map function emitted. */
export interface ViewItem<K = unknown, V = unknown, T extends object = Record<string, unknown>> {
    key: K;
    /** undefined after `emit(key)`. */
    value: V;
    /** The key of the document that the row comes from. */
    documentKey: string;
    /** With `includeDocuments`. */
    document?: Stored<T>;
}

/** A view: rows that a function makes of the documents, sorted by their keys. */
export interface View<T extends object = Record<string, unknown>, K = unknown, V = unknown> {
    /**
     * Calls `emit` for each row of a document, as often as it likes, before it returns. A document for
     * which it throws gets no rows.
     */
    map(document: Stored<T>, emit: (key: K, value?: V) => void): void;
}

/** Whether revisions count. */
export interface WriteOptions {
    /** false: whatever is there is overwritten. Default true. */
    checkConsistency?: boolean | undefined;
}

/** A condition on a deletion. */
export interface DeleteOptions {
    /** The revision that the document has to be at. */
    rev?: number | undefined;
}

/** How to load. */
export interface LoadOptions {
    /** Moves files that hold no document to `.datastore/quarantine/` instead of failing. Default false. */
    quarantine?: boolean | undefined;
}

/** One write of a batch. */
export type BatchOperation<T extends object = Record<string, unknown>> =
    | ({ type: 'set'; key: Key; document: Storable<T> } & WriteOptions)
    | ({ type: 'delete'; key: Key } & DeleteOptions);

/** The answer to one write of a batch: the stored document, or the deleted key. */
export type BatchAnswer<O, T extends object> = O extends { type: 'delete' }
    ? string
    : O extends { type: 'set' } ? Stored<T> : Stored<T> | string;

/** A moment in the history of a datastore, as backups note it. */
export interface BackupMoment {
    /** Which history; backups of different datastores never have the same. */
    id: string;
    /** The number of the last write. */
    sequence: number;
}

/** How far a backup or a restore is. */
export interface BackupProgress {
    phase: 'write' | 'verify' | 'read';
    /** So many are done: documents while writing, otherwise bytes of the file. */
    done: number;
    /** Of so many. */
    total: number;
    /** Which file is read, while restoring. */
    path?: string;
}

/** How to wait for a backup, a restore or a check. */
export interface VerifyOptions {
    /** Gives up: the promise rejects with an AbortError, and nothing was written. */
    signal?: AbortSignal | undefined;
    /** Is called often. What it throws ends the work, too. */
    onProgress?: ((progress: BackupProgress) => void) | undefined;
}

/** How to back up. */
export interface BackupOptions extends VerifyOptions {
    /** Only what changed since that backup: its result or its path. Default: everything. */
    since?: string | BackupMoment | null | undefined;
    /** Whether a file that is there already may be replaced. Default false. */
    overwrite?: boolean | undefined;
}

/** A backup that was made. */
export interface BackupResult extends BackupMoment {
    /** Where it is. */
    path: string;
    documents: number;
    /** How many documents are gone since the backup before. */
    deletions: number;
    /** The size of the file. */
    bytes: number;
    /** The backup that this one continues; null for a full one. */
    since: BackupMoment | null;
}

/** What a backup holds. */
export interface BackupContents extends BackupResult {
    /** Of the format. */
    version: number;
    /** The version of kixx-datastore that made it. */
    package: string;
    /** When, as an ISO date. */
    created: string;
    /** Of all lines but the last one, in hexadecimal digits. */
    sha256: string;
}

/** How to restore. */
export interface RestoreOptions extends VerifyOptions {
    /** What to do with documents that are there already. Default: `'error'`. */
    conflict?: 'error' | 'skip' | 'overwrite' | undefined;
}

/** What was restored, and which moment. */
export interface RestoreResult extends BackupMoment {
    /** How many documents were written. */
    documents: number;
    /** How many were there already, with `conflict: 'skip'`. */
    skipped: number;
}

/**
 * Reads a backup to its end and checks everything.
 *
 * @throws {CorruptError} saying what is damaged, and where
 * @throws {StorageError} when the file cannot be read
 */
export function verifyBackup(path: string, options?: VerifyOptions): Promise<BackupContents>;

/** Figures about a store. There may be more of them. */
export interface Stats {
    /** How many documents there are. */
    documents: number;
    /** How many of them are in the journal and not yet in their JSON files. */
    backlog: number;
    /** Why files could not be brought up to date, if so. It is tried again; the journal has everything. */
    checkpointFailure: string | null;
    /** How many of them the document cache holds. */
    cachedDocuments: number;
    /** By the ids of the views that this datastore has registered. */
    views: Record<string, ViewStats>;
    [figure: string]: unknown;
}

/** Figures about a view. */
export interface ViewStats {
    /** How many rows it has. */
    rows: number;
    /** For how many documents its map function threw. */
    failures: number;
    /** The first of them. */
    failed: { key: string; message: string }[];
    [figure: string]: unknown;
}

/** A document, or that there is none. */
export interface EngineItem<T extends object = Record<string, unknown>> {
    key: string;
    document: Stored<T> | null;
}

/**
 * What an injected `db` has to have. The datastore makes the checks and counts the revisions, so
 * `setItem` stores a document with the `_rev` that it brings. Answers may be promises.
 */
export interface Engine {
    loadDocuments?(): unknown;
    getItem(key: string): EngineItem<any> | Promise<EngineItem<any>>;
    setItem(key: string, document: any): unknown;
    deleteItem(key: string): unknown;
    queryKeys(options: any): Omit<Page<any>, 'total'> | Promise<Omit<Page<any>, 'total'>>;
    queryView(id: string, options: any): Omit<Page<any>, 'total'> | Promise<Omit<Page<any>, 'total'>>;
    setView?(id: string, view: View<any, any, any>): unknown;
    hasView?(id: string): boolean;
    deleteView?(id: string): boolean;
    flush?(): unknown;
    close?(): unknown;
}

/** What an injected `lockingQueue` has to have. */
export interface Locks {
    /** Resolves once the caller holds the lock of a key. */
    getLock(key: string): Promise<unknown>;
    /** Hands the lock to the next in line. */
    releaseLock(key: string): unknown;
}

/** What an injected `fileSystem` has to have. A file is named `encodeURIComponent(key) + '.json'`. */
export interface FileSystem {
    /** The files of a directory, as names or paths. */
    readDocumentDirectory(directory: string): Promise<string[]>;
    /** The parsed document of a file; null where there is none. */
    readDocumentFile(path: string): Promise<any>;
    writeDocumentFile(path: string, document: any): Promise<unknown>;
    removeDocumentFile(path: string): Promise<unknown>;
}

/**
 * A document datastore: JSON documents by key, each with a revision, in plain files. Every document that
 * comes out is a fresh copy. Bad arguments reject with an {@link AssertionError}. Every call before
 * `load()` loads first; every call after `close()` rejects with a {@link ClosedError}.
 *
 * @typeParam T what the documents are; single calls may name another type
 * @typeParam M `'null'` for a datastore with the option `missing: 'null'`
 */
export class Datastore<T extends object = Record<string, unknown>, M extends Missing = 'throw'> {
    /**
     * Touches no disk.
     *
     * @throws {AssertionError} for an option that is missing or unusable
     */
    constructor(options: DatastoreOptions<M>);

    /** The engine underneath; its reads answer at once. With an injected `db`, that one. */
    get _db(): DatastoreEngine<T>;

    /**
     * Reads all documents. Resolves with the datastore.
     *
     * @throws {CorruptError} naming every file that holds no document
     * @throws {LockedError} when another process does not let us open the directory
     */
    load(options?: LoadOptions): Promise<this>;

    /**
     * The document with its `_rev`.
     *
     * @throws {NotFoundError} where there is none, unless the option `missing` is `'null'`
     */
    getItem<D extends object = T>(key: Key): Promise<Stored<D> | (M extends 'null' ? null : never)>;

    /** The documents of several keys at one moment, in their order, null where there is none. */
    getItems<D extends object = T>(keys: readonly Key[]): Promise<(Stored<D> | null)[]>;

    /** Whether there is a document. */
    hasItem(key: Key): Promise<boolean>;

    /**
     * Stores a document. Resolves with it and its new `_rev`: 0 for a new one, else one more than before.
     *
     * @throws {ConflictError} when the document brings a `_rev` which is not the current one
     */
    setItem<D extends object = T>(
        key: Key,
        document: Storable<D>,
        options?: WriteOptions
    ): Promise<Stored<D>>;

    /**
     * Stores a document where there is none.
     *
     * @throws {ConflictError} when there is one
     */
    insertItem<D extends object = T>(key: Key, document: Storable<D>): Promise<Stored<D>>;

    /**
     * Stores what `update` makes of the document, or of null. Updates of one key queue up, so inside
     * `update` do not wait for another update of the same key. An error of `update` comes out as it is,
     * and nothing is stored.
     *
     * @throws {ConflictError} when `update` returns another `_rev` than the current one, or when somebody
     *     else changed the document meanwhile
     */
    updateItem<D extends object = T>(
        key: Key,
        update: (document: Stored<D> | null) => Storable<D> | Promise<Storable<D>>,
        options?: WriteOptions
    ): Promise<Stored<D>>;

    /**
     * Removes a document. Resolves with the key, also when there was none.
     *
     * @throws {ConflictError} when `rev` is given and the document is not at that revision
     */
    deleteItem(key: Key, options?: DeleteOptions): Promise<string>;

    /**
     * Several writes, all of them or none. Resolves with one answer per operation.
     *
     * @throws {ConflictError} naming the key
     */
    batch<const O extends readonly BatchOperation<T>[]>(
        operations: O
    ): Promise<{ -readonly [I in keyof O]: BatchAnswer<O[I], T> }>;

    /** A page of keys. Costs the same at any offset. */
    queryKeys<D extends object = T>(
        options: KeyQueryOptions & WithDocuments
    ): Promise<Page<Required<KeyItem<D>>>>;
    queryKeys<D extends object = T>(options?: KeyQueryOptions): Promise<Page<KeyItem<D>>>;

    /**
     * A page of the rows of a view, which sees every write acknowledged before.
     *
     * @throws {AssertionError} when there is no such view
     */
    queryView<K = unknown, V = unknown, D extends object = T>(
        id: string,
        options: ViewQueryOptions<K> & WithDocuments
    ): Promise<Page<Required<ViewItem<K, V, D>>>>;
    queryView<K = unknown, V = unknown, D extends object = T>(
        id: string,
        options?: ViewQueryOptions<K>
    ): Promise<Page<ViewItem<K, V, D>>>;

    /** Iterates over a range of keys as it is when the iteration begins, whatever is written meanwhile. */
    scan<D extends object = T>(
        options: ScanOptions & WithDocuments
    ): AsyncIterableIterator<Required<KeyItem<D>>>;
    scan<D extends object = T>(options?: ScanOptions): AsyncIterableIterator<KeyItem<D>>;

    /**
     * Writes all documents, as they are at one moment, into one file, and checks it. Until that is done there
     * is no file at `path`. Writes go on meanwhile.
     *
     * @throws {TooOldError} when it is not known any more what changed since the backup `since`
     * @throws {AssertionError} when there is a file at `path`, unless `overwrite` is true
     * @throws {StorageError} when the file cannot be written
     */
    backup(path: string, options?: BackupOptions): Promise<BackupResult>;

    /**
     * Writes the documents of a backup, or of a full one and its increments in their order: all of them or
     * none, with the revisions that they had. Other documents stay.
     *
     * @throws {ConflictError} naming documents that are there already, unless `conflict` says what to do
     * @throws {CorruptError} when a backup is damaged
     * @throws {AssertionError} when the backups do not belong together, or are too large for one write
     */
    restore(path: string | readonly string[], options?: RestoreOptions): Promise<RestoreResult>;

    /** Registers a view, or replaces the one with the same id. Also before the documents are loaded. */
    setView<D extends object = T, K = any, V = any>(id: string, view: View<D, K, V>): void;

    /** Whether a view is registered. */
    hasView(id: string): boolean;

    /** Removes a view; answers whether there was one. */
    deleteView(id: string): boolean;

    /** Resolves once everything acknowledged would survive a power cut. */
    flush(): Promise<void>;

    /** Figures about the store. */
    stats(): Promise<Stats>;

    /** Waits for pending writes and lets the directory go. May be called again. */
    close(): Promise<void>;

    /** The same as `close()`, for `await using`. */
    [Symbol.asyncDispose](): Promise<void>;
}

/**
 * The engine under a {@link Datastore}. Its reads answer at once, and throw an {@link AssertionError}
 * before the documents are loaded. It checks no revisions.
 */
export class DatastoreEngine<T extends object = Record<string, unknown>> {
    /**
     * Touches no disk.
     *
     * @throws {AssertionError} for an option that is missing or unusable
     */
    constructor(options: EngineOptions);

    /** Reads all documents. Resolves with the engine. */
    loadDocuments(options?: LoadOptions): Promise<this>;

    /** A fresh copy of the document, or null. */
    getItem<D extends object = T>(key: Key): EngineItem<D>;

    /** Whether there is a document. */
    hasItem(key: Key): boolean;

    /** Stores a document at the revision that it brings, whatever was there; at the next one without. */
    setItem<D extends object = T>(
        key: Key,
        document: Storable<D>
    ): Promise<{ key: string; document: Stored<D> }>;

    /** Removes a document, if there is one. */
    deleteItem(key: Key): Promise<{ key: string }>;

    /** A page of keys. */
    queryKeys<D extends object = T>(options: KeyQueryOptions & WithDocuments): Page<Required<KeyItem<D>>>;
    queryKeys<D extends object = T>(options?: KeyQueryOptions): Page<KeyItem<D>>;

    /** A page of the rows of a view, which is brought up to date first. */
    queryView<K = unknown, V = unknown, D extends object = T>(
        id: string,
        options: ViewQueryOptions<K> & WithDocuments
    ): Page<Required<ViewItem<K, V, D>>>;
    queryView<K = unknown, V = unknown, D extends object = T>(
        id: string,
        options?: ViewQueryOptions<K>
    ): Page<ViewItem<K, V, D>>;

    /** Registers a view, or replaces the one with the same id. Also before the documents are loaded. */
    setView<D extends object = T, K = any, V = any>(id: string, view: View<D, K, V>): void;

    /** Whether a view is registered. */
    hasView(id: string): boolean;

    /** Removes a view; answers whether there was one. */
    deleteView(id: string): boolean;

    /** Resolves once everything acknowledged would survive a power cut. */
    flush(): Promise<void>;

    /** Waits for pending writes and lets the directory go. May be called again. */
    close(): Promise<void>;

    /** The same as `close()`, for `await using`. */
    [Symbol.asyncDispose](): Promise<void>;
}

/** Mutual exclusion per key: whoever asks first goes first. */
export class LockingQueue {
    /** Resolves once the caller holds the lock. Locks of different keys are independent. */
    getLock(key?: Key): Promise<void>;

    /**
     * Hands the lock to the next in line.
     *
     * @throws {AssertionError} when nobody holds it
     */
    releaseLock(key?: Key): void;
}

/** What the errors carry besides their message. */
export interface ErrorDetails {
    key?: string | undefined;
    expected?: string | undefined;
    cause?: unknown;
}

/** What all errors of this package have in common. Codes never change; messages may. */
export class DatastoreError extends Error {
    static readonly CODE: string;
    constructor(message: string, details?: ErrorDetails);
    readonly code: string;
    /** The key of the document that the error is about, where it fits. */
    readonly key?: string;
    /** What was expected, in a few words, where it fits. */
    readonly expected?: string;
}

/** There is no such document. */
export class NotFoundError extends DatastoreError {
    static readonly CODE: 'NOT_FOUND';
    readonly code: 'NOT_FOUND';
}

/** The document is not at the expected revision: read it again and retry. */
export class ConflictError extends DatastoreError {
    static readonly CODE: 'CONFLICT';
    readonly code: 'CONFLICT';
}

/** A mistake of the caller: a bad key, document or option. */
export class AssertionError extends DatastoreError {
    static readonly CODE: 'ASSERTION';
    readonly code: 'ASSERTION';
}

/** The datastore is closed. */
export class ClosedError extends DatastoreError {
    static readonly CODE: 'CLOSED';
    readonly code: 'CLOSED';
}

/** Another process did not let us open or write for `lockTimeout`; the message names its id. */
export class LockedError extends DatastoreError {
    static readonly CODE: 'LOCKED';
    readonly code: 'LOCKED';
}

/** Files on disk are damaged. Nothing was changed. */
export class CorruptError extends DatastoreError {
    static readonly CODE: 'CORRUPT';
    readonly code: 'CORRUPT';
}

/** The file system failed; `cause` tells how. */
export class StorageError extends DatastoreError {
    static readonly CODE: 'STORAGE';
    readonly code: 'STORAGE';
}

/** It is not known any more what changed since that backup: make a full one. */
export class TooOldError extends DatastoreError {
    static readonly CODE: 'TOO_OLD';
    readonly code: 'TOO_OLD';
}
