'use strict';

// The text for Prometheus, read by a strict parser. tools.test.js has somebody else's read it.

const assert = require('node:assert/strict');
const http = require('node:http');
const path = require('node:path');
const { once } = require('node:events');
const { test } = require('node:test');
const { isDeepStrictEqual } = require('node:util');
const { Datastore, prometheus } = require('kixx-datastore');
const { parse } = require('./helpers/exposition.js');
const { MapEngine } = require('./helpers/injected.js');
const { STORAGE, errorOf, openStore, testFiles } = require('./helpers/store.js');
const { cleanup, newDirectory } = require('./helpers/temp.js');

/** The value of the only sample of a metric. */
function valueOf(metrics, name) {
    const { samples } = metrics.get(name);
    assert.equal(samples.length, 1, name);
    return samples[0].value;
}

async function openUsed(t, options) {
    const store = await openStore(t, options);
    store.setView('byN', {
        map(document, emit) {
            if (document.n === 0) {
                throw new Error('no zero');
            }
            emit(document.n);
        },
    });
    await store.batch([0, 1, 2].map((n) => ({ type: 'set', key: n, document: { n } })));
    await assert.rejects(store.insertItem(1, {}), errorOf('ConflictError'));
    await store.getItem(1);
    await store.queryView('byN');
    return store;
}

/** Figures and their text, between which no checkpoint came. */
async function atOneMoment(store) {
    for (;;) {
        const stats = await store.stats();
        const text = await prometheus(store);
        if (isDeepStrictEqual(stats, await store.stats())) {
            return { stats, text };
        }
    }
}

test('every figure is there, named and typed by the rules', async (t) => {
    const directory = newDirectory(t);
    const store = await openUsed(t, { directory });
    const { stats, text } = await atOneMoment(store);
    const metrics = parse(text);
    const values = Object.fromEntries([...metrics.keys()].map((name) => [name, valueOf(metrics, name)]));
    assert.deepEqual(values, {
        kixx_datastore_documents: 3,
        kixx_datastore_backlog_documents: stats.backlog,
        kixx_datastore_checkpoint_failing: 0,
        kixx_datastore_commits_total: stats.commits,
        kixx_datastore_conflicts_total: 1,
        kixx_datastore_journal_written_bytes_total: stats.journalBytesWritten,
        kixx_datastore_checkpoints_total: stats.checkpoints,
        kixx_datastore_checkpoint_failures_total: 0,
        kixx_datastore_checkpointed_documents_total: stats.checkpointedDocuments,
        kixx_datastore_checkpoint_seconds_total: stats.checkpointSeconds,
        kixx_datastore_documents_memory_bytes: stats.memory.documents,
        kixx_datastore_keys_memory_bytes: stats.memory.keys,
        kixx_datastore_views_memory_bytes: stats.memory.views,
        kixx_datastore_cache_memory_bytes: stats.memory.cache,
        kixx_datastore_cached_documents: 1,
        kixx_datastore_cache_misses_total: 1,
        kixx_datastore_view_rows: 2,
        kixx_datastore_view_failures: 1,
    });
    const labels = { db_system_name: 'kixx-datastore', db_namespace: directory };
    assert.deepEqual(metrics.get('kixx_datastore_documents').samples[0].labels, labels);
    assert.deepEqual(metrics.get('kixx_datastore_view_rows').samples[0].labels, { ...labels, view: 'byN' });
});

test('several datastores are samples of the same metrics; those of one directory are one', async (t) => {
    const [here, there] = [newDirectory(t), newDirectory(t)];
    const stores = [
        await openUsed(t, { directory: here }),
        await openUsed(t, { directory: here }),
        await openStore(t, { directory: there }),
    ];
    const metrics = parse(await prometheus(stores));
    const byDirectory = (name) => Object.fromEntries(
        metrics.get(name).samples.map(({ labels, value }) => [labels.db_namespace, value])
    );
    assert.deepEqual(byDirectory('kixx_datastore_documents'), { [here]: 3, [there]: 0 });
    const { commits } = await stores[0].stats();
    assert.ok(STORAGE === 'disk' ? commits > 2 : commits === 2, 'rows in a data file are committed too');
    assert.deepEqual(byDirectory('kixx_datastore_commits_total'), { [here]: commits, [there]: 0 });
    assert.deepEqual(byDirectory('kixx_datastore_cached_documents'), { [here]: 2, [there]: 0 });
    assert.deepEqual(byDirectory('kixx_datastore_view_rows'), { [here]: 2 });
});

test('datastores in memory have one name and nothing else in common: their figures add up', async (t) => {
    const stores = await Promise.all([1, 2].map(() => openUsed(t, { storage: 'memory' })));
    const metrics = parse(await prometheus(stores));
    assert.equal(valueOf(metrics, 'kixx_datastore_documents'), 6);
    assert.equal(valueOf(metrics, 'kixx_datastore_view_rows'), 4);
    const labels = { db_system_name: 'kixx-datastore', db_namespace: ':memory:' };
    assert.deepEqual(metrics.get('kixx_datastore_documents').samples[0].labels, labels);
});

test('names of directories and views are escaped', async () => {
    const directory = 'back\\slash "quoted"\nnew line \\n';
    const view = '{"a,b"="c"}';
    const stats = async () => ({ directory, documents: 1e21, views: { [view]: { rows: 0.5 } } });
    const metrics = parse(await prometheus({ stats }));
    assert.equal(metrics.get('kixx_datastore_documents').samples[0].labels.db_namespace, directory);
    assert.equal(valueOf(metrics, 'kixx_datastore_documents'), 1e21);
    assert.equal(metrics.get('kixx_datastore_view_rows').samples[0].labels.view, view);
});

testFiles('figures that a store does not have are left out', async (t) => {
    assert.equal(await prometheus([]), '');
    assert.equal(await prometheus(new Datastore({ db: new MapEngine() })), '');
    const directory = newDirectory(t);
    await (await openStore(t, { directory })).setItem('a', {});
    const reader = await openStore(t, { directory, readOnly: true });
    const metrics = parse(await prometheus(reader));
    assert.equal(valueOf(metrics, 'kixx_datastore_documents'), 1);
    assert.equal(metrics.has('kixx_datastore_commits_total'), false);
});

test('what is no datastore is refused', async (t) => {
    for (const bad of [undefined, null, 5, {}, 'data', [await openStore(t), {}], { stats: 1 }]) {
        await assert.rejects(prometheus(bad), errorOf('AssertionError', { message: 'datastores must be' }));
    }
    const closed = await openStore(t);
    await closed.close();
    await assert.rejects(prometheus(closed), errorOf('ClosedError'));
});

test('served over HTTP', async (t) => {
    const store = await openUsed(t, { directory: path.join(newDirectory(t), 'a') });
    const server = http.createServer(async (request, response) => {
        response.setHeader('content-type', prometheus.contentType);
        response.end(await prometheus(store));
    });
    server.listen(0, '127.0.0.1');
    cleanup(t, () => server.close());
    await once(server, 'listening');
    const response = await fetch(`http://127.0.0.1:${ server.address().port }/metrics`);
    assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    assert.equal(valueOf(parse(await response.text()), 'kixx_datastore_documents'), 3);
});
