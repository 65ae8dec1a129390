// The application in two worker threads, while the main thread has the addon loaded too.

import { Worker } from 'node:worker_threads';
import 'kixx-datastore';

const application = new URL('./esm.mjs', import.meta.url);

await Promise.all([1, 2].map(() => new Promise((resolve, reject) => {
    const worker = new Worker(application);
    worker.on('error', reject);
    worker.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`exit code ${ code }`))));
})));
