'use strict';

const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { storageOptions } = require('./storage.js');
const { cleanup } = require('./temp.js');

/** A store in a worker thread. */
class RemoteStore {
    #worker;
    #pending = new Map();
    #lastId = 0;
    #onMessage = () => {};
    exited;

    constructor(t, options) {
        const workerData = { options: { ...storageOptions, ...options } };
        this.#worker = new Worker(path.join(__dirname, 'worker.js'), { workerData });
        this.#worker.on('message', (message) => this.#receive(message));
        this.exited = new Promise((resolve, reject) => {
            this.#worker.on('exit', resolve);
            this.#worker.on('error', reject);
        });
        this.exited.catch(() => {});
        cleanup(t, () => this.terminate());
    }

    /** Calls a method of the store over there. */
    call(method, ...args) {
        this.#lastId += 1;
        const id = this.#lastId;
        return new Promise((resolve, reject) => {
            this.#pending.set(id, { resolve, reject });
            this.#worker.postMessage({ id, method, args });
        });
    }

    /** Begins the storm; `onMessage` gets what the thread posts. */
    storm(name, onMessage) {
        this.#onMessage = onMessage;
        this.call('storm', name).catch((error) => onMessage({ failed: error }));
    }

    terminate() {
        return this.#worker.terminate();
    }

    #receive(message) {
        const call = this.#pending.get(message.id);
        if (call === undefined) {
            this.#onMessage(message);
            return;
        }
        this.#pending.delete(message.id);
        if (message.error === undefined) {
            call.resolve(message.answer);
        } else {
            call.reject(Object.assign(new Error('in the worker'), message.error));
        }
    }
}

/** A loaded store in a worker thread. */
async function openRemote(t, options) {
    const remote = new RemoteStore(t, options);
    await remote.call('load');
    return remote;
}

module.exports = { RemoteStore, openRemote };
