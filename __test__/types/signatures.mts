// What the other files of this directory do not say of the public names: typings.test.js finds those that no
// file has. Nothing here runs.

import {
    AssertionError, ClosedError, ConflictError, CorruptError, Datastore, DatastoreError, LockedError,
    NotFoundError, StorageError, TooOldError,
    type BackupContents, type BackupOptions, type BackupResult, type BatchAnswer, type BatchOperation,
    type ConvertOptions, type ConvertProgress, type DatastoreLike, type DatastoreOptions,
    type DeleteOptions, type DiskStoreOptions, type DistributorOptions, type DistributorStats,
    type EngineItem, type EngineOptions, type Entries, type EntriesOptions, type ErrorDetails,
    type ExpiryOptions, type JsonValue, type KeyItem, type KeyQueryOptions, type KeyRange, type KeyValue,
    type KeyValueStore, type LoadOptions, type Lock, type LockOptions, type Locks,
    type MemoryStoreOptions, type Missing, type PageOptions, type PrefixOptions, type RestoreOptions,
    type ScanOptions, type ShadowCounts, type ShadowOptions, type ShadowOutcome, type ShadowSummary,
    type Stats, type StoreChange, type StoreMemory, type StoreStats, type Stored, type Transaction,
    type TransactionOptions, type Update, type VerifyOptions, type View, type ViewItem,
    type ViewBuilding, type ViewQueryOptions, type ViewStats, type Watch, type WithDocuments,
    type WriteOptions,
} from 'kixx-datastore';
import type {
    ImportOptions, ImportProgress, ImportRecord, ImportResult, ImportTarget, KixxRecord, LevelDatabase,
    LevelRecord,
} from 'kixx-datastore/import';
import { expect, is, type Equal } from './equal.mjs';

interface User {
    name: string;
}

/** What a method answers, without its promise. */
type Answer<F extends (...args: any) => any> = Awaited<ReturnType<F>>;

// Key-value stores.
type Bytes = KeyValueStore<Uint8Array>;
expect<Equal<KeyValue, string | Uint8Array>>();
expect<Equal<Answer<Bytes['isOpen']>, boolean>>();
expect<Equal<Parameters<Bytes['exists']>, [key: string]>>();
expect<Equal<Answer<Bytes['exists']>, boolean>>();
expect<Equal<Parameters<Bytes['del']>, [key: string]>>();
expect<Equal<Answer<Bytes['del']>, boolean>>();
expect<Equal<Answer<Bytes['set']>, true>>();
expect<Equal<Answer<Bytes['setBatch']>, true>>();
expect<Equal<Parameters<Bytes['setBatch']>, [entries: Entries<Uint8Array>]>>();
expect<Equal<Parameters<Bytes['setNx']>[2], ExpiryOptions | undefined>>();
expect<Equal<Answer<Bytes['setNx']>, boolean>>();
expect<Equal<Answer<Bytes['compareAndSwap']>, boolean>>();
expect<Equal<Answer<Bytes['iterate']>, number>>();
expect<Equal<Parameters<Bytes['values']>[0], EntriesOptions | undefined>>();
expect<Equal<ReturnType<Bytes['values']>, AsyncGenerator<Uint8Array, void, undefined>>>();
expect<Equal<Parameters<Bytes['count']>[0], PrefixOptions | undefined>>();
expect<Equal<Parameters<Bytes['clear']>[0], PrefixOptions | undefined>>();
expect<Equal<Answer<Bytes['clear']>, number>>();
expect<Equal<Answer<Bytes['flush']>, void>>();
expect<Equal<ReturnType<Bytes['watch']>, Watch<Uint8Array>>>();
expect<Equal<Answer<Watch<Uint8Array>['return']>, IteratorResult<StoreChange<Uint8Array>>>>();
expect<Equal<Answer<Transaction['exists']>, boolean>>();
expect<Equal<Answer<Transaction['del']>, boolean>>();
expect<Equal<Answer<Transaction<Uint8Array>['get']>, Uint8Array | undefined>>();
expect<Equal<Parameters<Transaction['set']>[2], ExpiryOptions | undefined>>();
expect<Equal<ReturnType<Transaction['entries']>, AsyncGenerator<[string, string], void, undefined>>>();
expect<Equal<ReturnType<Transaction['keys']>, AsyncGenerator<string, void, undefined>>>();
expect<Equal<[Lock['token'], Lock['signal']], [number, AbortSignal]>>();
expect<Equal<DistributorStats, { stores: StoreStats[] }>>();
is<StoreStats>({ id: 'a', backend: 'disk', handles: 1, keys: 2, memory: { keys: 1, values: 2, cache: 3 } });
expect<Equal<StoreStats['memory'], StoreMemory>>();
is<DistributorOptions>({ directory: 'stores', random: () => 0.5 });
is<DiskStoreOptions>({ cacheSize: 2 ** 20, durability: 'batched', flushInterval: 10 });
is<MemoryStoreOptions>({});
is<TransactionOptions>({ attempts: 1 });
is<LockOptions>({ ttl: 1, timeout: 0 });
// @ts-expect-error: in milliseconds
is<ExpiryOptions>({ expiresIn: '1 h' });

// Options of a datastore.
is<DatastoreOptions>({ directory: 'data', missing: 'null' });
is<EngineOptions>({ storage: 'disk', directory: 'data', cacheSize: 2 ** 20 });
expect<Equal<Missing, 'throw' | 'null'>>();
is<PageOptions>({ descending: true, inclusiveStartIndex: null, limit: Infinity, includeDocuments: true });
is<PageOptions>({ offset: 5 });
is<KeyRange>({ startKey: 'a', endKey: 5, key: undefined });
is<KeyQueryOptions & WithDocuments>({ startKey: 'a', limit: 5, includeDocuments: true });
is<ScanOptions>({ endKey: 'b', descending: true });
// @ts-expect-error: a scan has no pages
is<ScanOptions>({ limit: 5 });
is<ViewQueryOptions<[string, number]>>({ startKey: ['a'], endKey: ['a', {}], key: ['a', 1] });
is<WriteOptions>({ checkConsistency: false });
is<DeleteOptions>({ rev: 3 });
is<LoadOptions>({ quarantine: true });
is<Locks>({ getLock: async (_key: string) => {}, releaseLock: (_key: string) => {} });
is<JsonValue>({ a: [1, 'b', null, { c: true }] });
// @ts-expect-error: JSON has no dates
is<JsonValue>(new Date());

// Documents and rows.
expect<Equal<KeyItem<User>['documentKey'], string>>();
expect<Equal<ViewItem<string, number, User>['documentKey'], string>>();
expect<Equal<EngineItem<User>, { key: string; document: Stored<User> | null }>>();
expect<Equal<Parameters<Update<User>>, [document: Stored<User> | null]>>();
expect<Equal<BatchAnswer<{ type: 'delete' }, User>, string>>();
expect<Equal<BatchAnswer<{ type: 'set' }, User>, Stored<User>>>();
expect<Equal<BatchAnswer<BatchOperation<User>, User>, string | Stored<User>>>();
is<View<User>>({ version: 'v2', map: (user, emit) => emit(user.name) });
is<View<User>>({ version: 2, map() {} });
// @ts-expect-error: text or a number
is<View<User>>({ version: true, map() {} });

// Figures.
type StatsNumbers =
    | 'documents' | 'backlog' | 'commits' | 'conflicts' | 'journalBytesWritten' | 'checkpoints'
    | 'checkpointFailures' | 'checkpointedDocuments' | 'checkpointSeconds' | 'cachedDocuments'
    | 'cacheMisses';
expect<Equal<NonNullable<Stats[StatsNumbers]>, number>>();
expect<Equal<Stats['checkpointFailure'], string | null>>();
expect<Equal<Stats['views'], Record<string, ViewStats>>>();
expect<Equal<[ViewStats['rows'], ViewStats['failures']], [number, number]>>();
expect<Equal<ViewStats['building'], ViewBuilding | null | undefined>>();
expect<Equal<ViewBuilding, { mapped: number; total: number }>>();
expect<Equal<ViewStats['failed'], { key: string; message: string }[]>>();

// Backups and conversions.
is<BackupOptions>({ since: null, overwrite: true, onProgress: ({ done }) => is<number>(done) });
is<RestoreOptions>({ conflict: 'skip' });
is<VerifyOptions>({ signal: AbortSignal.timeout(5) });
expect<Equal<Pick<BackupResult, 'documents' | 'deletions' | 'bytes'>, {
    documents: number; deletions: number; bytes: number;
}>>();
expect<Equal<Pick<BackupContents, 'version' | 'package' | 'created' | 'sha256'>, {
    version: number; package: string; created: string; sha256: string;
}>>();
is<ConvertOptions>({ to: 'disk', lockTimeout: 0, fileMode: 0o600 });
expect<Equal<ConvertProgress, { phase: 'copy' | 'verify'; done: number; total: number }>>();

// Shadow mode.
is<DatastoreLike>(new Datastore({ storage: 'memory' }));
is<ShadowOptions>({ onDifference: async () => {}, ignore: () => true, maxPending: 1 });
expect<Equal<ShadowOutcome, { value: unknown } | { error: unknown }>>();
expect<Equal<ShadowCounts, { compared: number; different: number; ignored: number; unchecked: number }>>();
expect<Equal<Pick<ShadowSummary, 'mirroring' | 'methods'>, {
    mirroring: boolean; methods: Record<string, ShadowCounts>;
}>>();

// Errors.
expect<Equal<ErrorDetails, { key?: string | undefined; expected?: string | undefined; cause?: unknown }>>();
expect<Equal<DatastoreError['key' | 'expected'], string | undefined>>();
expect<Equal<InstanceType<typeof DatastoreError>['code'], string>>();
expect<Equal<NotFoundError['code'], 'NOT_FOUND'>>();
expect<Equal<ConflictError['code'], 'CONFLICT'>>();
expect<Equal<AssertionError['code'], 'ASSERTION'>>();
expect<Equal<ClosedError['code'], 'CLOSED'>>();
expect<Equal<LockedError['code'], 'LOCKED'>>();
expect<Equal<CorruptError['code'], 'CORRUPT'>>();
expect<Equal<StorageError['code'], 'STORAGE'>>();
expect<Equal<TooOldError['code'], 'TOO_OLD'>>();
expect<Equal<typeof TooOldError.CODE, 'TOO_OLD'>>();
is<DatastoreError>(new ClosedError('closed', { expected: 'an open one', cause: new Error() }));

// Importers.
is<ImportTarget>(new Datastore<User>({ storage: 'memory' }));
expect<Equal<ImportRecord, { collection: string | null; id: string; document: any }>>();
expect<Equal<[LevelRecord['rawKey'], LevelRecord['keyBytes']], [string, Uint8Array]>>();
expect<Equal<Pick<KixxRecord, 'sortKey' | 'version' | 'createdAt' | 'updatedAt'>, {
    sortKey: string | null; version: number; createdAt: string; updatedAt: string;
}>>();
expect<Equal<ImportProgress, { imported: number; skipped: number; invalid: number; share: number | null }>>();
is<ImportOptions<LevelRecord>>({ key: ({ rawKey }) => rawKey });
expect<Equal<Pick<ImportResult<User>, 'imported' | 'source'>, { imported: number; source: User }>>();
declare const level: LevelDatabase;
expect<Equal<Answer<ReturnType<typeof level.iterator>['nextv']>, [any, any][]>>();
