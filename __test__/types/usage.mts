// What has to compile, and what must not. Nothing here runs.

import {
    AssertionError, Datastore, DatastoreEngine, DatastoreError, LockingQueue, TooOldError, compact, convert,
    verifyBackup,
    type BackupContents, type BackupMoment, type BackupProgress, type BackupResult, type CompactOptions,
    type CompactResult, type ConvertResult, type RestoreResult,
    type BatchOperation, type Engine, type FileSystem, type KeyItem, type Page, type Stats, type Stored,
    type View, type ViewItem,
} from 'kixx-datastore';

interface User {
    name: string;
    age?: number;
}

interface Item {
    title: string;
    price: number;
}

type Equal<A, B> = (<X>() => X extends A ? 1 : 2) extends (<X>() => X extends B ? 1 : 2) ? true : false;

function is<T>(_value: T): void {}
function same<A, B>(_equal: Equal<A, B>): void {}

const users = new Datastore<User>({ directory: 'data' });
const anything = new Datastore(
    {
        directory: 'data', durability: 'batched', flushInterval: 500, cache: { maxDocuments: 5 },
        lockTimeout: 0, exclusive: true, readOnly: false, directoryMode: 0o750, fileMode: 0o640,
    }
);
const lenient = new Datastore<User, {}, 'null'>({ directory: 'data', missing: 'null', cache: false });
const inferred = new Datastore({ directory: 'data', missing: 'null' });

// Options.
// @ts-expect-error: the directory is missing
new Datastore({});
// @ts-expect-error: no options
new Datastore();
// @ts-expect-error: not a path
new Datastore({ directory: 5 });
// @ts-expect-error: no such durability
new Datastore({ directory: 'data', durability: 'maybe' });
// @ts-expect-error: documents are objects
new Datastore<string>({ directory: 'data' });
// @ts-expect-error: the second type parameter says what getItem answers
new Datastore<User>({ directory: 'data', missing: 'null' });
// @ts-expect-error: an engine has more methods
new Datastore({ db: { getItem: () => ({ key: 'a', document: null }) } });
// @ts-expect-error: an engine needs its directory
new DatastoreEngine({});

// Storages.
new Datastore({ directory: 'data', storage: 'files', readOnly: true });
new Datastore<User>({ directory: 'data', storage: 'disk', cacheSize: 2 ** 30 });
new Datastore({ storage: 'memory' });
new DatastoreEngine({ storage: 'memory' });
// @ts-expect-error: no such storage
new Datastore({ directory: 'data', storage: 'paper' });
// @ts-expect-error: a data file has a directory
new Datastore({ storage: 'disk' });
// @ts-expect-error: nothing is kept, so there is no directory
new Datastore({ directory: 'data', storage: 'memory' });
// @ts-expect-error: who opens a data file may write
new Datastore({ directory: 'data', storage: 'disk', readOnly: true });
// @ts-expect-error: a data file is no document
new Datastore({ directory: 'data', storage: 'disk', fileSystem: {} as FileSystem });
const converted = await convert('data', {
    to: 'disk', lockTimeout: 0, fileMode: 0o640, signal: AbortSignal.timeout(1000),
    onProgress: ({ phase, done, total }) => is<[('copy' | 'verify'), number, number]>([phase, done, total]),
});
same<typeof converted, ConvertResult>(true);
is<boolean>(converted.converted);
is<number>(converted.documents);
// @ts-expect-error: it has to become something
await convert('data', {});
// @ts-expect-error: memory keeps nothing
await convert('data', { to: 'memory' });

const { before, after } = await compact('data', { lockTimeout: 0 });
is<number>(before - after);
same<Awaited<ReturnType<typeof compact>>, CompactResult>(true);
same<Parameters<typeof compact>[1], CompactOptions | undefined>(true);
// @ts-expect-error: not a time
await compact('data', { lockTimeout: '1 s' });

// Documents come out with a revision.
const user = await users.getItem('user:1');
same<typeof user, Stored<User>>(true);
is<number>(user._rev);
is<string>(user.name);
// @ts-expect-error: no such property
is<unknown>(user.nothing);
const maybe = await lenient.getItem('user:1');
same<typeof maybe, Stored<User> | null>(true);
// @ts-expect-error: may be null
is<string>(maybe.name);
is<null | { _rev: number }>(await inferred.getItem(1));
is<unknown>((await anything.getItem('a'))['property']);
is<number>((await anything.getItem<Item>('item:1')).price);
is<(Stored<User> | null)[]>(await users.getItems(['a', 2]));
is<boolean>(await users.hasItem('a'));
// @ts-expect-error: not a key
await users.getItem({ id: 1 });

// And go in with or without one.
is<Stored<User>>(await users.setItem('user:1', { name: 'Jane' }));
is<Stored<User>>(await users.setItem('user:1', { name: 'Jane', _rev: 1 }, { checkConsistency: false }));
is<Stored<User>>(await users.setItem('user:1', user));
is<Stored<User>>(await users.insertItem('user:1', { name: 'Jane', age: 5 }));
is<Stored<Item>>(await anything.setItem('item:1', { title: 'x', price: 1 }));
is<Stored<Item>>(await users.setItem<Item>('item:1', { title: 'x', price: 1 }));
// @ts-expect-error: the name is missing
await users.setItem<User>('user:1', { age: 5 });
// @ts-expect-error: the name is missing
await users.setItem('user:1', { age: 5 });
// @ts-expect-error: not a user
await users.setItem('user:1', { title: 'x', price: 1 } satisfies Item);
// @ts-expect-error: the name is missing
await users.insertItem('user:1', { age: 5 });
// @ts-expect-error: revisions are numbers
await users.setItem('user:1', { name: 'Jane', _rev: '1' });
// @ts-expect-error: not an object
await anything.setItem('a', 'text');
// @ts-expect-error: no such option
await users.setItem('user:1', { name: 'Jane' }, { check: false });

// Updates.
const updated = await users.updateItem('user:1', (document) => ({ name: 'Jane', ...document, age: 5 }));
same<typeof updated, Stored<User>>(true);
await users.updateItem('user:1', async (document) => {
    if (document === null) {
        throw new Error('gone');
    }
    document.age = (document.age ?? 0) + 1;
    return document;
}, { checkConsistency: false });
await anything.updateItem('counter', (document) => ({ ...document, count: 1 }));
// @ts-expect-error: may be null
await users.updateItem('user:1', (document) => ({ ...document, name: document.name }));
// @ts-expect-error: nothing returned
await users.updateItem<User>('user:1', () => undefined);
// @ts-expect-error: the name is missing
await users.updateItem<User>('user:1', () => ({ age: 3 }));
// @ts-expect-error: the name is missing
await users.updateItem('user:1', () => ({ age: 3 }));

is<string>(await users.deleteItem('user:1', { rev: 3 }));
// @ts-expect-error: revisions are numbers
await users.deleteItem('user:1', { rev: '3' });

// Batches.
const [stored, key] = await users.batch([
    { type: 'set', key: 'a', document: { name: 'A' }, checkConsistency: false },
    { type: 'delete', key: 'b', rev: 4 },
]);
same<typeof stored, Stored<User>>(true);
same<typeof key, string>(true);
const operations: BatchOperation<User>[] = ['a', 'b'].map(
    (name) => ({ type: 'set', key: name, document: { name } })
);
is<(Stored<User> | string)[]>(await users.batch(operations));
is<unknown[]>(
    await users.batch(['a', 'b'].map((name) => ({ type: 'set' as const, key: name, document: { name } })))
);
// @ts-expect-error: no such type
await users.batch([{ type: 'put', key: 'a', document: { name: 'A' } }]);
// @ts-expect-error: the document is missing
await users.batch([{ type: 'set', key: 'a' }]);

// Queries.
const page = await users.queryKeys({ startKey: 'a', endKey: 'b', descending: true, limit: Infinity });
same<typeof page, Page<KeyItem<User>>>(true);
is<number | null>(page.exclusiveEndIndex);
is<number>(page.total);
await users.queryKeys({ inclusiveStartIndex: page.exclusiveEndIndex });
await users.queryKeys({ offset: 5, key: 7 });
const full = await users.queryKeys({ includeDocuments: true });
is<string>(full.items[0]!.document.name);
// @ts-expect-error: may not be there
is<string>(page.items[0]!.document.name);
// @ts-expect-error: no such option
await users.queryKeys({ skip: 5 });
// @ts-expect-error: document keys are no arrays
await users.queryKeys({ startKey: ['a'] });

// Views.
users.setView('byName', {
    map(document, emit) {
        is<Stored<User>>(document);
        emit(document.name, { age: document.age });
        emit(document.name);
    },
});
const byPrice: View<Item, [string, number], null> = {
    map: (document, emit) => emit([document.title, document.price], null),
};
anything.setView('byPrice', byPrice);
users._db.setView('async', { map: async (document, emit) => emit(document.name) });
const rows = await anything.queryView<[string, number], null, Item>(
    'byPrice', { startKey: ['a', 0], includeDocuments: true }
);
same<(typeof rows)['items'][number], Required<ViewItem<[string, number], null, Item>>>(true);
is<number>(rows.items[0]!.document.price);
is<unknown>((await users.queryView('byName')).items[0]!.value);
await users.queryView('byName', { key: null, limit: 5 });
// @ts-expect-error: not such keys
await anything.queryView<[string, number]>('byPrice', { startKey: 'a' });
// @ts-expect-error: no map function
users.setView('byName', {});
is<boolean>(users.hasView('byName') && users.deleteView('byName'));

// Scans.
for await (const item of users.scan({ startKey: 'a', descending: true })) {
    is<string>(item.key);
}
for await (const item of users.scan({ includeDocuments: true })) {
    is<string>(item.document.name);
}
// @ts-expect-error: a scan has no limit
users.scan({ limit: 5 });

// Backups.
const backup = await users.backup('a.gz', { overwrite: true, signal: new AbortController().signal });
is<BackupResult>(backup);
is<BackupMoment | null>(backup.since);
const onProgress = ({ phase, done, total }: BackupProgress) => is<[string, number]>([phase, done / total]);
is<BackupResult>(await users.backup('b.gz', { since: backup, onProgress }));
is<BackupResult>(await users.backup('c.gz', { since: 'b.gz' }));
is<RestoreResult>(await users.restore('a.gz'));
is<number>((await users.restore(['a.gz', 'b.gz'] as const, { conflict: 'skip', onProgress })).skipped);
is<BackupContents>(await verifyBackup('a.gz', { onProgress }));
is<'TOO_OLD'>(new TooOldError('no').code);
// @ts-expect-error: no such way
await users.restore('a.gz', { conflict: 'merge' });
// @ts-expect-error: a backup has a place
await users.backup();
// @ts-expect-error: not a moment
await users.backup('a.gz', { since: { sequence: 5 } });

// Life.
is<Datastore<User>>(await users.load({ quarantine: true }));
is<Stats>(await users.stats());
is<void>(await users.flush());
is<void>(await users.close());

// The engine, and other parts to inject.
const engine = new DatastoreEngine<User>({ directory: 'data' });
is<DatastoreEngine<User>>(await engine.loadDocuments());
is<string | undefined>(engine.getItem('a').document?.name);
is<Stored<User>>((await engine.setItem('a', { name: 'x', _rev: 7 })).document);
is<string>((await engine.deleteItem('a')).key);
is<string>(engine.queryKeys({ includeDocuments: true }).items[0]!.document.name);
is<Page<ViewItem<string, number, User>>>(engine.queryView<string, number>('byName'));
is<Engine>(engine);
new Datastore<User>({ db: engine, lockingQueue: new LockingQueue() });
const files = new Map<string, unknown>();
const fileSystem: FileSystem = {
    readDocumentDirectory: async () => [...files.keys()],
    readDocumentFile: async (path) => files.get(path),
    writeDocumentFile: async (path, document) => files.set(path, document),
    removeDocumentFile: async (path) => files.delete(path),
};
new Datastore<User>({ directory: 'data', fileSystem });
const queue = new LockingQueue();
await queue.getLock('a');
queue.releaseLock('a');

// Errors.
const error = new AssertionError('no', { key: 'a', cause: 1 });
is<'ASSERTION'>(error.code);
is<DatastoreError & Error>(error);
is<string>(AssertionError.CODE);
