import { open as openLmdb } from 'lmdb';

export const settings = {
    'key-value memory': 'encoding: string, getBinary; noSync: true',
    'key-value disk': 'encoding: string, getBinary; overlappingSync: false, synchronised before a promise '
        + 'settles; a batch is one transaction',
};

export async function open(directory, { durability = 'sync' } = {}) {
    const database = openLmdb({
        path: directory, encoding: 'string', overlappingSync: false, noSync: durability === 'os',
    });
    return {
        get: (key) => database.get(key),
        getBytes: (key) => database.getBinary(key),
        set: (key, value) => database.put(key, value),
        setBatch: (pairs) => database.batch(() => {
            for (const [key, value] of pairs) {
                database.put(key, value);
            }
        }),
        scan(callback) {
            for (const { key, value } of database.getRange()) {
                callback(key, value);
            }
        },
        close: () => database.close(),
    };
}
