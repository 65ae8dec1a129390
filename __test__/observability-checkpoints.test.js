'use strict';

// Checkpoints happen on a thread of their own. What JavaScript hears of them, and when it must not matter.

const assert = require('node:assert/strict');
const diagnostics = require('node:diagnostics_channel');
const fs = require('node:fs');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { once } = require('node:events');
const { test } = require('node:test');
const { Datastore } = require('kixx-datastore');
const { startCommand } = require('./helpers/child.js');
const { storageOptions } = require('./helpers/storage.js');
const { namesLeft, openStore, testFiles } = require('./helpers/store.js');
const { cleanup, eventually, newDirectory } = require('./helpers/temp.js');

const CHANNEL = 'kixx-datastore:checkpoint';
const root = path.join(__dirname, '..');

function listen(t) {
    const messages = [];
    const listener = (message) => messages.push(message);
    diagnostics.subscribe(CHANNEL, listener);
    cleanup(t, () => diagnostics.unsubscribe(CHANNEL, listener));
    return messages;
}

/** The warnings of datastores until the test is over. */
function collectWarnings(t) {
    const warnings = [];
    const listener = (warning) => warnings.push(warning);
    process.on('warning', listener);
    cleanup(t, () => process.off('warning', listener));
    return warnings;
}

test('a checkpoint is told once, however many datastores share the directory', async (t) => {
    const directory = newDirectory(t);
    const store = await openStore(t, { directory });
    await openStore(t, { directory });
    const messages = listen(t);
    await store.batch(['a', 'b', 'c'].map((key) => ({ type: 'set', key, document: {} })));
    await eventually(() => messages.length > 0, 'a checkpoint');
    const stats = await store.stats();
    assert.equal(messages.length, stats.checkpoints);
    const { duration, ...message } = messages[0];
    assert.deepEqual(message, { directory, documents: 3 });
    assert.ok(duration > 0 && Math.abs(duration / 1000 - stats.checkpointSeconds) < 1e-6, `${ duration } ms`);
    assert.deepEqual([stats.checkpointedDocuments, stats.checkpointFailures], [3, 0]);
    assert.ok(namesLeft(['a', 'b', 'c']).every((name) => fs.existsSync(path.join(directory, name))));
});

test('it is told also by the second datastore once the first is closed, and at close()', async (t) => {
    const directory = newDirectory(t);
    const first = await openStore(t, { directory });
    const second = await openStore(t, { directory });
    const messages = listen(t);
    await first.close();
    await second.setItem('a', {});
    await second.close();
    await eventually(() => messages.length > 0, 'the checkpoint of close()');
    assert.deepEqual(messages.map(({ documents }) => documents), [1]);
});

test('every thread that has the directory open is told', async (t) => {
    const directory = newDirectory(t);
    const options = { ...storageOptions, directory };
    const store = await openStore(t, options);
    const worker = new Worker(`
        const { parentPort, workerData } = require('node:worker_threads');
        const { Datastore } = require(workerData.root);
        const diagnostics = require('node:diagnostics_channel');
        diagnostics.subscribe('${ CHANNEL }', (message) => parentPort.postMessage(message));
        const store = new Datastore(workerData.options);
        store.load().then(() => parentPort.postMessage('loaded'));
        parentPort.on('message', () => store.close().then(() => process.exit()));
    `, { eval: true, workerData: { root, options } });
    cleanup(t, () => worker.terminate());
    assert.deepEqual(await once(worker, 'message'), ['loaded']);
    const messages = listen(t);
    const elsewhere = once(worker, 'message');
    await store.setItem('a', {});
    const [message] = await elsewhere;
    assert.deepEqual([message.directory, message.documents], [directory, 1]);
    await eventually(() => messages.length > 0, 'a checkpoint here');
    worker.postMessage('end');
    await once(worker, 'exit');
});

testFiles('a failing checkpoint is told each time, and warned of once', async (t) => {
    const directory = newDirectory(t);
    const place = path.join(directory, 'a.json');
    const store = await new Datastore({ directory }).load();
    cleanup(t, () => store.close());
    await openStore(t, { directory });
    const warnings = collectWarnings(t);
    const messages = listen(t);
    fs.mkdirSync(path.join(place, 'full'), { recursive: true });
    await store.setItem('a', {});
    await eventually(() => messages.length > 1, 'two checkpoints that failed');
    for (const { error, documents, directory: where } of messages) {
        assert.equal(error.code, 'STORAGE');
        assert.ok(error.message.includes(place), error.message);
        assert.deepEqual([documents, where], [1, directory]);
    }
    const { checkpointFailure, checkpointFailures } = await store.stats();
    assert.equal(checkpointFailure, messages[0].error.message);
    assert.ok(checkpointFailures >= 2);
    assert.equal(warnings.length, 1, 'one warning');
    const [{ name, code, message }] = warnings;
    assert.deepEqual([name, code], ['DatastoreWarning', 'KIXX_CHECKPOINT_FAILED']);
    assert.ok(message.includes(directory) && message.includes(checkpointFailure), message);
    fs.rmSync(place, { recursive: true });
    await eventually(() => messages.some(({ error }) => error === undefined), 'a checkpoint that went well');
    assert.equal((await store.stats()).checkpointFailure, null);
});

test('who listens does not keep the process alive', async (t) => {
    const script = `
        const { Datastore } = require(${ JSON.stringify(root) });
        const diagnostics = require('node:diagnostics_channel');
        for (const name of ['checkpoint', 'commit', 'conflict', 'slow-call']) {
            diagnostics.subscribe('kixx-datastore:' + name, () => {});
        }
        new Datastore({ directory: process.argv[1] }).setItem('a', {}).then(() => console.log('stored'));
    `;
    const command = [process.execPath, '-e', script, newDirectory(t)];
    const child = startCommand(t, command, { timeout: 30000 });
    await child.until('stored');
    const { code, isTimedOut, stderr } = await child.exited;
    assert.deepEqual([code, isTimedOut, stderr], [0, false, '']);
});
