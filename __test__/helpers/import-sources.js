'use strict';

// Writes what people come from, each with its own library, and says what has to arrive here.

const fs = require('node:fs');
const path = require('node:path');
const { createRequire } = require('node:module');
const { pathToFileURL } = require('node:url');

const DIRECTORY = path.join(__dirname, '..', 'importers');
const requirePeer = createRequire(path.join(DIRECTORY, 'package.json'));

const TEXT = 'ü "quoted" \\ \u2028 😀';
const WHEN = new Date(Date.UTC(2024, 1, 29, 12, 30, 0, 5));

/** NeDB: an index, updates, a deletion, dates, not compacted; then compacted and written on. */
async function writeNedb(file) {
    const Nedb = requirePeer('@seald-io/nedb');
    const db = new Nedb({ filename: file });
    await db.loadDatabaseAsync();
    await db.ensureIndexAsync({ fieldName: 'name', unique: true });
    await db.insertAsync([
        { _id: 'u1', name: 'Jane', born: WHEN, list: [WHEN, { deep: WHEN }], nothing: null },
        { _id: 'u2', name: 'Omar' },
        { _id: 'u3', name: TEXT },
    ]);
    await db.updateAsync({ _id: 'u2' }, { $set: { name: 'Omar II' } });
    await db.compactDatafileAsync();
    await db.removeAsync({ _id: 'u3' });
    await db.updateAsync({ _id: 'u1' }, { $set: { visits: 2 } });
    await db.insertAsync({ _id: 'u4', name: 'gone' });
    await db.removeAsync({ _id: 'u4' });
    await db.insertAsync({ _id: 'u3', name: `${ TEXT } again` });
    return db.getAllData();
}

const NEDB = {
    u1: {
        _id: 'u1', name: 'Jane', born: WHEN.toJSON(), list: [WHEN.toJSON(), { deep: WHEN.toJSON() }],
        nothing: null, visits: 2,
    },
    u2: { _id: 'u2', name: 'Omar II' },
    u3: { _id: 'u3', name: `${ TEXT } again` },
};

/** lowdb: collections of arrays and of objects, single documents, plain values. */
async function writeLowdb(file) {
    const { JSONFilePreset } = await import(pathToFileURL(requirePeer.resolve('lowdb/node')).href);
    const db = await JSONFilePreset(file, { posts: [] });
    db.data.posts.push({ id: 7, title: TEXT }, { title: 'no id' });
    db.data.users = { jane: { age: 31 }, omar: { age: 44, when: WHEN } };
    db.data.settings = { theme: 'dark', size: 3 };
    Object.assign(db.data, { tags: ['a', 'b'], visits: 12, none: null, empty: {}, drafts: [] });
    await db.write();
}

const LOWDB = {
    'posts:7': { id: 7, title: TEXT },
    'posts:1': { title: 'no id' },
    'users:jane': { age: 31 },
    'users:omar': { age: 44, when: WHEN.toJSON() },
    'settings': { theme: 'dark', size: 3 },
    'tags': { value: ['a', 'b'] },
    'visits': { value: 12 },
    'none': { value: null },
    'empty': {},
};

const LOKI_METHODS = ['normal', 'pretty', 'destructured', 'structured'];

/** LokiJS: two collections and an empty one, a removed document, saved in one of four ways. */
async function writeLoki(file, method) {
    const Loki = requirePeer('lokijs');
    const Structured = requirePeer('lokijs/src/loki-fs-structured-adapter.js');
    const adapter = method === 'structured' ? new Structured() : new Loki.LokiFsAdapter();
    const db = new Loki(file, { adapter, serializationMethod: method === 'structured' ? 'normal' : method });
    const users = db.addCollection('users', { indices: ['name'] });
    db.addCollection('nobody');
    const posts = db.addCollection('posts');
    users.insert([{ name: 'Jane', born: WHEN }, { name: 'gone' }, { name: TEXT }]);
    users.remove(users.findOne({ name: 'gone' }));
    users.update(Object.assign(users.findOne({ name: 'Jane' }), { visits: 2 }));
    posts.insert({ title: 'Hello', tags: ['a', { b: 1 }] });
    await new Promise((resolve, reject) => {
        db.saveDatabase((error) => (error ? reject(error) : resolve()));
    });
}

const LOKI = {
    'users:1': { name: 'Jane', born: WHEN.toJSON(), visits: 2 },
    'users:3': { name: TEXT },
    'posts:1': { title: 'Hello', tags: ['a', { b: 1 }] },
};

/** LevelDB: sublevels, one in another, and keys beside them. */
async function writeLevel(directory) {
    const { ClassicLevel } = requirePeer('classic-level');
    const db = new ClassicLevel(directory, { valueEncoding: 'json' });
    await db.put('plain', { n: 1 });
    await db.put('gone', { n: 2 });
    await db.del('gone');
    const users = db.sublevel('users', { valueEncoding: 'json' });
    await users.put('jane', { name: 'Jane', text: TEXT });
    await users.sublevel('old', { valueEncoding: 'json' }).put('omar', { name: 'Omar', when: WHEN });
    const many = Array.from({ length: 1200 }, (_, n) => ({ type: 'put', key: `many:${ n }`, value: { n } }));
    await db.batch(many);
    await db.close();
}

const LEVEL = {
    'plain': { n: 1 },
    'users:jane': { name: 'Jane', text: TEXT },
    'users:old:omar': { name: 'Omar', when: WHEN.toJSON() },
    ...Object.fromEntries(Array.from({ length: 1200 }, (_, n) => [`many:${ n }`, { n }])),
};

/** The table of Kixx's document store, with an index column that an application asked for. */
const KIXX_TABLE = `
    CREATE TABLE documents (
        type TEXT NOT NULL, id TEXT NOT NULL, sort_key TEXT, version INTEGER NOT NULL DEFAULT 1,
        created_at TEXT NOT NULL, updated_at TEXT NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (type, id));
    CREATE INDEX idx_type_sort_key ON documents (type, sort_key);
    ALTER TABLE documents ADD COLUMN key_email
        TEXT GENERATED ALWAYS AS (json_extract(doc, '$.email')) VIRTUAL;
    CREATE INDEX idx_type_custom_key_email ON documents (type, key_email);`;

const DAY = '2025-01-02T00:00:00.000Z';
const NEXT_DAY = '2025-01-03T00:00:00.000Z';

/** The rows as the document store writes them, with an open database of either library. */
function writeKixxSqlite(database, { many = 0 } = {}) {
    database.exec(KIXX_TABLE);
    const put = database.prepare(`INSERT INTO documents
        (type, id, sort_key, version, created_at, updated_at, doc) VALUES (?, ?, ?, ?, ?, ?, ?)`);
    database.exec('BEGIN');
    put.run('User', '1', 'jane', 3, DAY, NEXT_DAY, JSON.stringify({ name: 'Jane', email: 'jane@x.org' }));
    put.run('User', '2', null, 1, DAY, DAY, JSON.stringify({ name: TEXT, createdAt: 'mine' }));
    put.run('Post', 'hello', '2025', 1, DAY, DAY, JSON.stringify({ tags: ['a'], price: 1.5 }));
    for (let n = 0; n < many; n += 1) {
        put.run('Many', String(n), null, 1, DAY, DAY, JSON.stringify({ n }));
    }
    database.exec('COMMIT');
    database.close();
}

const KIXX_SQLITE = {
    'User:1': {
        type: 'User', id: '1', sortKey: 'jane', name: 'Jane', email: 'jane@x.org',
        createdAt: DAY, updatedAt: NEXT_DAY,
    },
    'User:2': { type: 'User', id: '2', name: TEXT, createdAt: 'mine', updatedAt: DAY },
    'Post:hello': {
        type: 'Post', id: 'hello', sortKey: '2025', tags: ['a'], price: 1.5, createdAt: DAY, updatedAt: DAY,
    },
};

/** Makes the golden files anew: `node __test__/helpers/import-sources.js <empty directory>`. */
async function writeAll(directory) {
    fs.mkdirSync(directory, { recursive: true });
    await writeNedb(path.join(directory, 'nedb.db'));
    await writeLowdb(path.join(directory, 'lowdb.json'));
    for (const method of LOKI_METHODS) {
        await writeLoki(path.join(directory, `loki-${ method }.db`), method);
    }
    const { DatabaseSync } = require('node:sqlite');
    writeKixxSqlite(new DatabaseSync(path.join(directory, 'kixx.sqlite')));
}

if (require.main === module) {
    writeAll(process.argv[2]);
}

module.exports = {
    DIRECTORY, KIXX_SQLITE, LEVEL, LOKI, LOKI_METHODS, LOWDB, NEDB, requirePeer,
    writeKixxSqlite, writeLevel, writeLoki, writeLowdb, writeNedb,
};
