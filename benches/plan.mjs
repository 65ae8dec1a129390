// What is measured: cases, each of them one kind of work for some stores. Cases of one block take turns.

/**
 * Stores by the names of their adapters, in the order of the columns. The data set `files` are plain JSON
 * files; `none` is for who makes its documents itself. Every other store has a data set of its own.
 */
export const STORES = {
    kixx: { title: 'kixx-datastore', kind: 'ours', dataset: 'files' },
    lmdb: { title: 'lmdb', kind: 'peer', package: 'lmdb' },
    sqlite: { title: 'better-sqlite3', kind: 'peer', package: 'better-sqlite3' },
    level: { title: 'classic-level', kind: 'peer', package: 'classic-level' },
    nedb: { title: 'nedb', kind: 'peer', package: '@seald-io/nedb' },
    original: { title: 'JavaScript Kixx', kind: 'limit', dataset: 'files' },
    map: { title: 'bare limit', kind: 'limit', dataset: 'none' },
    append: { title: 'bare limit', kind: 'limit' },
    'kixx-disk': { title: "storage: 'disk'", kind: 'ours' },
    'kv-memory': { title: 'kixx-datastore', kind: 'ours' },
    'kv-disk': { title: 'kixx-datastore', kind: 'ours' },
    'kv-lmdb': { title: 'lmdb', kind: 'peer', package: 'lmdb' },
    'kv-level': { title: 'classic-level', kind: 'peer', package: 'classic-level' },
    'kv-map': { title: 'bare limit', kind: 'limit' },
};

const ROUNDS_MAX = 3;
const SHAPES = ['small', 'large'];
const GROWTH = [-1, -0.5, 0, 0.5, 1];

const READERS = ['kixx', 'lmdb', 'sqlite', 'level', 'nedb', 'map'];
const WRITERS = ['kixx', 'lmdb', 'sqlite', 'level', 'append'];
const STORAGES = ['kixx', 'kixx-disk'];

/** The names that `--only` knows. */
export const PARTS = [
    ...Array.from({ length: 11 }, (_, index) => `P${ index + 1 }`),
    ...Array.from({ length: 7 }, (_, index) => `K${ index + 1 }`),
    'read', 'write', 'import', 'view', 'load', 'loop', 'threads', 'kv', 'shapes', 'growth',
];

/**
 * The blocks of a run, in order. A case has an id, the row module that measures it, the parts that it
 * belongs to, its stores, and what its jobs are told. `fresh` cases begin with an empty directory, others
 * share a data set.
 */
export function makePlan({ documents, rounds, milliseconds, seed, only, peers }) {
    const tenth = Math.round(documents / 10);
    const few = Math.min(rounds, ROUNDS_MAX);
    const base = { shape: 'medium', documents, milliseconds, seed, durability: 'sync', rounds };
    const blocks = [
        [{ ...base, id: 'read', parts: ['P1', 'P2', 'P5'], stores: READERS }],
        [{ ...base, id: 'view', parts: ['P6', 'P7'], stores: ['kixx'] }],
        storageBlock({ ...base, parts: ['K7'], rounds: few, stores: STORAGES }),
        [
            writing({ ...base, id: 'write', parts: ['P3', 'P4'], stores: WRITERS, documents: documents / 5 }),
            writing({
                ...base, id: 'write-os', durability: 'os', documents: documents / 5, rounds: few,
                stores: [...WRITERS, 'nedb'],
            }),
        ],
        [
            {
                ...base, id: 'load', parts: ['P8', 'P9'], documents: tenth,
                stores: ['kixx', 'lmdb', 'sqlite', 'level', 'nedb', 'original'],
            },
            {
                ...base, id: 'load-many', module: 'load', parts: ['P8', 'P9'], rounds: few,
                stores: ['kixx', 'lmdb', 'sqlite', 'level', 'nedb', 'original'],
            },
        ],
        ...SHAPES.map((shape) => shapeBlock({ ...base, shape, documents: tenth, rounds: few })),
        [{
            ...base, id: 'loop', parts: ['P11'], rounds: few,
            stores: ['kixx', 'lmdb', 'sqlite', 'level', 'nedb'],
        }],
        [{ ...base, id: 'threads', documents: tenth, fresh: true, stores: ['kixx', 'lmdb', 'sqlite'] }],
        [{
            ...base, id: 'import', fresh: true, rounds: Math.min(few, 2),
            stores: ['kixx', 'lmdb', 'sqlite', 'level'],
        }],
        keyValueBlock({ ...base, module: 'kv', fresh: true }),
        GROWTH.map((power) => Math.round(documents * 10 ** power)).map((size) => ({
            ...base, id: `growth-${ size }`, module: 'growth', parts: ['growth', 'P10'], rounds: few,
            documents: size, hot: tenth, stores: ['kixx', 'lmdb', 'sqlite'],
        })),
    ];
    return blocks
        .map((block) => block.map((one) => complete(one, peers)).filter((one) => isWanted(one, only)))
        .filter((block) => block.length > 0);
}

/** The same rows over JSON files and over the disk store. */
function storageBlock(base) {
    return [
        { ...base, id: 'storage-read', module: 'read' },
        { ...base, id: 'storage-view', module: 'view' },
        writing({ ...base, id: 'storage-write', documents: base.documents / 5 }),
    ];
}

function keyValueBlock(base) {
    return [
        {
            ...base, id: 'kv-memory', durability: 'os', parts: ['K1', 'K5', 'K6'],
            stores: ['kv-memory', 'kv-lmdb', 'kv-map'],
        },
        {
            ...base, id: 'kv-disk', parts: ['K2', 'K3', 'K4', 'K5', 'K6'],
            stores: ['kv-disk', 'kv-lmdb', 'kv-level'],
        },
    ];
}

function shapeBlock(base) {
    const parts = ['shapes'];
    return [
        { ...base, id: `read-${ base.shape }`, module: 'read', parts, stores: READERS },
        writing({ ...base, id: `write-${ base.shape }`, parts, stores: WRITERS }),
        { ...base, id: `load-${ base.shape }`, module: 'load', parts, stores: ['kixx', 'nedb', 'original'] },
    ];
}

function writing(one) {
    return { ...one, module: 'write', fresh: true, documents: Math.round(one.documents) };
}

function complete(one, peers) {
    const module = one.module ?? one.id;
    return {
        fresh: false,
        ...one,
        module,
        parts: [...(one.parts ?? []), module],
        stores: one.stores.filter((store) => peers || STORES[store].kind !== 'peer'),
    };
}

function isWanted({ parts }, only) {
    return only === undefined || parts.some((part) => only.includes(part));
}
