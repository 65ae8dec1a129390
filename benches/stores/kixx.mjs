import { Datastore } from '../../index.mjs';

export const settings = {
    sync: 'durability: sync, fdatasync before a promise settles',
    os: 'durability: os, a power cut may cost the last writes',
};

export const keepsAllInMemory = true;
export const hasViews = true;

/**
 * @param options `cache`: how many documents to keep parsed; 0 turns the cache off; `storage` as that of a
 *     Datastore
 */
export async function open(directory, { durability = 'sync', cache = 0, storage = 'files' } = {}) {
    const options = { directory, durability, storage, cache: cache > 0 && { maxDocuments: cache } };
    const datastore = await new Datastore(options).load();
    return {
        asynchronous: true,
        datastore,
        get: (key) => datastore.getItem(key),
        set: (key, document) => datastore.setItem(key, document),
        setMany: (pairs) => Promise.all(pairs.map(([key, document]) => datastore.setItem(key, document))),
        isStored: (answer, document) => answer.visits === document.visits,
        async page(offset, limit) {
            const range = { inclusiveStartIndex: offset, limit, includeDocuments: true };
            const { items } = await datastore.queryKeys(range);
            return items.map((item) => item.document);
        },
        /** Resolves once the JSON files have every write, so that nothing goes on in the background. */
        async settle() {
            while ((await datastore.stats()).backlog > 0) {
                await new Promise((resolve) => setTimeout(resolve, 5));
            }
        },
        close: () => datastore.close(),
    };
}
