// Key-value stores: what has to compile, and what must not. Nothing here runs.

import {
    Distributor, KeyValueStore, type Backend, type Lock, type StoreChange, type StoreMemory, type StoreStats,
    type Transaction,
} from 'kixx-datastore';

type Equal<A, B> = (<X>() => X extends A ? 1 : 2) extends (<X>() => X extends B ? 1 : 2) ? true : false;

function same<A, B>(_equal: Equal<A, B>): void {}

const distributor = new Distributor({ directory: 'data', random: Math.random });
new Distributor();
// @ts-expect-error: not a path
new Distributor({ directory: 5 });
// @ts-expect-error: a store comes from a distributor
new KeyValueStore();

const texts = await distributor.getOrCreate('a', 'memory');
const blobs = await distributor.getOrCreate<Uint8Array>('b', 'disk', { cacheSize: 1, durability: 'os' });
const both = await distributor.getOrCreate<string | Uint8Array>('c', 'memory');
// @ts-expect-error: no backend
await distributor.getOrCreate('a');
// @ts-expect-error: not a backend
await distributor.getOrCreate('a', 'redis');
// @ts-expect-error: a memory store has no cache
await distributor.getOrCreate('a', 'memory', { cacheSize: 1 });
// @ts-expect-error: not a kind of value
await distributor.getOrCreate<number>('a', 'memory');
const backend: Backend = texts.backend;
await distributor.getOrCreate('a', backend);
same<StoreStats[], Awaited<ReturnType<Distributor['stats']>>['stores']>(true);
same<StoreStats, Awaited<ReturnType<typeof texts.stats>>>(true);
const { memory } = await texts.stats();
same<StoreMemory, typeof memory>(true);
same<number, (typeof memory)['cache']>(true);

same<string | undefined, Awaited<ReturnType<typeof texts.get>>>(true);
same<Uint8Array | undefined, Awaited<ReturnType<typeof blobs.get>>>(true);
await texts.set('k', 'v', { expiresIn: 5 });
await blobs.set('k', Buffer.from('v'));
await both.compareAndSwap('k', 'v', new Uint8Array(1));
await both.compareAndSwap('k', 'v', undefined);
// @ts-expect-error: a store of strings
await texts.set('k', new Uint8Array(1));
// @ts-expect-error: keys are strings
await texts.get(5);
// @ts-expect-error: nothing is no value
await texts.set('k', undefined);
await texts.setBatch({ a: 'b', c: undefined });
await texts.setBatch(new Map([['a', 'b']]));
await texts.setBatch([['a', 'b'], ['c', undefined]]);
// @ts-expect-error: no numbers
await texts.setBatch({ a: 5 });

await texts.iterate('', (key, value) => key === value);
await texts.iterate('', async () => {});
// @ts-expect-error: a callback answers false, or nothing of meaning
await texts.iterate('', () => 5);
const range = { prefix: 'a', start: 'a', end: 'b', reverse: true, limit: 5 };
for await (const [key, value] of blobs.entries(range)) {
    same<[string, Uint8Array], [typeof key, typeof value]>(true);
}
for await (const key of texts.keys()) {
    same<string, typeof key>(true);
}

const answer = await texts.transaction(async (tx) => {
    same<Transaction<string>, typeof tx>(true);
    await tx.set('k', await tx.get('k') ?? '');
    return 5;
}, { attempts: 3 });
same<number, typeof answer>(true);
await texts.withLock('k', { ttl: 5, timeout: 0 }, (lock) => {
    same<Lock, typeof lock>(true);
});
for await (const change of blobs.watch({ prefix: 'a' })) {
    same<StoreChange<Uint8Array>, typeof change>(true);
    if (change.type === 'set') {
        same<Uint8Array, typeof change.value>(true);
    }
    // @ts-expect-error: not every change has a value
    change.value;
}
const saved: number = await texts.save('file') + await texts.load('file') + await texts.count({ prefix: '' });
const done: void = await texts.close();
export { saved, done };
