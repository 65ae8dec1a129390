import { ClassicLevel } from 'classic-level';

const PORTION = 1_000;

export const settings = {
    'key-value disk': 'getSync; batch and put with sync: true; scans take 1,000 entries at a time',
};

export async function open(directory, { durability = 'sync' } = {}) {
    const database = new ClassicLevel(directory);
    await database.open();
    const how = { sync: durability === 'sync' };
    const bytes = { valueEncoding: 'view' };
    return {
        get: (key) => database.getSync(key),
        getBytes: (key) => database.getSync(key, bytes),
        async set(key, value) {
            await database.put(key, value, how);
            return true;
        },
        async setBatch(pairs) {
            await database.batch(pairs.map(([key, value]) => ({ type: 'put', key, value })), how);
            return true;
        },
        async scan(callback) {
            const iterator = database.iterator();
            try {
                let entries;
                do {
                    entries = await iterator.nextv(PORTION);
                    entries.forEach(([key, value]) => callback(key, value));
                } while (entries.length > 0);
            } finally {
                await iterator.close();
            }
        },
        close: () => database.close(),
    };
}
