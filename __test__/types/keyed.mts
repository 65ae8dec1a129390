// Datastores where the pattern of a key says what its document is. Nothing here runs.

import {
    Datastore, type KeyItem, type Keyed, type Page, type Stored, type ViewItem,
} from 'kixx-datastore';
import { expect, is, type Equal } from './equal.mjs';

interface User {
    name: string;
}

interface Post {
    title: string;
    tags?: string[];
}

interface Config {
    theme: 'light' | 'dark';
}

type Schema = Keyed<{
    [key: `user:${string}`]: User;
    [key: `post:${string}`]: Post;
    [key: number]: { n: number };
    config: Config;
}>;
type Any = User | Post | Config | { n: number };

declare const store: Datastore<Schema>;
declare const lenient: Datastore<Schema, {}, 'null'>;
declare const id: string;
declare const aPost: Post;
declare const either: User | Post;
declare const someKey: string;

// Reading.
const user = await store.getItem('user:1');
expect<Equal<typeof user, Stored<User>>>();
is<number>(user._rev);
const post = await store.getItem(`post:${ id }`);
expect<Equal<typeof post, Stored<Post>>>();
const config = await store.getItem('config');
expect<Equal<typeof config, Stored<Config>>>();
const seven = await store.getItem(7);
expect<Equal<typeof seven, Stored<{ n: number }>>>();
const any = await store.getItem(someKey);
expect<Equal<typeof any, Stored<Any>>>();
const maybe = await lenient.getItem('user:1');
expect<Equal<typeof maybe, Stored<User> | null>>();
const one = await store.getItem(id === '1' ? 'user:1' : 'post:1');
expect<Equal<typeof one, Stored<User> | Stored<Post>>>();
// @ts-expect-error: no such property
is<unknown>(user.title);
// @ts-expect-error: fits no pattern
await store.getItem('nope:1');
// @ts-expect-error: not a key
await store.getItem({});
// @ts-expect-error: fits no pattern
await store.getItem(`nope:${ id }`);

const several = await store.getItems(['user:1', `post:${ id }`, 'config']);
expect<Equal<typeof several, [Stored<User> | null, Stored<Post> | null, Stored<Config> | null]>>();
const many = await store.getItems(['1', '2'].map((n) => `user:${ n }` as const));
expect<Equal<typeof many, (Stored<User> | null)[]>>();
const all = await store.getItems([someKey] as string[]);
expect<Equal<typeof all, (Stored<Any> | null)[]>>();
// @ts-expect-error: one fits no pattern
await store.getItems(['user:1', 'nope:1']);

is<boolean>(await store.hasItem('user:1'));
is<boolean>(await store.hasItem(someKey));
// @ts-expect-error: fits no pattern
await store.hasItem('nope:1');

// Writing.
const stored = await store.setItem('user:1', { name: 'Jane' });
expect<Equal<typeof stored, Stored<User>>>();
await store.setItem('user:1', user, { checkConsistency: false });
await store.setItem(`user:${ id }`, { name: 'Jane', _rev: 3 });
await store.setItem(someKey, either);
await store.setItem(7, { n: 1 });
// @ts-expect-error: a user, not a post
await store.setItem('user:1', aPost);
// @ts-expect-error: a user, not a post
await store.setItem(`user:${ id }`, post);
// @ts-expect-error: the name is missing
await store.setItem('user:1', {});
// @ts-expect-error: no such property
await store.setItem('user:1', { name: 'Jane', title: 'x' });
// @ts-expect-error: revisions are numbers
await store.setItem('user:1', { name: 'Jane', _rev: '1' });
// @ts-expect-error: no document of ours
await store.setItem(someKey, { nothing: 1 });
// @ts-expect-error: fits no pattern
await store.setItem('nope:1', { name: 'Jane' });
// @ts-expect-error: no such option
await store.setItem('user:1', { name: 'Jane' }, { check: false });

const inserted = await store.insertItem('post:1', { title: 'x', tags: ['a'] });
expect<Equal<typeof inserted, Stored<Post>>>();
// @ts-expect-error: a post, not a user
await store.insertItem('post:1', { name: 'Jane' });
// @ts-expect-error: fits no pattern
await store.insertItem('nope:1', { title: 'x' });

const updated = await store.updateItem('user:1', (document) => {
    expect<Equal<typeof document, Stored<User> | null>>();
    return { name: document?.name ?? 'Jane' };
});
expect<Equal<typeof updated, Stored<User>>>();
await store.updateItem('config', async (document) => document ?? { theme: 'dark' });
await store.updateItem(someKey, (document) => document ?? either);
// @ts-expect-error: a user, not a post
await store.updateItem('user:1', () => aPost);
// @ts-expect-error: may be null
await store.updateItem('user:1', (document) => document);
// @ts-expect-error: fits no pattern
await store.updateItem('nope:1', () => ({ name: 'Jane' }));

is<string>(await store.deleteItem('user:1', { rev: 1 }));
// @ts-expect-error: fits no pattern
await store.deleteItem('nope:1');

const answers = await store.batch([
    { type: 'set', key: 'user:1', document: { name: 'Jane' } },
    { type: 'set', key: `post:${ id }`, document: { title: 'x', _rev: 2 }, checkConsistency: false },
    { type: 'delete', key: 'config', rev: 1 },
]);
expect<Equal<typeof answers, [Stored<User>, Stored<Post>, string]>>();
await store.batch(['1', '2'].map((n) => (
    { type: 'set' as const, key: `user:${ n }` as const, document: { name: n } }
)));
// @ts-expect-error: a user, not a post
await store.batch([{ type: 'set', key: 'user:1', document: { title: 'x' } }]);
// @ts-expect-error: fits no pattern
await store.batch([{ type: 'delete', key: 'nope:1' }]);
// @ts-expect-error: the document is missing
await store.batch([{ type: 'set', key: 'user:1' }]);
// @ts-expect-error: no such type
await store.batch([{ type: 'put', key: 'user:1', document: { name: 'Jane' } }]);

// Ranges: of all types, unless one is named.
const page = await store.queryKeys({ startKey: 'user:', endKey: 'user:\uffff', includeDocuments: true });
expect<Equal<typeof page, Page<Required<KeyItem<Any>>>>>();
const users = await store.queryKeys<User>({ startKey: 'user:', includeDocuments: true });
is<string>(users.items[0]!.document.name);
const bare = await store.queryKeys();
expect<Equal<typeof bare, Page<KeyItem<Any>>>>();
for await (const item of store.scan({ includeDocuments: true })) {
    expect<Equal<typeof item.document, Stored<Any>>>();
}
for await (const item of store.scan<User>({ startKey: 'user:' })) {
    expect<Equal<typeof item, KeyItem<User>>>();
}

// Views see all of them.
store.setView('byTitle', {
    map(document, emit) {
        expect<Equal<typeof document, Stored<Any>>>();
        if ('title' in document) {
            emit(document.title);
        }
    },
});
const rows = await store.queryView('byTitle', { key: 'x', includeDocuments: true });
expect<Equal<typeof rows, Page<Required<ViewItem<unknown, unknown, Any>>>>>();
const named = await store.queryView<string, undefined, Post>('byTitle');
expect<Equal<typeof named, Page<ViewItem<string, undefined, Post>>>>();

// The engine knows no patterns.
is<Stored<Any> | null>(store._db.getItem('user:1').document);
is<Datastore<Schema>>(await store.load());

// @ts-expect-error: documents are objects
type _Bad = Keyed<{ [key: `user:${string}`]: string }>;

// A datastore of several types where no one takes it for one of one type.
function onlyUsers(_users: Datastore<User>): void {}
// @ts-expect-error: there are posts in it
onlyUsers(store);
