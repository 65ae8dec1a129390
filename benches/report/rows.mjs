// The rows of the report, and the goals that they have to reach.

import { STORES } from '../plan.mjs';

/** Our store in its case, whatever its adapter. */
export const OURS = 'ours';

/** Which figures of a unit are better. */
export const UNITS = {
    us: { better: 'lower' },
    ms: { better: 'lower' },
    'documents/s': { better: 'higher' },
    'reads/s': { better: 'higher' },
    'entries/s': { better: 'higher' },
    'writes/s': { better: 'higher' },
    'x JSON': { better: 'lower' },
    'x resident': { better: 'closer to 1' },
};

/**
 * A goal: an id of the list of goals, what it asks for, and the value that is compared, from a function
 * `figure(store, row?, caseId?)` which knows the row's own case.
 */
const goal = (id, text, value, bounds) => ({ id, text, value, ...bounds });

const titleOf = (store) => STORES[store].title;

const timesFaster = (id, store, times) => goal(
    id, `${ times }x as fast as ${ titleOf(store) }`,
    (figure, row) => figure(store, row) / figure(OURS, row), { least: times },
);
const faster = (id, store) => goal(
    id, `faster than ${ titleOf(store) }`,
    (figure, row) => figure(store, row) / figure(OURS, row), { least: 1 },
);
const within = (id, store, times) => goal(
    id, `at most ${ times }x ${ titleOf(store) }`,
    (figure, row) => figure(OURS, row) / figure(store, row), { most: times },
);
const withinRow = (id, other, times, name) => goal(
    id, `at most ${ times }x ${ name }`,
    (figure, row) => figure(OURS, row) / figure(OURS, other), { most: times },
);
const least = (id, bound, text) => goal(id, text, (figure, row) => figure(OURS, row), { least: bound });
const most = (id, bound, text) => goal(id, text, (figure, row) => figure(OURS, row), { most: bound });

const noBlock = [most('P11', 10, 'at most 10 ms')];
const reading = [
    ['getFew', 'get, 1,000 hot ones', 'us', []],
    ['getHot', 'get, 10,000 hot ones', 'us', [timesFaster('P1', 'lmdb', 3)]],
    ['getCached', 'get, all in a larger cache', 'us', []],
    ['getCold', 'get, cache off', 'us', [within('P2', 'lmdb', 1.5)]],
    ['pageStart', 'page of 20, hot, at 0', 'us', [timesFaster('P5', 'lmdb', 2)]],
    ['pageMiddle', 'page of 20, hot, at N/2', 'us', [withinRow('P5', 'pageStart', 1.3, 'the page at 0')]],
    ['pageCold', 'page of 20, cache off, anywhere', 'us', []],
];
const writing = [
    ['setMany', 'set, 1,000 in flight', 'us', [
        timesFaster('P3', 'lmdb', 1.3), timesFaster('P3', 'sqlite', 1.3),
    ]],
    ['setOne', 'set, one awaited', 'us', [within('P4', 'append', 1.6), faster('P4', 'lmdb')]],
    ['setOneP99', 'the same, 99 of 100 within', 'us', []],
];
const viewing = [
    ['viewPageStart', 'view page of 20, at 0', 'us', [
        withinRow('P6', 'pageStart', 1.3, 'a page of keys'),
    ]],
    ['viewPageMiddle', 'view page of 20, at N/2', 'us', [
        withinRow('P6', 'pageMiddle', 1.3, 'a page of keys'),
    ]],
    ['pageStart', 'page of keys, same process, at 0', 'us', []],
    ['pageMiddle', 'page of keys, same process, at N/2', 'us', []],
    ['viewBuild', 'first build', 'documents/s', [least('P7', 400_000, '400,000 or more')]],
    ['viewBuildLimit', 'JSON.parse and map function alone', 'documents/s', []],
    ['catchUpOne', 'query after 1 document changed', 'ms', []],
    ['catchUpMany', 'query after 1,000 documents changed', 'ms', []],
];
const loading = [
    ['load', 'load, each document', 'us'],
    ['open', 'load or open', 'ms'],
    ['memory', 'resident set', 'x JSON'],
    ['memoryCounted', 'of it told by stats()', 'x resident'],
];
// The JavaScript Kixx loads few files only, and few documents are less than what any process takes.
const loadingGoals = { load: [timesFaster('P8', 'original', 8)] };
const memoryGoals = {
    memory: [most('P9', 1.6, 'at most 1.6x')],
    memoryCounted: [
        goal('P9', 'within 15 %', (figure, row) => Math.abs(figure(OURS, row) - 1), { most: 0.15 }),
    ],
};

/** The rows with these goals only. */
const withGoals = (rows, goals) => rows.map(([row, label, unit]) => [row, label, unit, goals[row] ?? []]);
const plain = (rows) => withGoals(rows, {});

/** Rows of key-value stores, with these goals. */
const keyValues = (goals) => withGoals([
    ['get', 'get, strings, any order', 'us'],
    ['getBytes', 'get, bytes, any order', 'us'],
    ['scan', 'scan of all, keys and strings', 'entries/s'],
    ['batch', 'batch of 1,000, each entry', 'us'],
    ['setOne', 'set, one awaited', 'us'],
    ['setOneP99', 'the same, 99 of 100 within', 'us'],
    ['set', 'set, 1,000 in flight', 'us'],
    ['compareAndSwap', 'compareAndSwap, 1,000 in flight', 'us'],
    ['setNew', 'set of a new key, 1,000 in flight', 'us'],
    ['setNx', 'setNx of a new key, 1,000 in flight', 'us'],
    ['fill', 'all new, in batches of 1,000, each', 'us'],
    ['fillClosed', 'until the store is closed, each', 'us'],
], goals);
const conditional = {
    setNx: [withinRow('K5', 'setNew', 1.5, 'set')],
    compareAndSwap: [withinRow('K5', 'set', 1.5, 'set')],
};
const memoryStore = keyValues({
    ...conditional,
    get: [timesFaster('K1', 'kv-lmdb', 1.5)],
    getBytes: [timesFaster('K1', 'kv-lmdb', 1.5)],
}).filter(([row]) => !['setOne', 'setOneP99', 'fillClosed'].includes(row));
const diskStore = keyValues({
    ...conditional,
    get: [within('K2', 'kv-lmdb', 1.5)],
    getBytes: [within('K2', 'kv-lmdb', 1.5)],
    batch: [faster('K3', 'kv-lmdb'), faster('K3', 'kv-level')],
    setOne: [faster('K4', 'kv-lmdb')],
});

/** Sections: a title with the documents of its case, the id of the case, rows `[row, label, unit, goals]`. */
export const SECTIONS = [
    { title: 'Reading', id: 'read', rows: reading },
    { title: 'Writing, durability sync', id: 'write', rows: writing },
    { title: 'Writing, durability os', id: 'write-os', rows: plain(writing) },
    {
        title: 'Many new documents, 1,000 in flight, durability sync', id: 'import', rows: [
            ['import', 'until the last is acknowledged, each', 'us', []],
            ['importClosed', 'until the store is closed, each', 'us', []],
        ],
    },
    { title: 'Views', id: 'view', rows: viewing },
    { title: 'Loading and memory', id: 'load', rows: withGoals(loading, loadingGoals) },
    { title: 'Loading and memory', id: 'load-many', rows: withGoals(loading, memoryGoals) },
    {
        title: 'Longest block of the event loop', id: 'loop', rows: [
            ['sets', '10,000 sets in flight, begun in slices of 100', 'ms', noBlock],
            ['setsAtOnce', '10,000 sets in flight, begun in one loop', 'ms', []],
            ['viewBuild', 'first build of a view', 'ms', noBlock],
            ['scan', 'scan() of all documents', 'ms', noBlock],
            ['checkpoint', 'while JSON files are written', 'ms', noBlock],
            ['reads', 'the same reads, and no files are written', 'ms', []],
            ['idle', 'nothing at all', 'ms', []],
        ],
    },
    {
        title: 'Threads', id: 'threads', rows: [
            ['readsAlone', 'hot gets, nobody writes', 'reads/s', []],
            ['readsBeside', 'hot gets while a thread writes', 'reads/s', []],
            ['writesBeside', 'sets of that thread, 100 at a time', 'writes/s', []],
            ['readers1', '1 worker thread, cache off', 'reads/s', []],
            ['readers2', '2 worker threads, cache off', 'reads/s', []],
            ['readersHot1', '1 worker thread, hot', 'reads/s', []],
            ['readersHot2', '2 worker threads, hot', 'reads/s', []],
        ],
    },
    {
        title: 'Key-value store, memory', id: 'kv-memory', what: 'values of 100 bytes', rows: memoryStore,
    },
    {
        title: 'Key-value store, disk, durability sync', id: 'kv-disk', what: 'values of 100 bytes',
        rows: diskStore,
    },
    { title: "Reading, storage 'files' and 'disk'", id: 'storage-read', rows: plain(reading) },
    { title: "Writing, storage 'files' and 'disk'", id: 'storage-write', rows: plain(writing) },
    { title: "Views, storage 'files' and 'disk'", id: 'storage-view', rows: plain(viewing) },
    ...['small', 'large'].flatMap((shape) => [
        { title: 'Reading', id: `read-${ shape }`, rows: plain(reading) },
        { title: 'Writing, durability sync', id: `write-${ shape }`, rows: plain(writing) },
        { title: 'Loading and memory', id: `load-${ shape }`, rows: plain(loading) },
    ]),
];

/** Goal P10: the last size against the first. */
export const GROWTH_MOST = 2;
const grows = { id: 'P10', text: `at most ${ GROWTH_MOST }x`, most: GROWTH_MOST };

/** Rows of growth: `[row, label, unit, goal]`. */
export const GROWTH_ROWS = [
    ['getHot', 'get, hot', 'us', grows],
    ['getCold', 'get, cache off', 'us', grows],
    ['setMany', 'set, 1,000 in flight', 'us'],
    ['pageStart', 'page of 20, at 0', 'us', grows],
    ['pageMiddle', 'page of 20, at N/2', 'us', grows],
    ['viewPageStart', 'view page of 20, at 0', 'us', grows],
    ['viewPageMiddle', 'view page of 20, at N/2', 'us', grows],
    ['viewBuild', 'view, first build', 'documents/s'],
    ['catchUpOne', 'view, query after 1 document changed', 'ms', { ...grows, id: 'P7' }],
    ['load', 'load, each document', 'us'],
    ['memory', 'resident set', 'x JSON'],
    ['memoryCounted', 'of it told by stats()', 'x resident'],
];
