import { open as openLmdb } from 'lmdb';

export const settings = {
    sync: 'shared structures; overlappingSync: false, synchronised before a promise settles',
    os: 'shared structures; noSync: true, a power cut may cost the last writes or break the file',
};

export async function open(directory, { durability = 'sync' } = {}) {
    const database = openLmdb({
        path: directory,
        overlappingSync: false,
        noSync: durability === 'os',
        sharedStructuresKey: Symbol.for('structures'),
    });
    return {
        get: (key) => database.get(key),
        set: (key, document) => database.put(key, document),
        setMany: (pairs) => Promise.all(pairs.map(([key, document]) => database.put(key, document))),
        isStored: (answer) => answer === true,
        page(offset, limit) {
            // From the empty string on: the structures lie before it.
            const range = database.getRange({ start: '', offset, limit });
            return range.map(({ value }) => value).asArray;
        },
        close: () => database.close(),
    };
}
