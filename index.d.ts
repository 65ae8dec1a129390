/// <reference lib="esnext.disposable" />

import type {
    DocumentAt, DocumentOf, KeyedStore, KeyOf, Kind, kind, Known, PlainStore, UntypedStore,
} from './types/keyed.js';
import type { HasStats } from './types/observability.js';
import type {
    Emit, EmittedKey, EmittedValue, UntypedViewId, UntypedViews, ViewBound, ViewKey, ViewTypes, ViewValue,
} from './types/views.js';

export {
    Distributor, KeyValueStore,
    type Backend, type DiskStoreOptions, type DistributorOptions, type DistributorStats, type Entries,
    type EntriesOptions, type ExpiryOptions, type KeyValue, type Lock, type LockOptions,
    type MemoryStoreOptions, type PrefixOptions, type StoreChange, type StoreMemory, type StoreStats,
    type Transaction, type TransactionOptions, type Watch,
} from './types/key-value.js';
export type { Keyed } from './types/keyed.js';
export type {
    CallMessage, CheckpointMessage, CommitMessage, ConflictMessage, SlowCallMessage,
} from './types/observability.js';
export type { Emit, ViewBound } from './types/views.js';

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

/** What `getItem` may answer besides a document. */
type NothingOf<M extends Missing> = M extends 'null' ? null : never;

/** What `updateItem` calls. */
export type Update<T> = (document: Stored<T> | null) => Storable<T> | Promise<Storable<T>>;

/** Where the documents live. */
type Place =
    | {
        /**
         * In which form a directory has the documents. `'files'` (default): a JSON file each, and all of them
         * in memory. `'disk'`: one B-tree file, `data.redb`, which may be larger than memory. A directory has
         * one form; {@link convert} changes it.
         */
        storage?: 'files' | undefined;
        /** The directory of the documents. It is created if it is missing. */
        directory: string;
        /**
         * Whether to change nothing on disk. Such a store follows those who write, and its own writes are an
         * AssertionError. The directory must exist, and need not be writable. Default false.
         */
        readOnly?: boolean | undefined;
        /** Where to read and write files instead of the real file system. There is no journal then. */
        fileSystem?: FileSystem | undefined;
    }
    | {
        storage: 'disk';
        /** The directory of the documents. It is created if it is missing. */
        directory: string;
        readOnly?: false | undefined;
        fileSystem?: undefined;
    }
    | {
        /** `'memory'`: nothing is kept, and nobody else sees it. */
        storage: 'memory';
        directory?: undefined;
        readOnly?: boolean | undefined;
        fileSystem?: undefined;
    };

/** Where the documents live and how. */
export type EngineOptions = Place & EngineSettings;

/** How the documents are kept. */
interface EngineSettings {
    /**
     * How many bytes of the data file are kept in memory, with `storage: 'disk'`. At least 1 MiB. Default
     * 64 MiB.
     */
    cacheSize?: number | undefined;
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
    /** The permissions of directories that are made, less the umask. Default 0o700. */
    directoryMode?: number | undefined;
    /** The permissions of files that are made, less the umask; existing ones keep theirs. Default 0o600. */
    fileMode?: number | undefined;
    /**
     * Calls that take so many milliseconds are told to who listens to the diagnostics channel
     * `kixx-datastore:slow-call`. 0 for all of them. Default 100.
     */
    slowCallThreshold?: number | undefined;
    /** How many documents are kept parsed, the least recently used go first. Default 10,000. */
    cache?: boolean | { maxDocuments?: number | undefined } | undefined;
}

/** The options of a {@link Datastore}: of its own engine, or with an engine. */
export type DatastoreOptions<M extends Missing = Missing> = CommonOptions<M> & (
    | (EngineOptions & { db?: undefined })
    | (Partial<EngineOptions> & {
        /** An engine to use: a {@link DatastoreEngine}, or any object with these methods. */
        db: Engine;
    })
);

/** The options that do not depend on the engine. */
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
    /** The lowest key. Default: from the first one. */
    startKey?: Key | undefined;
    /** The highest key; `prefix + '\uffff'` ends what begins with a prefix. Default: to the last one. */
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
    /** The lowest key. Default: from the first row. */
    startKey?: ViewBound<K> | undefined;
    /** The highest key. Default: to the last row. */
    endKey?: ViewBound<K> | undefined;
    /** This key only, whatever the bounds are. */
    key?: K | undefined;
}

/** The documents come with the items. */
export interface WithDocuments {
    /** Each item has its `document`. */
    includeDocuments: true;
}

/** A page of items. */
export interface Page<Item> {
    /** In the order of the keys, at most `limit` of them. */
    items: Item[];
    /** The `inclusiveStartIndex` of the next page, or null at the end. */
    exclusiveEndIndex: number | null;
    /** How many items the whole range has. */
    total: number;
}

/** An item of `queryKeys` and `scan`. */
export interface KeyItem<T extends object = Record<string, unknown>> {
    /** Of the document. */
    key: string;
    /** The same as `key`. */
    documentKey: string;
    /** With `includeDocuments`. */
    document?: Stored<T>;
}

/** An item of `queryView`: a row that the view's map function emitted. */
export interface ViewItem<K = unknown, V = unknown, T extends object = Record<string, unknown>> {
    /** What `emit` was given. */
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
    map(document: Stored<T>, emit: Emit<K, V>): void;
    /**
     * With storage `'disk'` the rows are kept when the datastore is closed, for a map function with the same
     * version; without one, for a map function with the same source text. Give a version where the function
     * uses something from outside.
     */
    version?: string | number | undefined;
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

/** An operation of a batch where keys decide what documents are. */
interface KeyedOperation {
    type: 'set' | 'delete';
    key: Key;
    document?: object;
}

/** What an operation must be, as its key has it. */
type OperationAt<T extends object, O extends KeyedOperation> = { key: Known<T, O['key']> } & (
    O['type'] extends 'delete'
        ? Extract<BatchOperation, { type: 'delete' }>
        : BatchOperation<DocumentAt<T, O['key']>>
);

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
    /** A backup is written, then verified; a restore, or a check, reads. */
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
    /** How many documents are in it. */
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
    /** Where the documents are; `':memory:'` with storage `'memory'`. */
    directory?: string;
    /** How many documents there are. */
    documents: number;
    /**
     * How many of them are in the journal and not yet in their JSON files. With storage `'disk'`: how many
     * entries are not yet in the data file, rows of views too.
     */
    backlog: number;
    /** Why files could not be brought up to date, if so. It is tried again; the journal has everything. */
    checkpointFailure: string | null;
    /** How many writes this process committed since it opened the directory; a batch is one. */
    commits?: number;
    /** How many writes it refused with a {@link ConflictError}. */
    conflicts?: number;
    /** How many bytes of commits it wrote to the journal. */
    journalBytesWritten?: number;
    /** How often it brought files up to date, */
    checkpoints?: number;
    /** how often that failed, */
    checkpointFailures?: number;
    /** how many documents it wrote to their files, */
    checkpointedDocuments?: number;
    /** and how long all that took. */
    checkpointSeconds?: number;
    /**
     * What takes memory, in bytes: the texts of the documents, their keys with the tree that finds them, the
     * rows of the views of this datastore, and (reckoned) the document cache.
     */
    memory?: { documents: number; keys: number; views: number; cache: number };
    /** How many of the documents the document cache holds. */
    cachedDocuments: number;
    /** How many documents it did not have when they were read. */
    cacheMisses: number;
    /** By the ids of the views that this datastore has registered. */
    views: Record<string, ViewStats>;
    /** Figures that later versions add. */
    [figure: string]: unknown;
}

/** Figures about a view. */
export interface ViewStats {
    /** How many rows it has. */
    rows: number;
    /**
     * While a query has it brought up to date: how many documents are mapped of those that have to be. null
     * when nothing is on the way. Not with an injected `fileSystem` or `db`.
     */
    building?: ViewBuilding | null;
    /** For how many documents its map function threw. */
    failures: number;
    /** The first of them. */
    failed: { key: string; message: string }[];
    /** Figures that later versions add. */
    [figure: string]: unknown;
}

/** How far a view has come on its way to the newest commit. */
export interface ViewBuilding {
    /** Documents whose rows are stored, or that need none. */
    mapped: number;
    /** All documents that have to be looked at: those that changed, or all. */
    total: number;
}

/** A document, or that there is none. */
export interface EngineItem<T extends object = Record<string, unknown>> {
    /** As it was asked for, as a string. */
    key: string;
    /** null where there is none. */
    document: Stored<T> | null;
}

/**
 * What an injected `db` has to have. The datastore makes the checks and counts the revisions, so
 * `setItem` stores a document with the `_rev` that it brings. Answers may be promises.
 */
export interface Engine {
    /** Called once, before everything else. */
    loadDocuments?(): unknown;
    /** The document, or null. */
    getItem(key: string): EngineItem<any> | Promise<EngineItem<any>>;
    /** Stores the document with its `_rev`. */
    setItem(key: string, document: any): unknown;
    /** Removes the document, if there is one. */
    deleteItem(key: string): unknown;
    /** A page of keys, for {@link KeyQueryOptions}. */
    queryKeys(options: any): Omit<Page<any>, 'total'> | Promise<Omit<Page<any>, 'total'>>;
    /** A page of rows, for {@link ViewQueryOptions}. */
    queryView(id: string, options: any): Omit<Page<any>, 'total'> | Promise<Omit<Page<any>, 'total'>>;
    /** Without it `setView` of the datastore is an {@link AssertionError}; so it is with the next two. */
    setView?(id: string, view: View<any, any, any>): unknown;
    /** Whether a view is registered. */
    hasView?(id: string): boolean;
    /** Removes a view; answers whether there was one. */
    deleteView?(id: string): boolean;
    /** What `flush` of the datastore does, if anything. */
    flush?(): unknown;
    /** Called once, at the end. */
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
    /** Writes the document as JSON, best as a whole or not at all. */
    writeDocumentFile(path: string, document: any): Promise<unknown>;
    /** Removes the file, which is there. */
    removeDocumentFile(path: string): Promise<unknown>;
}

/**
 * A document datastore: JSON documents by key, each with a revision, in plain files. Every document that
 * comes out is a fresh copy. Bad arguments reject with an {@link AssertionError}. Every call before
 * `load()` loads first; every call after `close()` rejects with a {@link ClosedError}.
 *
 * A write that rejects has stored nothing. Besides what is said below it rejects with a {@link StorageError}
 * when the file system fails, with a {@link LockedError} when another process does not let us write for
 * `lockTimeout`, and with an {@link AssertionError} where the document is no JSON data, or too large, or the
 * store is `readOnly`.
 *
 * @typeParam T what the documents are, or {@link Keyed} where their keys decide; without, single calls may
 *     name a type
 * @typeParam V what the views emit, by their ids: `{ byTag: { key: string; value: number } }`
 * @typeParam M `'null'` for a datastore with the option `missing: 'null'`
 */
export class Datastore<
    T extends object = Record<string, unknown>,
    V extends ViewTypes<V> = UntypedViews,
    M extends Missing = 'throw',
> {
    /** Not there at runtime. */
    readonly [kind]?: Kind<T>;

    /**
     * Touches no disk.
     *
     * @throws {AssertionError} for an option that is missing or unusable
     */
    constructor(options: DatastoreOptions<M>);

    /** The engine underneath; its reads answer at once. With an injected `db`, that one. */
    get _db(): DatastoreEngine<DocumentOf<T>>;

    /**
     * Reads all documents, and the journal that a crash may have left. Resolves with the datastore. Once
     * loaded, calling it again does nothing; after a failure it tries again.
     *
     * @throws {CorruptError} naming every file that holds no document, or what is wrong with the journal
     * @throws {LockedError} when another process does not let us open the directory for `lockTimeout`
     * @throws {StorageError} when the directory cannot be made or read
     */
    load(options?: LoadOptions): Promise<this>;

    /**
     * The document with its `_rev`.
     *
     * @throws {NotFoundError} where there is none, unless the option `missing` is `'null'`
     */
    getItem<const K extends Key>(
        this: KeyedStore,
        key: K & Known<T, K>
    ): Promise<Stored<DocumentAt<T, K>> | NothingOf<M>>;
    getItem<D extends object = T>(this: PlainStore, key: Key): Promise<Stored<D> | NothingOf<M>>;

    /** The documents of several keys at one moment, in their order, null where there is none. */
    getItems<const K extends readonly Key[]>(
        this: KeyedStore,
        keys: K & { readonly [I in keyof K]: Known<T, K[I]> }
    ): Promise<{ -readonly [I in keyof K]: Stored<DocumentAt<T, K[I]>> | null }>;
    getItems<D extends object = T>(this: PlainStore, keys: readonly Key[]): Promise<(Stored<D> | null)[]>;

    /** Whether there is a document. Reads no document. */
    hasItem<const K extends Key>(key: K & Known<T, K>): Promise<boolean>;

    /**
     * Stores a document. Resolves with a copy and its new `_rev`: 0 for a new one, else one more than before.
     * A document without `_rev` replaces whatever is there.
     *
     * @throws {ConflictError} when the document brings a `_rev`, and there is one at another revision
     * @throws {AssertionError} when it is no plain object of JSON data, naming the place
     */
    setItem<const K extends Key>(
        this: KeyedStore,
        key: K & Known<T, K>,
        document: Storable<DocumentAt<T, K>>,
        options?: WriteOptions
    ): Promise<Stored<DocumentAt<T, K>>>;
    setItem<D extends object>(
        this: UntypedStore,
        key: Key,
        document: Storable<D>,
        options?: WriteOptions
    ): Promise<Stored<D>>;
    setItem<D extends object = T>(
        this: PlainStore,
        key: Key,
        document: Storable<NoInfer<D>>,
        options?: WriteOptions
    ): Promise<Stored<D>>;

    /**
     * Stores a document where there is none. Resolves with a copy at `_rev` 0.
     *
     * @throws {ConflictError} when there is one
     */
    insertItem<const K extends Key>(
        this: KeyedStore,
        key: K & Known<T, K>,
        document: Storable<DocumentAt<T, K>>
    ): Promise<Stored<DocumentAt<T, K>>>;
    insertItem<D extends object>(this: UntypedStore, key: Key, document: Storable<D>): Promise<Stored<D>>;
    insertItem<D extends object = T>(
        this: PlainStore,
        key: Key,
        document: Storable<NoInfer<D>>
    ): Promise<Stored<D>>;

    /**
     * Stores what `update` makes of the document, or of null. Resolves with a copy and its new `_rev`.
     * Updates of one key queue up, so inside `update` do not wait for another update of the same key. An
     * error of `update` comes out as it is, and nothing is stored.
     *
     * @throws {ConflictError} when `update` returns another `_rev` than the current one, or when somebody
     *     else changed the document meanwhile: call it again
     * @throws {AssertionError} when what it returns is no plain object of JSON data
     */
    updateItem<const K extends Key>(
        this: KeyedStore,
        key: K & Known<T, K>,
        update: Update<DocumentAt<T, K>>,
        options?: WriteOptions
    ): Promise<Stored<DocumentAt<T, K>>>;
    updateItem<D extends object = T>(
        this: UntypedStore,
        key: Key,
        update: Update<D>,
        options?: WriteOptions
    ): Promise<Stored<D>>;
    updateItem<D extends object = T>(
        this: PlainStore,
        key: Key,
        update: Update<NoInfer<D>>,
        options?: WriteOptions
    ): Promise<Stored<D>>;

    /**
     * Removes a document. Resolves with the key, also when there was none.
     *
     * @throws {ConflictError} when `rev` is given and the document is not at that revision, or not there
     */
    deleteItem<const K extends Key>(key: K & Known<T, K>, options?: DeleteOptions): Promise<string>;

    /**
     * Several writes, all of them or none, also across a crash. Resolves with one answer per operation: the
     * stored document, or the deleted key. They are made in order, so one sees those before it.
     *
     * @throws {ConflictError} naming the key of the first that another revision stands against
     * @throws {AssertionError} naming the operation, as in `operations[0].key`
     */
    batch<const O extends readonly KeyedOperation[]>(
        this: KeyedStore,
        operations: O & { readonly [I in keyof O]: OperationAt<T, O[I]> }
    ): Promise<{ -readonly [I in keyof O]: BatchAnswer<O[I], DocumentAt<T, O[I]['key']>> }>;
    batch<const O extends readonly BatchOperation<T>[]>(
        this: PlainStore,
        operations: O
    ): Promise<{ -readonly [I in keyof O]: BatchAnswer<O[I], T> }>;

    /**
     * A page of the documents of a key range, sorted by UTF-16 code unit as JavaScript compares strings.
     * Costs the same at any offset.
     */
    queryKeys<D extends object = DocumentOf<T>>(
        this: KeyedStore,
        options: KeyQueryOptions & WithDocuments
    ): Promise<Page<Required<KeyItem<D>>>>;
    queryKeys<D extends object = DocumentOf<T>>(
        this: KeyedStore,
        options?: KeyQueryOptions
    ): Promise<Page<KeyItem<D>>>;
    queryKeys<D extends object = T>(
        this: PlainStore,
        options: KeyQueryOptions & WithDocuments
    ): Promise<Page<Required<KeyItem<D>>>>;
    queryKeys<D extends object = T>(this: PlainStore, options?: KeyQueryOptions): Promise<Page<KeyItem<D>>>;

    /**
     * A page of the rows of a view, which sees every write acknowledged before. The first query maps all
     * documents, later ones those that changed.
     *
     * @throws {AssertionError} when there is no such view
     */
    queryView<I extends keyof V & string>(
        this: KeyedStore,
        id: I,
        options: ViewQueryOptions<ViewKey<V, I>> & WithDocuments
    ): Promise<Page<Required<ViewItem<ViewKey<V, I>, ViewValue<V, I>, DocumentOf<T>>>>>;
    queryView<I extends keyof V & string>(
        this: KeyedStore,
        id: I,
        options?: ViewQueryOptions<ViewKey<V, I>>
    ): Promise<Page<ViewItem<ViewKey<V, I>, ViewValue<V, I>, DocumentOf<T>>>>;
    queryView<I extends keyof V & string>(
        this: PlainStore,
        id: I,
        options: ViewQueryOptions<ViewKey<V, I>> & WithDocuments
    ): Promise<Page<Required<ViewItem<ViewKey<V, I>, ViewValue<V, I>, T>>>>;
    queryView<I extends keyof V & string>(
        this: PlainStore,
        id: I,
        options?: ViewQueryOptions<ViewKey<V, I>>
    ): Promise<Page<ViewItem<ViewKey<V, I>, ViewValue<V, I>, T>>>;
    queryView<K = unknown, W = unknown, D extends object = T>(
        id: UntypedViewId<V>,
        options: ViewQueryOptions<K> & WithDocuments
    ): Promise<Page<Required<ViewItem<K, W, D>>>>;
    queryView<K = unknown, W = unknown, D extends object = T>(
        id: UntypedViewId<V>,
        options?: ViewQueryOptions<K>
    ): Promise<Page<ViewItem<K, W, D>>>;

    /**
     * Iterates over a range of keys as it is when the iteration begins, whatever is written meanwhile, also
     * past `close()`. Takes little memory. Stop early by leaving the loop.
     *
     * @throws {AssertionError} at the first step, for options that only pages have
     */
    scan<D extends object = DocumentOf<T>>(
        this: KeyedStore,
        options: ScanOptions & WithDocuments
    ): AsyncIterableIterator<Required<KeyItem<D>>>;
    scan<D extends object = DocumentOf<T>>(
        this: KeyedStore,
        options?: ScanOptions
    ): AsyncIterableIterator<KeyItem<D>>;
    scan<D extends object = T>(
        this: PlainStore,
        options: ScanOptions & WithDocuments
    ): AsyncIterableIterator<Required<KeyItem<D>>>;
    scan<D extends object = T>(this: PlainStore, options?: ScanOptions): AsyncIterableIterator<KeyItem<D>>;

    /**
     * Writes all documents, as they are at one moment, into one file, and checks it. Until that is done there
     * is no file at `path`. Writes go on meanwhile.
     *
     * @throws {TooOldError} when it is not known any more what changed since the backup `since`
     * @throws {AssertionError} when there is a file at `path`, unless `overwrite` is true
     * @throws {StorageError} when the file cannot be written
     * @throws {CorruptError} when it does not read back as it was written
     */
    backup(path: string, options?: BackupOptions): Promise<BackupResult>;

    /**
     * Writes the documents of a backup, or of a full one and its increments in their order: all of them or
     * none, with the revisions that they had. Other documents stay.
     *
     * @throws {ConflictError} naming documents that are there already, unless `conflict` says what to do
     * @throws {CorruptError} when a backup is damaged
     * @throws {StorageError} when a backup cannot be read
     * @throws {AssertionError} when the backups do not belong together, or are too large for one write
     */
    restore(path: string | readonly string[], options?: RestoreOptions): Promise<RestoreResult>;

    /**
     * Registers a view, or replaces the one with the same id. Also before the documents are loaded. Views are
     * not stored: register them after every start.
     *
     * @throws {AssertionError} at once, for an id that is no string or empty, or a view without `map`
     */
    setView<I extends keyof V & string, D extends object = DocumentOf<T>>(
        this: KeyedStore,
        id: I,
        view: View<D, EmittedKey<V, I>, EmittedValue<V, I>>
    ): void;
    setView<I extends keyof V & string, D extends object = T>(
        this: PlainStore,
        id: I,
        view: View<D, EmittedKey<V, I>, EmittedValue<V, I>>
    ): void;

    /** Whether a view is registered. */
    hasView(id: keyof V & string): boolean;

    /** Removes a view; answers whether there was one. */
    deleteView(id: keyof V & string): boolean;

    /** Resolves once everything acknowledged would survive a power cut. */
    flush(): Promise<void>;

    /** Figures about the store: documents, writes, checkpoints, memory, views. */
    stats(): Promise<Stats>;

    /**
     * Waits for pending writes, writes what JSON files do not hold yet, and lets the directory go. May be
     * called again.
     *
     * @throws {StorageError} when files cannot be written; the journal still has everything
     */
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

    /** Reads all documents. Resolves with the engine, and rejects as `load` of {@link Datastore} does. */
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

    /** A page of the documents of a key range. */
    queryKeys<D extends object = T>(options: KeyQueryOptions & WithDocuments): Page<Required<KeyItem<D>>>;
    queryKeys<D extends object = T>(options?: KeyQueryOptions): Page<KeyItem<D>>;

    /**
     * A page of the rows of a view, which is brought up to date first, before the call returns.
     *
     * @throws {AssertionError} when there is no such view
     */
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

/**
 * The figures of `stats()` in the text format of Prometheus, of one datastore or of several.
 *
 * @throws {AssertionError} for what is no datastore
 */
export function prometheus(datastores: HasStats | readonly HasStats[]): Promise<string>;
export namespace prometheus {
    /** The content type to serve it as. */
    const contentType: string;
}

/** What becomes of a datastore, and how to wait for it. */
export interface ConvertOptions {
    /** The storage that it is to have. */
    to: 'files' | 'disk';
    /** How long to wait for other processes to close it, in milliseconds. Default 10,000. */
    lockTimeout?: number | undefined;
    /** The permissions of the files that are made, less the umask. Default 0o600. */
    fileMode?: number | undefined;
    /** Gives up: the promise rejects with an AbortError, and nothing has changed. */
    signal?: AbortSignal | undefined;
    /** Is called often. What it throws ends the work, too. */
    onProgress?: ((progress: ConvertProgress) => void) | undefined;
}

/** How far a conversion is, in documents. */
export interface ConvertProgress {
    /** What is done now. */
    phase: 'copy' | 'verify';
    /** How many documents are done. */
    done: number;
    /** How many there are. */
    total: number;
}

/** What became of a datastore. */
export interface ConvertResult {
    /** The absolute path. */
    directory: string;
    /** The storage that it has now. */
    to: 'files' | 'disk';
    /** Whether it had another one before. */
    converted: boolean;
    /** How many documents were copied. */
    documents: number;
}

/**
 * Moves a datastore that nobody has open from one storage to the other. All documents are copied with their
 * revisions and compared text by text; then the copy takes the place of the old one, which is removed. An
 * error leaves the directory as it was. After a kill it is the old one or the new one, whole, and the next
 * call goes on.
 *
 * @throws {LockedError} when another process has it open
 * @throws {AssertionError} when this process has it open, when it is no datastore, and for a key that can not
 *     be the name of a file
 * @throws {CorruptError} when it is damaged
 * @throws {StorageError} when the copy cannot be written
 */
export function convert(directory: string, options: ConvertOptions): Promise<ConvertResult>;

/** How to wait for a data file. */
export interface CompactOptions {
    /** How long to wait for others to close it, in milliseconds. Default 10,000. */
    lockTimeout?: number | undefined;
}

/** How long a data file was, in bytes, and how long it is. */
export interface CompactResult {
    /** How long it was. */
    before: number;
    /** How long it is. */
    after: number;
}

/**
 * Gives back what the data file in a directory no longer needs, be it of a datastore with storage `'disk'` or
 * of a key-value store on disk. Nobody may have it open. After a kill everything is there, and the next call
 * goes on.
 *
 * @throws {LockedError} when another process has it open, or this one
 * @throws {AssertionError} when there is no data file
 * @throws {CorruptError} when it is damaged
 * @throws {StorageError} when it cannot be written
 */
export function compact(directory: string, options?: CompactOptions): Promise<CompactResult>;

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

/** What an old store of {@link shadow} has to have: what the Kixx Datastore has. */
export interface DatastoreLike {
    /** The document with its `_rev`; null or an error where there is none. */
    getItem(key: any): Promise<any>;
    /** Resolves with the stored document. */
    setItem(key: any, document: any, options?: any): Promise<any>;
    /** Resolves with what the function returned, stored. */
    updateItem(key: any, update: any, options?: any): Promise<any>;
    /** Resolves with the key. */
    deleteItem(key: any, options?: any): Promise<any>;
    /** Resolves with a page; its `total` counts if it has one. */
    queryKeys(options?: any): Promise<any>;
    /** Resolves with a page, too. */
    queryView(id: any, options?: any): Promise<any>;
}

/** What a store did: its answer as JSON has it, or its error. */
export type ShadowOutcome = { value: unknown } | { error: unknown };

/** A call for which the stores did not do the same. */
export interface ShadowDifference {
    /** `'getItem'`, or `'_db.getItem'` for the engine. */
    method: string;
    /** As the call was made, functions too. */
    args: unknown[];
    /** What the application got. */
    old: ShadowOutcome;
    /** With an error of the code `'BEHIND'`, this write and all later calls were not made any more. */
    new: ShadowOutcome;
}

/** How many calls were compared. */
export interface ShadowCounts {
    /** Including those that were different. */
    compared: number;
    /** Without those that `ignore` left out. */
    different: number;
    /** Those that `ignore` left out. */
    ignored: number;
    /**
     * Calls of which nobody can say what the new store should do: reads amid several writes, failures of the
     * old store, and what came while the new one was too far behind.
     */
    unchecked: number;
}

/** What `differences()` answers. */
export interface ShadowSummary extends ShadowCounts {
    /** Whether the new store still gets all calls. */
    mirroring: boolean;
    /** The counts by the names of the methods. */
    methods: Record<string, ShadowCounts>;
    /** The first 20. */
    first: ShadowDifference[];
}

/** The options of {@link shadow}. */
export interface ShadowOptions {
    /** Called for each difference. */
    onDifference?: ((difference: ShadowDifference) => unknown) | undefined;
    /** Whether a difference is known and does not count. */
    ignore?: ((difference: ShadowDifference) => boolean) | undefined;
    /**
     * How many calls the new store may be behind. From half of that on its reads are left out; a write that
     * is one too many ends the mirroring for good. Default 10,000.
     */
    maxPending?: number | undefined;
}

/** A datastore over two stores. See {@link shadow}. */
export interface Shadow<
    T extends object = Record<string, unknown>,
    V extends ViewTypes<V> = UntypedViews,
    M extends Missing = 'throw',
> extends Datastore<T, V, M> {
    /** What was compared so far. */
    differences(): ShadowSummary;

    /** Resolves once everything is compared that was called so far. */
    settled(): Promise<void>;

    /** Waits until everything is compared, and closes both stores. */
    close(): Promise<void>;
}

/**
 * Runs a new store in the shadow of an old one. All calls are answered by the old store. The new one gets the
 * same calls in the same order, in the background, and the outcomes are compared: answers by their JSON
 * values, errors by code or name. Whatever the new store does, the old one's answers stay as they are.
 *
 * Both stores must hold the same documents in the beginning, and all writes must come through here. Writes of
 * one document go to the old store one after another. An update function runs once; the new store gets what
 * it returned. Map functions of views run in both. Where the old store lacks a method, it is an
 * AssertionError.
 */
export function shadow<
    T extends object = Record<string, unknown>,
    V extends ViewTypes<V> = UntypedViews,
    M extends Missing = 'throw',
>(
    oldStore: DatastoreLike,
    newStore: Datastore<T, V, M>,
    options?: ShadowOptions
): Shadow<T, V, M>;

/** What the errors carry besides their message. */
export interface ErrorDetails {
    /** The key of the document that the error is about. */
    key?: string | undefined;
    /** What was expected, in a few words. */
    expected?: string | undefined;
    /** The error underneath. */
    cause?: unknown;
}

/** What all errors of this package have in common. Codes never change; messages may. */
export class DatastoreError extends Error {
    /** The code of the class. */
    static readonly CODE: string;
    /** For errors of an injected `db` that should look like ours. */
    constructor(message: string, details?: ErrorDetails);
    /** Stable, such as `'NOT_FOUND'`. */
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
