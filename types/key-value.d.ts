/// <reference lib="esnext.disposable" />

/**
 * A value of a key-value store: text or bytes. Bytes that a store answers with are the caller's own, at a
 * multiple of 8 in a `buffer` that may be larger, as that of a Node `Buffer`, and may hold other answers:
 * `slice()` makes a copy with a buffer of its own, to transfer or to keep for long.
 */
export type KeyValue = string | Uint8Array;

/** Where the entries of a store are: `'memory'` is lost with its last handle, `'disk'` is a directory. */
export type Backend = 'memory' | 'disk';

/** The options of a {@link Distributor}. */
export interface DistributorOptions {
    /**
     * The base directory. Distributors of one directory hand out the same stores, also in other threads; so
     * do those without one. Disk stores need it, and lie below it.
     */
    directory?: string | undefined;
    /** Numbers from 0 up to 1, for the delays between attempts. Default `Math.random`. */
    random?: (() => number) | undefined;
}

/** How a disk store is opened. All handles of a process on one store must agree. */
export interface DiskStoreOptions {
    /** How many bytes of the file are kept in memory. Default 64 MiB. */
    cacheSize?: number | undefined;
    /** When a write is acknowledged; as that of a Datastore. Default `'sync'`. */
    durability?: 'sync' | 'os' | 'batched' | undefined;
    /** Milliseconds, for `durability: 'batched'`. Default 2,000. */
    flushInterval?: number | undefined;
}

/** A memory store has no options. */
export interface MemoryStoreOptions {
    /** For disk stores. */
    cacheSize?: undefined;
    /** For disk stores. */
    durability?: undefined;
    /** For disk stores. */
    flushInterval?: undefined;
}

/** What a process has open. */
export interface DistributorStats {
    /** By id. */
    stores: StoreStats[];
}

/** A store that is open. */
export interface StoreStats {
    /** Its name. */
    id: string;
    /** Where its entries are. */
    backend: Backend;
    /** How many handles there are, in all threads. */
    handles: number;
    /** How many entries there are, with those that expired and were not removed yet. */
    keys: number;
    /** What takes memory. */
    memory: StoreMemory;
}

/** What a store takes of memory, in bytes. Of a disk store: what is not in its file yet, and the cache. */
export interface StoreMemory {
    /** The keys, with what finds them and knows when they expire. */
    keys: number;
    /** The values. */
    values: number;
    /** The cache of the file: reckoned, no more than `cacheSize`. 0 for a memory store. */
    cache: number;
}

/** Hands out named key-value stores: one for each id and backend in a process, whoever asks. */
export class Distributor {
    /** Touches no disk. */
    constructor(options?: DistributorOptions);

    /**
     * A new handle on the store of that name, which is opened if no handle has it open. The last handle that
     * is closed closes the store. An id is any well-formed string; for a disk store, one that fits a file
     * name.
     */
    getOrCreate<V extends KeyValue = string>(
        id: string, backend: 'disk', options?: DiskStoreOptions
    ): Promise<KeyValueStore<V>>;
    getOrCreate<V extends KeyValue = string>(
        id: string, backend: Backend, options?: MemoryStoreOptions
    ): Promise<KeyValueStore<V>>;

    /** What is open in this process of this directory. */
    stats(): Promise<DistributorStats>;
}

/** How long a value lasts. */
export interface ExpiryOptions {
    /** Milliseconds, from when the write is decided. Without it the value lasts for ever. */
    expiresIn?: number | undefined;
}

/** All keys that begin with this. */
export interface PrefixOptions {
    /** Default: all keys. */
    prefix?: string | undefined;
}

/** A range of keys, which are in the order in which JavaScript sorts strings. */
export interface EntriesOptions extends PrefixOptions {
    /** The lowest key. */
    start?: string | undefined;
    /** Behind the highest key: it does not belong to the range. */
    end?: string | undefined;
    /** From the highest key down. Default false. */
    reverse?: boolean | undefined;
    /** How many at most. */
    limit?: number | undefined;
}

/** What {@link KeyValueStore.setBatch} writes; undefined as a value removes. */
export type Entries<V extends KeyValue> =
    | Iterable<readonly [key: string, value: V | undefined]>
    | { readonly [key: string]: V | undefined };

/** A handle on a store. Keys are strings, of up to 65,528 bytes; values strings or `Uint8Array`s. */
export class KeyValueStore<V extends KeyValue = string> {
    /** Stores come from a {@link Distributor}. */
    private constructor();

    /** The name that was asked for. */
    readonly id: string;
    /** Where the entries are. */
    readonly backend: Backend;

    /** Whether this handle was not closed. */
    isOpen(): boolean;

    /** The value; undefined if there is none. */
    get(key: string): Promise<V | undefined>;

    /** Whether there is a value. */
    exists(key: string): Promise<boolean>;

    /** Stores a value, whatever there is. */
    set(key: string, value: V, options?: ExpiryOptions): Promise<true>;

    /** Removes a value. Resolves with whether there was one. */
    del(key: string): Promise<boolean>;

    /** Writes all of these entries or none. */
    setBatch(entries: Entries<V>): Promise<true>;

    /** Stores a value if there is none. Resolves with whether it did. */
    setNx(key: string, value: V, options?: ExpiryOptions): Promise<boolean>;

    /**
     * Stores a value (or, with undefined, removes it) if there is the expected one. Resolves with whether it
     * did. Values are equal if their bytes are; a string never equals a `Uint8Array`.
     */
    compareAndSwap(key: string, expected: V, value: V | undefined, options?: ExpiryOptions): Promise<boolean>;

    /**
     * Calls `callback` for each entry whose key begins with `prefix`, in order, as they are now, until it
     * answers false. Promises that it answers with are waited for. Resolves with how many it was given.
     */
    iterate(prefix: string, callback: (key: string, value: V) => IterateAnswer): Promise<number>;

    /** Iterates over the entries as they are when the iteration begins. */
    entries(options?: EntriesOptions): AsyncGenerator<[key: string, value: V], void, undefined>;

    /** Iterates over the keys as they are when the iteration begins. */
    keys(options?: EntriesOptions): AsyncGenerator<string, void, undefined>;

    /** Iterates over the values as they are when the iteration begins. */
    values(options?: EntriesOptions): AsyncGenerator<V, void, undefined>;

    /** How many keys there are. */
    count(options?: PrefixOptions): Promise<number>;

    /** Removes all keys that there are now. Resolves with how many there were. */
    clear(options?: PrefixOptions): Promise<number>;

    /**
     * Runs `work`, and commits what it wrote if nothing that it read has changed; if it has, `work` runs
     * again. Nothing is locked meanwhile. A ConflictError after the last attempt.
     */
    transaction<R>(work: (tx: Transaction<V>) => R | Promise<R>, options?: TransactionOptions): Promise<R>;

    /**
     * Runs `work` while nobody else has the lock of that key, which is an entry of the store. A LockedError
     * if somebody holds it for `timeout`; a ConflictError if it was lost before `work` came to its end.
     */
    withLock<R>(
        key: string, options: LockOptions | undefined, work: (lock: Lock) => R | Promise<R>
    ): Promise<R>;

    /** What changes from now on. Who is slow gets fewer changes, not a longer queue. */
    watch(options?: PrefixOptions): Watch<V>;

    /** Writes the entries of a memory store into a file. Resolves with how many there are. */
    save(path: string): Promise<number>;

    /**
     * Puts the entries of a file in place of all that a memory store has. Resolves with how many there are. A
     * CorruptError if the file is damaged, and nothing has changed then.
     */
    load(path: string): Promise<number>;

    /** Figures about the store. */
    stats(): Promise<StoreStats>;

    /** Resolves once everything acknowledged would survive a power cut. */
    flush(): Promise<void>;

    /** Lets go of the store: the last handle closes it. May be called again. */
    close(): Promise<void>;

    /** As `close()`, for `await using`. */
    [Symbol.asyncDispose](): Promise<void>;
}

/** What ends {@link KeyValueStore.iterate}: false. */
export type IterateAnswer = boolean | void | Promise<boolean | void>;

/** How a transaction is tried. */
export interface TransactionOptions {
    /** How often `work` is run at most. Default 10. */
    attempts?: number | undefined;
}

/** Reads one moment of a store, and what this transaction wrote. */
export interface Transaction<V extends KeyValue = string> {
    /** The value; undefined if there is none. */
    get(key: string): Promise<V | undefined>;
    /** Whether there is a value. */
    exists(key: string): Promise<boolean>;
    /** Stores a value once the transaction commits. */
    set(key: string, value: V, options?: ExpiryOptions): Promise<true>;
    /** Removes a value once the transaction commits. Resolves with whether there was a value. */
    del(key: string): Promise<boolean>;
    /** Iterates over entries. The whole range counts as read. */
    entries(options?: EntriesOptions): AsyncGenerator<[key: string, value: V], void, undefined>;
    /** Iterates over keys. The whole range counts as read. */
    keys(options?: EntriesOptions): AsyncGenerator<string, void, undefined>;
    /** Iterates over values. The whole range counts as read. */
    values(options?: EntriesOptions): AsyncGenerator<V, void, undefined>;
}

/** How a lock is taken. */
export interface LockOptions {
    /**
     * How long the lock outlives a process that was killed, in milliseconds. It is renewed. Default 30,000.
     */
    ttl?: number | undefined;
    /** How long to wait for it, in milliseconds. Default 10,000. */
    timeout?: number | undefined;
}

/** A lock that is held. */
export interface Lock {
    /**
     * Higher than that of all who had the lock before: give it to what you write to, to refuse lower ones.
     */
    readonly token: number;
    /** Aborted if the lock is lost. */
    readonly signal: AbortSignal;
}

/** The changes of a store. */
export interface Watch<V extends KeyValue = string> extends AsyncIterableIterator<StoreChange<V>> {
    /** Ends the watching. */
    return(): Promise<IteratorResult<StoreChange<V>>>;
}

/**
 * A change. `'resync'` means that older changes are not known any more: forget all; the entries that there
 * are follow.
 */
export type StoreChange<V extends KeyValue = string> =
    | { type: 'set'; key: string; value: V }
    | { type: 'del'; key: string }
    | { type: 'resync' };
