// A worker that is terminated with an open datastore lets go of the directory: its files are written, and
// nothing else is left there.

import { strict as assert } from 'node:assert';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { Datastore } from 'kixx-datastore';

const LIMIT_MS = 10_000;

if (isMainThread) {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kixx-application-'));
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: directory });
    await new Promise((resolve, reject) => worker.on('error', reject).on('message', resolve));
    await worker.terminate();
    const end = performance.now() + LIMIT_MS;
    while (fs.existsSync(path.join(directory, '.datastore')) && performance.now() < end) {
        await new Promise(setImmediate);
    }
    assert.deepEqual(fs.readdirSync(directory), ['a.json']);
    fs.rmSync(directory, { recursive: true });
    console.log('worked');
} else {
    const datastore = await new Datastore({ directory: workerData }).load();
    datastore.setView('byN', { map: (document, emit) => emit(document.n) });
    await datastore.setItem('a', { n: 1 });
    await datastore.queryView('byN');
    setInterval(() => datastore.getItem('a'), LIMIT_MS);
    parentPort.postMessage('open');
}
