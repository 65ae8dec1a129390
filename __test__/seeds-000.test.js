'use strict';

const assert = require('node:assert/strict');
const { randomUUID } = require('node:crypto');
const fs = require('node:fs');
const { test } = require('node:test');
const { codeBlocks, runCases } = require('./helpers/seeds.js');
const { openStore, otherHandle, errorOf, allDocuments } = require('./helpers/store.js');
const { newPath } = require('./helpers/temp.js');

const ALL = codeBlocks('seed-000.md');
const BLOCKS = ALL.filter((block) => block.language === 'javascript');
const NOON = Date.UTC(2024, 4, 20, 12);
const ITEM = { type: 'item', title: 'Radio', category: 'electronics', price: 25, id: 'item:123' };

/** A clock that stands still, at noon so that no time zone turns the day. */
class FixedDate extends Date {
    constructor(...args) {
        super(...(args.length > 0 ? args : [NOON]));
    }
}

function day(daysAgo) {
    return new Date(NOON - daysAgo * 86400000).toISOString().split('T')[0];
}

/** A store whose first `times` updates are overtaken by another user, who raises the price from 1000 on. */
function overtaken(store, other, times) {
    let overtakings = 0;
    return {
        getItem: (key) => store.getItem(key),
        setItem: (key, document) => store.setItem(key, document),
        updateItem: (key, update) => store.updateItem(key, async (current) => {
            const next = await update(current);
            if (overtakings < times) {
                await other.setItem(key, { ...ITEM, price: 1000 + overtakings });
                overtakings += 1;
            }
            return next;
        }),
    };
}

const CASES = [
    ['the service', async (store, block, runner) => {
        const asked = [];
        const context = {
            getService(name) {
                asked.push(name);
                return store;
            },
        };
        const { datastore } = await runner.runOne(block, { context });
        assert.deepEqual(asked, ['kixx.Datastore']);
        assert.equal((await datastore.setItem('a', { n: 1 }))._rev, 0);
    }],
    ['creating documents', async (store, block, runner) => {
        const [fixed, generated] = await runner.run(block, { datastore: store, randomUUID, itemData: ITEM });
        assert.equal(fixed.item._rev, 0);
        assert.deepEqual(await store.getItem('item:123'), fixed.item);
        assert.match(generated.id, /^item:[0-9a-f-]{36}$/);
        assert.deepEqual(await store.getItem(generated.id), { ...ITEM, _rev: 0 });
    }],
    ['reading documents', async (store, block, runner) => {
        const missing = errorOf('NotFoundError', { key: 'item:123' });
        await assert.rejects(runner.run(block, { datastore: store }), missing);
        for (let i = 110; i < 125; i += 1) {
            await store.setItem(`item:${ i }`, { ...ITEM, id: `item:${ i }` });
        }
        await store.setItem('user:1', {});
        const { item, result } = await runner.runOne(block, { datastore: store });
        assert.equal(item.id, 'item:123');
        assert.equal(result.items.length, 10);
        assert.equal(result.items[0].document.id, 'item:110');
        assert.equal(result.exclusiveEndIndex, 10);
    }],
    ['updating documents', async (store, block, runner, t) => {
        await assert.rejects(runner.run(block, { datastore: store }), /Item not found/);
        await store.setItem('item:123', ITEM);
        const { updatedItem } = await runner.runOne(block, { datastore: store });
        assert.equal(updatedItem.title, 'Updated Title');
        assert.equal(updatedItem._rev, 1);
        const stored = await store.getItem('item:123');
        assert.equal(stored.price, 39.99);
        assert.equal(stored._rev, 2);
        const turns = [store, overtaken(store, await otherHandle(t, store), 1)];
        const datastore = { updateItem: (key, update) => turns.shift().updateItem(key, update) };
        await runner.run(block, { datastore });
        assert.equal((await store.getItem('item:123')).price, 1000, 'the example handled the conflict');
    }],
    ['deleting documents', async (store, block, runner) => {
        await store.setItem('item:123', ITEM);
        await store.updateItem('item:123', (item) => item);
        await runner.run(block, { datastore: store });
        const stored = await store.getItem('item:123');
        assert.equal(stored.deleted, true);
        assert.equal(stored.title, undefined);
        assert.equal(stored._rev, 0, 'the soft delete made a new document');
    }],
    ['key-based queries', async (store, block, runner) => {
        for (let i = 1; i <= 70; i += 1) {
            await store.setItem(`item:2024-01-${ String(i).padStart(2, '0') }`, { n: i });
        }
        await store.setItem('itemized', {});
        const [prefix, range, page] = await runner.run(block, { datastore: store });
        assert.equal(prefix.result.items.length, 50);
        assert.equal(prefix.result.total, 70);
        assert.deepEqual(range.result.items.map((item) => item.document.n), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert.equal(range.result.total, 31);
        assert.deepEqual(page.result.items.map((item) => item.document.n),
            Array.from({ length: 20 }, (_, i) => 30 - i));
    }],
    ['a view', async (store, block, runner) => {
        await store.setItem('item:1', { ...ITEM, id: 'item:1' });
        await store.setItem('item:2', { ...ITEM, id: 'item:2', category: 'toys' });
        await store.setItem('user:1', { type: 'user', category: 'electronics' });
        const { engine, result } = await runner.runOne(block, { datastore: store });
        assert.equal(engine, store._db);
        assert.ok(store.hasView('itemsByCategory'));
        assert.equal(result.items.length, 1);
        const [item] = result.items;
        assert.deepEqual([item.key, item.documentKey, item.document.price], ['electronics', 'item:1', 25]);
        assert.deepEqual(item.value, { id: 'item:1', title: 'Radio', price: 25 });
    }],
    ['advanced views', async (store, block, runner) => {
        await runner.run(block, { engine: store._db });
        await store.setItem('item:1', { ...ITEM, createdAt: '2024-01-15T10:00:00Z' });
        await store.setItem('item:2', { ...ITEM, price: 29.99, createdAt: '2024-01-16T10:00:00Z' });
        await store.setItem('item:3', { ...ITEM, price: 0, createdAt: 'not a date' });
        const prices = await store.queryView('itemsByPriceRange', { key: '20-29' });
        assert.deepEqual(prices.items.map((item) => item.documentKey), ['item:1', 'item:2']);
        const dates = await store.queryView('itemsByDate');
        assert.deepEqual(dates.items.map((item) => item.key), ['2024-01-15', '2024-01-16']);
    }],
    ['document structure', async (store, block, runner) => {
        const { item, user } = await runner.runOne(block);
        await store.setItem(item.id, item);
        await store.setItem(user.id, user);
        assert.deepEqual(await store.getItem('item:123'), { ...item, _rev: 0 });
        assert.deepEqual(await store.getItem('user:456'), { ...user, _rev: 0 });
    }],
    ['key naming', async (store, block, runner) => {
        const { keys, queries } = await runner.runOne(block);
        for (const key of Object.values(keys)) {
            await store.setItem(key, { key });
        }
        const found = {};
        for (const [name, range] of Object.entries(queries)) {
            found[name] = (await store.queryKeys(range)).items.map((item) => item.key);
        }
        assert.deepEqual(found, {
            allItems: ['item:123', 'item:2024-01-15:123', 'item:electronics:123'],
            userItems: ['user:456:item:123'],
            dateItems: ['item:2024-01-15:123'],
            categoryItems: ['item:electronics:123'],
        });
    }],
    ['optimistic concurrency control', async (store, block, runner, t) => {
        await store.setItem('item:123', ITEM);
        const plain = await runner.runOne(block, { datastore: store });
        assert.equal((await plain.updateItemPrice('item:123', 5)).price, 5);
        const other = await otherHandle(t, store);
        const twice = await runner.runOne(block, { datastore: overtaken(store, other, 2) });
        assert.equal((await twice.updateWithRetry('item:123', 7)).price, 7);
        const always = await runner.runOne(block, { datastore: overtaken(store, other, Infinity) });
        await assert.rejects(always.updateItemPrice('item:123', 8), /modified by another user/);
        await assert.rejects(always.updateWithRetry('item:123', 8, 2), /modified by another user/);
        assert.notEqual((await store.getItem('item:123')).price, 8);
    }],
    ['ConflictResolver', async (store, block, runner, t) => {
        await store.setItem('item:123', ITEM);
        const other = await otherHandle(t, store);
        const { ConflictResolver } = await runner.runOne(block, { datastore: overtaken(store, other, 2) });
        const raise = (item) => ({ ...item, price: item.price + 1 });
        const retried = await ConflictResolver.resolveUpdate('item:123', raise);
        assert.deepEqual([retried.price, retried._rev], [1002, 3]);
        const last = await ConflictResolver.resolveUpdate('item:123', raise, 'last-wins');
        assert.deepEqual([last.price, last._rev], [1003, 4]);
        assert.equal(await ConflictResolver.resolveUpdate('item:123', raise, 'merge'), undefined);
        await assert.rejects(ConflictResolver.resolveUpdate('item:123', raise, 'x'), /Unknown conflict/);
        const always = await runner.runOne(block, { datastore: overtaken(store, other, Infinity) });
        const endless = always.ConflictResolver.retryStrategy('item:123', raise, 2);
        await assert.rejects(endless, errorOf('ConflictError', { key: 'item:123' }));
    }],
    ['QueryOptimizer', async (store, block, runner) => {
        store.setView('itemsByCategory', { map: (document, emit) => emit(document.category) });
        for (let i = 0; i < 60; i += 1) {
            const category = i % 2 === 0 ? 'toys' : 'toys:big';
            await store.setItem(`item:${ day(i) }`, { ...ITEM, category, i });
        }
        const { QueryOptimizer } = await runner.runOne(block, { datastore: store, Date: FixedDate });
        const toys = await QueryOptimizer.getItemsByCategory('toys', { limit: 7, offset: 28 });
        assert.deepEqual(toys.items.map((item) => item.key), ['toys', 'toys', ...Array(5).fill('toys:big')]);
        assert.equal(toys.total, 60);
        assert.equal((await QueryOptimizer.getItemsByCategory('toys')).items.length, 50);
        const page = await QueryOptimizer.getItemsPaginated(3, 25);
        assert.deepEqual(page.items.map((item) => item.document.i), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
        assert.equal(page.exclusiveEndIndex, null);
        const recent = await QueryOptimizer.getRecentItems(7);
        assert.deepEqual(recent.items.map((item) => item.document.i), [0, 1, 2, 3, 4, 5, 6, 7]);
    }],
    ['MemoryMonitor', async (store, block, runner) => {
        const { MemoryMonitor } = await runner.runOne(block);
        assert.match(MemoryMonitor.getMemoryUsage().rss, /^\d+MB$/);
        const lines = [];
        MemoryMonitor.logMemoryUsage({ info: (...args) => lines.push(args) });
        assert.equal(lines[0][0], 'Memory usage');
        for (let i = 0; i < 37; i += 1) {
            await store.setItem(`key ${ i }`, {});
        }
        const stats = await MemoryMonitor.getDatastoreStats(store);
        assert.deepEqual(stats, { totalDocuments: 37, estimatedSize: '37MB' });
    }],
    ['SchemaMigrator', async (store, block, runner) => {
        const { SchemaMigrator } = await runner.runOne(block);
        await store.setItem('a', { name: 'A' });
        await store.setItem('b', { name: 'B', level: 3 });
        const added = await SchemaMigrator.addNewField(store, 'level', 1);
        assert.deepEqual(added, { migrated: 2, errors: 0, total: 2 });
        await SchemaMigrator.renameField(store, 'name', 'title');
        assert.deepEqual(Object.fromEntries(await allDocuments(store)), {
            a: { title: 'A', level: 1, _rev: 2 },
            b: { title: 'B', level: 3, _rev: 2 },
        });
        const broken = (document) => (document.title === 'A' ? { ...document, bad: 1n } : { ok: true });
        const partly = await SchemaMigrator.migrateDocuments(store, broken);
        assert.deepEqual(partly, { migrated: 1, errors: 1, total: 2 });
        assert.equal(runner.logged[0][1], 'Migration failed for a:');
        assert.ok(errorOf('AssertionError')(runner.logged[0][2]));
        assert.deepEqual(await store.getItem('b'), { ok: true, _rev: 3 });
    }],
    ['DataBackup', async (store, block, runner, t) => {
        const { DataBackup } = await runner.runOne(block);
        await store.setItem('a', { name: 'A' });
        await store.setItem('b', { name: 'B' });
        await store.setItem('b', { name: 'B2' });
        const file = `${ newPath(t) }.json`;
        const made = await DataBackup.createBackup(store, file);
        assert.deepEqual([made.path, made.documentCount], [file, 2]);
        assert.equal(JSON.parse(fs.readFileSync(file, 'utf8')).documents.length, 2);
        const empty = await openStore(t);
        assert.deepEqual(await DataBackup.restoreBackup(empty, file), { restored: 2, errors: 0, total: 2 });
        assert.deepEqual(await empty.getItem('b'), { name: 'B2', _rev: 0 }, 'a new document starts at 0');
        await store.setItem('a', { name: 'newer' });
        const again = await DataBackup.restoreBackup(store, file);
        assert.deepEqual(again, { restored: 1, errors: 1, total: 2 }, 'an old revision does not overwrite');
        assert.ok(errorOf('ConflictError', { key: 'a' })(runner.logged[0][2]));
    }],
    ['key design', async (store, block, runner) => {
        const { goodKeys, badKeys } = await runner.runOne(block);
        const keys = [...Object.values(goodKeys), ...Object.values(badKeys)];
        for (const key of keys) {
            await store.setItem(key, { key });
        }
        const { items } = await store.queryKeys({ startKey: 'item:', endKey: 'item:\uffff' });
        assert.deepEqual(items.map((item) => item.key),
            ['item:2024-01-15:789', 'item:abc123def456', 'item:electronics:101']);
        assert.equal((await store.getItem('item123')).key, 'item123');
    }],
    ['document design', async (store, block, runner) => {
        const { goodDocument } = await runner.runOne(block);
        assert.deepEqual(await store.setItem(goodDocument.id, goodDocument), { ...goodDocument, _rev: 0 });
    }],
    ['query optimization', async (store, block, runner) => {
        for (let i = 0; i < 30; i += 1) {
            await store.setItem(`item:${ i + 10 }`, { ...ITEM, i });
        }
        const { result } = await runner.runOne(block, { datastore: store, engine: store._db });
        assert.deepEqual([result.items.length, result.exclusiveEndIndex, result.total], [20, 20, 30]);
        const { items } = await store.queryView('itemsByCategory', { key: 'electronics', limit: 1 });
        assert.deepEqual(items[0].value, { ...ITEM, i: 0, _rev: 0 }, 'a map function sees _rev');
    }],
    ['error handling', async (store, block, runner, t) => {
        const plain = await runner.runOne(block, { datastore: store });
        assert.equal(await plain.safeGetItem('item:123'), null);
        await assert.rejects(plain.safeGetItem(''), errorOf('AssertionError'));
        await store.setItem('item:123', ITEM);
        assert.equal((await plain.safeGetItem('item:123')).title, 'Radio');
        const update = (item) => ({ ...item, title: 'TV' });
        assert.equal((await plain.safeUpdateItem('item:123', update)).title, 'TV');
        const other = await otherHandle(t, store);
        const late = await runner.runOne(block, { datastore: overtaken(store, other, 1) });
        await assert.rejects(late.safeUpdateItem('item:123', update), /Item was modified by another user/);
        await assert.rejects(plain.safeUpdateItem('item:123', () => null), errorOf('AssertionError'));
    }],
];

test('seed 000: every code block, as printed', async (t) => {
    assert.equal(BLOCKS.length, ALL.length, 'there is nothing but JavaScript in it');
    await runCases(t, BLOCKS, CASES, openStore);
});
