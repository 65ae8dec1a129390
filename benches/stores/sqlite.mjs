import path from 'node:path';
import Database from 'better-sqlite3';

const SYNCHRONOUS = { sync: 'FULL', os: 'NORMAL' };

export const settings = {
    sync: 'journal_mode: WAL, synchronous: FULL; sets in flight are one transaction',
    os: 'journal_mode: WAL, synchronous: NORMAL, a power cut may cost the last writes; '
        + 'sets in flight are one transaction',
};

export async function open(directory, { durability = 'sync' } = {}) {
    const database = new Database(path.join(directory, 'documents.sqlite'));
    database.pragma('journal_mode = WAL');
    database.pragma(`synchronous = ${ SYNCHRONOUS[durability] }`);
    database.exec('CREATE TABLE IF NOT EXISTS documents (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID');
    const get = database.prepare('SELECT value FROM documents WHERE key = ?').pluck();
    const set = database.prepare('INSERT OR REPLACE INTO documents VALUES (?, ?)');
    const page = database.prepare('SELECT value FROM documents ORDER BY key LIMIT ? OFFSET ?').pluck();
    const setMany = database.transaction((pairs) => (
        pairs.map(([key, document]) => set.run(key, JSON.stringify(document)))
    ));
    return {
        get: (key) => JSON.parse(get.get(key)),
        set: (key, document) => set.run(key, JSON.stringify(document)),
        setMany: (pairs) => setMany.immediate(pairs),
        isStored: ({ changes }) => changes === 1,
        page: (offset, limit) => page.all(limit, offset).map((text) => JSON.parse(text)),
        close: () => database.close(),
    };
}
