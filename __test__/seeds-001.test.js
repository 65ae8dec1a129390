'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { codeBlocks, runCases } = require('./helpers/seeds.js');
const {
    kixx, testFiles, openStore, makeStore, otherHandle, errorOf, allItems,
} = require('./helpers/store.js');
const { cleanup, newDirectory } = require('./helpers/temp.js');

const ALL = codeBlocks('seed-001.md');
const BLOCKS = ALL.filter((block) => block.language === 'javascript');
const USER = { name: 'John Doe', email: 'john@example.com', createdAt: '2024-01-15T10:00:00.000Z' };

/** Users 1 to `count`, each with its id, of which every second is active. */
async function addUsers(store, count) {
    for (let i = 1; i <= count; i += 1) {
        const id = `user:${ String(i).padStart(2, '0') }`;
        const status = i % 2 === 0 ? 'active' : 'idle';
        await store.setItem(id, { ...USER, id, status, email: `${ 99 - i }@example.com` });
    }
}

/** Returns at a later millisecond than it was called, as the ids of the services come from the clock. */
function nextMillisecond() {
    const start = Date.now();
    while (Date.now() === start) {
        // The clock moves on by itself.
    }
}

/** A file system in memory with the four methods of the text, and the calls that it got. */
function memoryFileSystem(files) {
    const calls = [];
    return {
        calls,
        async readDocumentDirectory(directory) {
            calls.push(['readDocumentDirectory', directory]);
            return [...files.keys()].map((file) => path.basename(file));
        },
        async readDocumentFile(file) {
            calls.push(['readDocumentFile', path.basename(file)]);
            return files.get(path.basename(file));
        },
        async writeDocumentFile(file, document) {
            calls.push(['writeDocumentFile', path.basename(file)]);
            files.set(path.basename(file), document);
        },
        async removeDocumentFile(file) {
            calls.push(['removeDocumentFile', path.basename(file)]);
            files.delete(path.basename(file));
        },
    };
}

const CASES = [
    ['initialization', async (store, block, runner) => {
        const { datastore } = await runner.runOne(block);
        try {
            assert.ok(datastore instanceof kixx.Datastore);
            await datastore.setItem('user:123', USER);
        } finally {
            await datastore.close();
        }
        const files = fs.readdirSync(runner.place('/path/to/data'));
        assert.deepEqual(files, ['user%3A123.json'], 'the directory was made, and holds the document');
    }],
    ['basic operations', async (store, block, runner) => {
        const { savedUser, retrievedUser, updatedUser } = await runner.runOne(block, { datastore: store });
        assert.deepEqual(runner.logged, [['log', 0], ['log', 'John Doe'], ['log', 1]]);
        assert.deepEqual(retrievedUser, savedUser);
        assert.equal(updatedUser.email, 'john@example.com');
        assert.equal(await store.hasItem('user:123'), false);
    }],
    ['document structure', async (store, block, runner) => {
        const document = await runner.evaluate(block);
        assert.deepEqual(await store.setItem('user:1', document), { ...document, _rev: 0 });
    }],
    ['revision control', async (store, block, runner) => {
        await store.setItem('user:123', USER);
        await runner.run(block, { datastore: store });
        assert.equal(runner.logged.length, 1);
        assert.equal(runner.logged[0][1], 'Conflict detected:');
        assert.match(runner.logged[0][2], /user:123/);
        const stored = await store.getItem('user:123');
        assert.deepEqual([stored.name, stored._rev], ['Jane Doe', 2]);
        assert.ok(stored.lastLogin);
    }],
    ['key range queries', async (store, block, runner) => {
        await addUsers(store, 24);
        await store.setItem('usher:1', {});
        const { result, page2, recentUsers } = await runner.runOne(block, { datastore: store });
        assert.deepEqual(runner.logged.map(([, text]) => text),
            ['Found 10 users', 'Next page starts at index: 10']);
        assert.equal(result.items[9].document.id, 'user:10');
        assert.deepEqual(page2.items.map((item) => item.key).slice(0, 2), ['user:11', 'user:12']);
        assert.deepEqual(recentUsers.items.map((item) => item.document.id),
            ['user:24', 'user:23', 'user:22', 'user:21', 'user:20']);
    }],
    ['view-based queries', async (store, block, runner) => {
        await addUsers(store, 6);
        const { activeUsers, engine } = await runner.runOne(block, { datastore: store });
        assert.ok(engine instanceof kixx.DatastoreEngine);
        assert.deepEqual(activeUsers.items.map((item) => [item.key, item.documentKey, item.document.name]), [
            ['93@example.com', 'user:06', 'John Doe'],
            ['95@example.com', 'user:04', 'John Doe'],
            ['97@example.com', 'user:02', 'John Doe'],
        ]);
        assert.deepEqual(activeUsers.items[0].value, { name: 'John Doe' }, 'undefined is left out');
        assert.equal(runner.logged[0][0], 'log');
        assert.equal(runner.logged[0][2], activeUsers.items);
    }],
    ['complex views', async (store, block, runner) => {
        await addUsers(store, 12);
        await store.setItem('user:13', { ...USER, id: 'user:13', createdAt: '2024-02-01T00:00:00Z' });
        await store.setItem('note:1', { text: 'no createdAt: the map functions throw' });
        const { janUsers } = await runner.runOne(block, { datastore: store, engine: store._db });
        assert.deepEqual([janUsers.items.length, janUsers.total, janUsers.exclusiveEndIndex], [10, 12, 10]);
        assert.equal(janUsers.items[0].document.id, 'user:01');
        const months = await allItems(store, 'userStats');
        assert.equal(months.filter((row) => row.key === '2024-01').length, 12);
        assert.deepEqual(months.at(-1), { key: '2024-02', value: 1, documentKey: 'user:13' });
    }],
    ['datastore options', async (store, block, runner) => {
        const { Datastore } = await runner.package();
        const held = [];
        const customLockingQueue = new class extends kixx.LockingQueue {
            getLock(key) {
                held.push(key);
                return super.getLock(key);
            }
        }();
        const customEngine = store._db;
        const { datastore } = await runner.runOne(block, { Datastore, customEngine, customLockingQueue });
        await datastore.load();
        assert.equal(datastore._db, customEngine);
        await datastore.updateItem('a', () => ({ n: 1 }));
        assert.deepEqual(held, ['a']);
        assert.equal((await store.getItem('a')).n, 1);
    }],
    ['query options', async (store, block, runner) => {
        const { options } = await runner.runOne(block);
        await store.setItem('user:122', USER);
        await store.setItem('user:123', USER);
        store.setView('keys', { map: (document, emit) => emit('user:123', 1) });
        const result = await store.queryKeys(options);
        const items = [{ key: 'user:123', documentKey: 'user:123' }];
        assert.deepEqual(result, { items, exclusiveEndIndex: null, total: 1 });
        assert.equal((await store.queryView('keys', options)).total, 2);
    }],
    ['custom engine', async (store, block, runner, t) => {
        const files = new Map([['user%3A1.json', { ...USER, _rev: 4 }]]);
        const customFileSystem = memoryFileSystem(files);
        const { Datastore } = await runner.package();
        const { engine, datastore } = await runner.runOne(block, { Datastore, customFileSystem });
        cleanup(t, () => datastore.close());
        assert.equal(datastore._db, engine);
        await datastore.load();
        assert.equal((await datastore.getItem('user:1'))._rev, 4);
        await datastore.setItem('user:2', { name: 'B' });
        await datastore.deleteItem('user:1');
        assert.deepEqual([...files], [['user%3A2.json', { name: 'B', _rev: 0 }]]);
        assert.deepEqual(customFileSystem.calls.map(([method]) => method),
            ['readDocumentDirectory', 'readDocumentFile', 'writeDocumentFile', 'removeDocumentFile']);
    }],
    ['batch operations', async (store, block, runner, t) => {
        for (const id of ['user:1', 'user:2', 'user:3']) {
            await store.setItem(id, { ...USER, id });
        }
        const { users } = await runner.runOne(block, { datastore: store });
        assert.deepEqual(users.map((user) => user.id), ['user:1', 'user:2', 'user:3']);
        const synced = await store.getItems(['user:1', 'user:2', 'user:3']);
        const seen = synced.map((user) => [user._rev, typeof user.lastSync]);
        assert.deepEqual(seen, Array(3).fill([1, 'string']));
        const old = await otherHandle(t, store, { missing: 'null' });
        await old.deleteItem('user:2');
        const again = await runner.runOne(block, { datastore: old });
        assert.deepEqual(again.users.map((user) => user.id), ['user:1', 'user:3']);
    }],
    ['error handling', async (store, block, runner, t) => {
        const run = (userData, datastore = store) => runner.run(block, { datastore, userData });
        await run(USER);
        assert.equal((await store.getItem('user:123')).name, 'John Doe');
        await run({ ...USER, _rev: 7 });
        await run({ ...USER, size: 1n });
        const closed = await openStore(t);
        await closed.close();
        await run(USER, closed);
        assert.deepEqual(runner.logged.slice(0, 2), [
            ['log', 'Document was modified by another process'], ['log', 'Invalid document format'],
        ]);
        assert.deepEqual(runner.logged[2].slice(0, 2), ['error', 'Unexpected error:']);
        assert.ok(errorOf('ClosedError')(runner.logged[2][2]));
        assert.deepEqual(await store.getItem('user:123'), { ...USER, _rev: 0 });
    }],
    ['UserService', async (store, block, runner) => {
        const { UserService } = await runner.runOne(block);
        store.setView('activeUsers', {
            map(document, emit) {
                if (document.status === 'active') {
                    emit(document.email);
                }
            },
        });
        const service = new UserService(store);
        const jane = await service.createUser({ name: 'Jane', email: 'jane@example.com' });
        nextMillisecond();
        const john = await service.createUser({ name: 'John', email: 'john@example.com' });
        assert.notEqual(jane.id, john.id);
        assert.deepEqual(await service.getUser(jane.id), jane);
        const renamed = await service.updateUser(jane.id, { name: 'Jane Doe' });
        assert.deepEqual([renamed.name, renamed.email, renamed._rev], ['Jane Doe', 'jane@example.com', 1]);
        const active = await service.getActiveUsers();
        assert.deepEqual(active.items.map((item) => item.document.name), ['Jane Doe', 'John']);
        await service.updateUser(john.id, { status: 'idle' });
        assert.equal((await service.getActiveUsers()).total, 1);
        assert.equal(await service.deleteUser(jane.id), jane.id);
        await assert.rejects(service.getUser(jane.id), errorOf('NotFoundError', { key: jane.id }));
        assert.deepEqual((await service.getActiveUsers(5)).items, []);
    }],
    ['BlogService', async (store, block, runner) => {
        const { BlogService } = await runner.runOne(block);
        const service = new BlogService(store);
        const post = { title: 'One', author: 'jane', tags: ['a', 'b'], published: true };
        const first = await service.createPost(post);
        nextMillisecond();
        const second = await service.createPost({ title: 'Two', author: 'john', tags: ['b', 'b'] });
        assert.ok(first.publishedAt);
        assert.equal(second.publishedAt, null);
        const tagged = await service.getPostsByTag('b');
        assert.deepEqual(tagged.items.map((item) => item.value.title), ['One', 'Two', 'Two']);
        assert.equal(tagged.items[0].document.id, first.id);
        assert.deepEqual((await service.getPostsByTag('b', 1)).items.length, 1);
        assert.deepEqual((await service.getPostsByTag('c')).items, []);
        const posts = await service.getPostsByAuthor('john');
        assert.deepEqual(posts.items.map((item) => [item.key, item.documentKey]), [['john', second.id]]);
        await store.deleteItem(second.id);
        assert.equal((await service.getPostsByAuthor('john')).total, 0);
        assert.equal((await service.getPostsByTag('b')).total, 1);
    }],
];

test('seed 001: every code block, as printed', async (t) => {
    await runCases(t, BLOCKS, CASES, openStore);
});

testFiles('seed 001: the other blocks are two diagrams and a document file', async (t) => {
    const others = ALL.filter((block) => block.language !== 'javascript');
    assert.deepEqual(others.map((block) => block.language), ['', '', 'json']);
    const names = [...others[1].code.matchAll(/\S+\.json/g)].map(([name]) => name);
    assert.equal(names.length, 4);
    const directory = newDirectory(t);
    for (const name of names) {
        fs.writeFileSync(path.join(directory, name), others[2].code);
    }
    const store = makeStore(t, { directory });
    const { items } = await store.queryKeys({ includeDocuments: true });
    assert.deepEqual(items.map((item) => item.key), ['post:789', 'settings', 'user:123', 'user:456']);
    assert.deepEqual(items[0].document, JSON.parse(others[2].code));
    await store.close();
    const untouched = names.map((name) => fs.readFileSync(path.join(directory, name), 'utf8'));
    assert.deepEqual(untouched, Array(4).fill(others[2].code), 'what nobody changed stays as it is');
});
