import { open as openLmdb } from 'lmdb';

export const settings = 'shared structures; overlappingSync: false (synchronised before a promise settles)';

export async function open(directory) {
    const database = openLmdb({
        path: directory,
        overlappingSync: false,
        sharedStructuresKey: Symbol.for('structures'),
    });
    return {
        get: (key) => database.get(key),
        getUncached: (key) => database.get(key),
        set: (key, document) => database.put(key, document),
        setMany: (pairs) => Promise.all(pairs.map(([key, document]) => database.put(key, document))),
        page(offset, limit) {
            // From the empty string on: the structures lie before it.
            const range = database.getRange({ start: '', offset, limit });
            return range.map(({ value }) => value).asArray;
        },
        close: () => database.close(),
    };
}
