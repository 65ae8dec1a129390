'use strict';

// A worker thread that does one job with a named store, and posts what came of it.

const { parentPort, workerData } = require('node:worker_threads');
const { Distributor } = require('../../index.cjs');

const { job, directory, backend, options, count, shared } = workerData;
const distributor = new Distributor({ directory });

/** Tells that this thread is there, and waits until the main thread lets all go. */
function wait() {
    const words = new Int32Array(shared);
    Atomics.add(words, 1, 1);
    Atomics.wait(words, 0, 0);
}

const JOBS = {
    /** Asks for one store many times at once, and counts the handles that it got. */
    async getOrCreate() {
        wait();
        const asked = Array.from({ length: count }, () => distributor.getOrCreate('one', backend));
        const stores = await Promise.all(asked);
        const added = await Promise.all(stores.map((store, i) => store.setNx(`place:${ i }`, String(i))));
        const { stores: open } = await distributor.stats();
        await Promise.all(stores.map((store) => store.close()));
        return { added: added.filter(Boolean).length, open: open.length };
    },

    /** Counts a number up. */
    async increment() {
        const store = await distributor.getOrCreate('counter', backend, options);
        wait();
        let retries = 0;
        for (let done = 0; done < count;) {
            const now = await store.get('n');
            if (await store.compareAndSwap('n', now, String(Number(now) + 1))) {
                done += 1;
            } else {
                retries += 1;
            }
        }
        await store.close();
        return { retries };
    },

    /** Moves amounts between accounts until the main thread says stop, and counts how often. */
    async transfer() {
        const store = await distributor.getOrCreate('bank', backend);
        const stop = new Int32Array(shared);
        const accounts = new Array(count).fill(0);
        let moved = 0;
        while (Atomics.load(stop, 0) === 0) {
            const [from, to] = [moved % count, (moved * 7 + 1) % count];
            accounts[from] -= 1;
            accounts[to] += 1;
            moved += 1;
            const both = [from, to].map((at) => [`account:${ at }`, String(accounts[at])]);
            await store.setBatch([...both, ['moved', String(moved)]]);
        }
        await store.close();
        return { moved };
    },

    /** Leaves a handle open. */
    async leave() {
        const store = await distributor.getOrCreate('left', backend);
        await store.set('k', 'v');
        return {};
    },
};

JOBS[job]().then((answer) => parentPort.postMessage(answer));
