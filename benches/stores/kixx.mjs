import { Datastore } from '../../index.mjs';

export const settings = 'durability: sync (fdatasync before a promise settles)';

export async function open(directory, { documents }) {
    const datastore = await new Datastore({ directory, cache: { maxDocuments: documents } }).load();
    const uncached = await new Datastore({ directory, cache: false }).load();
    return {
        asynchronous: true,
        get: (key) => datastore.getItem(key),
        getUncached: (key) => uncached.getItem(key),
        set: (key, document) => datastore.setItem(key, document),
        setMany: (pairs) => Promise.all(pairs.map(([key, document]) => datastore.setItem(key, document))),
        async page(offset, limit) {
            const options = { inclusiveStartIndex: offset, limit, includeDocuments: true };
            const { items } = await datastore.queryKeys(options);
            return items.map((item) => item.document);
        },
        async close() {
            await uncached.close();
            await datastore.close();
        },
    };
}
