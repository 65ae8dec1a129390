// The application in a worker thread and in this one. Then both use one directory: each reads what the other
// wrote, at once, though it has an older state of the document in its cache.

import { strict as assert } from 'node:assert';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import * as kixx from 'kixx-datastore';
import check from './check.mjs';

const ROUNDS = 20;

await check(kixx);
const directory = isMainThread ? fs.mkdtempSync(path.join(os.tmpdir(), 'kixx-application-')) : workerData;
const datastore = await new kixx.Datastore({ directory }).load();
if (isMainThread) {
    await datastore.setItem('ball', { player: 'main' });
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: directory });
    const ended = new Promise((resolve, reject) => worker.on('error', reject).on('exit', resolve));
    worker.on('message', () => play('main', () => worker.postMessage('yours')));
    assert.equal(await ended, 0);
    assert.deepEqual(await datastore.getItem('ball'), { player: 'main', _rev: 2 * ROUNDS });
    await datastore.close();
    fs.rmSync(directory, { recursive: true });
} else {
    for (let round = 0; round < ROUNDS; round += 1) {
        await play('worker', () => parentPort.postMessage('yours'));
        await new Promise((resolve) => parentPort.once('message', resolve));
    }
    await datastore.close();
}

async function play(player, pass) {
    const ball = await datastore.getItem('ball');
    assert.notEqual(ball.player, player);
    await datastore.setItem('ball', { ...ball, player });
    pass();
}
