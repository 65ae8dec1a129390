import path from 'node:path';
import Nedb from '@seald-io/nedb';

export const settings = {
    os: 'appends to its file and never calls fsync, so it has rows with durability os only; '
        + 'new documents in flight are inserted as one array',
};

export const keepsAllInMemory = true;

export async function open(directory) {
    const database = new Nedb({ filename: path.join(directory, 'documents.nedb') });
    await database.loadDatabaseAsync();
    const set = (key, document) => (
        database.updateAsync({ _id: key }, { ...document, _id: key }, { upsert: true })
    );
    return {
        asynchronous: true,
        get: (key) => database.findOneAsync({ _id: key }),
        set,
        setMany: (pairs) => Promise.all(pairs.map(([key, document]) => set(key, document))),
        insertMany: (pairs) => (
            database.insertAsync(pairs.map(([key, document]) => ({ ...document, _id: key })))
        ),
        isStored: ({ numAffected }) => numAffected === 1,
        page: (offset, limit) => (
            database.findAsync({}).sort({ _id: 1 }).skip(offset).limit(limit).execAsync()
        ),
        close: () => undefined,
    };
}
