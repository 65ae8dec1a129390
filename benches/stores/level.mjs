import { ClassicLevel } from 'classic-level';

const SKIP = 1_000;

export const settings = {
    sync: 'valueEncoding: json, getSync; sync: true; sets in flight are one batch',
    os: 'valueEncoding: json, getSync; sync: false, a power cut may cost the last writes; '
        + 'sets in flight are one batch',
};

export async function open(directory, { durability = 'sync' } = {}) {
    const database = new ClassicLevel(directory, { valueEncoding: 'json' });
    await database.open();
    const how = { sync: durability === 'sync' };
    return {
        asynchronous: 'pages and writes',
        get: (key) => database.getSync(key),
        set: (key, document) => database.put(key, document, how),
        async setMany(pairs) {
            await database.batch(pairs.map(([key, value]) => ({ type: 'put', key, value })), how);
            return pairs.map(() => undefined);
        },
        isStored: (answer) => answer === undefined,
        async page(offset, limit) {
            return database.values({ gte: await keyAt(database, offset), limit }).all();
        },
        close: () => database.close(),
    };
}

/** There is no offset, so keys are passed over, many at a time. */
async function keyAt(database, offset) {
    const keys = database.keys();
    try {
        let passed = 0;
        while (passed + SKIP <= offset) {
            passed += (await keys.nextv(SKIP)).length;
        }
        return (await keys.nextv(offset - passed + 1)).at(-1);
    } finally {
        await keys.close();
    }
}
