// What has to compile, and what must not. Nothing here runs.

import { Datastore, shadow, type Shadow, type ShadowDifference, type Stored } from 'kixx-datastore';
import importers, {
    importJsonLines, importKixxSqlite, importLevel, importLoki, importLowdb, importNedb, type ImportResult,
} from 'kixx-datastore/import';

interface User {
    name: string;
}

function is<T>(_value: T): void {}

const users = new Datastore<User>({ directory: 'data' });
const old = new Datastore<User, {}, 'null'>({ directory: 'old', missing: 'null' });

const shadowed = shadow(old, users, {
    onDifference: (difference) => is<ShadowDifference>(difference),
    ignore: ({ method, args, new: other }) => method === 'getItem' && args[0] === 'a' && 'error' in other,
    maxPending: 100,
});
is<Shadow<User>>(shadowed);
is<Datastore<User>>(shadowed);
is<Stored<User>>(await shadowed.getItem('a'));
is<number>(shadowed.differences().methods['getItem']?.different ?? 0);
await shadowed.settled();
// @ts-expect-error: no such option
shadow(old, users, { maximum: 5 });
// @ts-expect-error: not a store
shadow({}, users);

const controller = new AbortController();
const result = await importNedb(users, 'users.db', {
    key: ({ id }) => `user:${ id }`,
    document: ({ document }, key) => ({ ...document, key }),
    conflict: 'skip',
    invalid: 'skip',
    onProgress: ({ share }) => is<number | null>(share),
    signal: controller.signal,
});
is<ImportResult<{ deleted: number }>>(result);
is<string[]>(result.problems);
await importJsonLines(users, 'a.jsonl.gz');
await importLowdb(users, 'db.json', { parse: (text) => text.split('\n') });
await importLoki(users, 'app.db', { metadata: 'keep' });
await importLevel(users, 'level', { key: ({ keyBytes }) => keyBytes.length, parse: (value) => value.length });
await importKixxSqlite(users, 'a.sqlite', { key: ({ id, sortKey }) => `${ sortKey }:${ id }` });
await importers.importNedb(users, 'users.db');
// @ts-expect-error: no such choice
await importNedb(users, 'users.db', { conflict: 'maybe' });
// @ts-expect-error: not a datastore
await importNedb({}, 'users.db');
