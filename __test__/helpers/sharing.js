'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { startScript } = require('./child.js');
const { allDocuments, openStore } = require('./store.js');
const { snapshotFiles } = require('./temp.js');

/** Handles beyond so many processes are threads of these: 1 tries the tests themselves on one engine. */
const PROCESSES_MAX = Number(process.env.KIXX_TEST_PROCESSES ?? 4);

/** A process with handles, one in each of its threads. */
class SharingProcess {
    #child;
    #calls = new Map();
    #lastId = 0;
    #ended = null;
    handles;
    /** Settles with `{ code, signal, stderr }`. */
    exited;

    /** `as`: 'nobody' for a process without rights. */
    constructor(t, { threads = 1, as = '', timeout = 120000 } = {}) {
        this.#child = startScript(t, 'sharing-child.js', [threads - 1, as], { timeout });
        this.handles = Array.from({ length: threads }, (_, thread) => new Handle(this, thread));
        this.exited = this.#receive();
    }

    get pid() {
        return this.#child.pid;
    }

    /** Stops it where it is, until `resume`. Resolves when it has stopped. */
    pause() {
        return this.#child.pause();
    }

    resume() {
        this.#child.resume();
    }

    /** kill -9. Calls that have no answer yet reject with the code ENDED. */
    async kill() {
        this.#child.kill();
        return this.exited;
    }

    /** Lets it end without closing anything. */
    async exit() {
        this.#child.endInput();
        return this.exited;
    }

    call(thread, onEvent, method, args) {
        this.#lastId += 1;
        const id = this.#lastId;
        const answer = new Promise((resolve, reject) => {
            if (this.#ended !== null) {
                reject(this.#ended);
                return;
            }
            this.#calls.set(id, { resolve, reject, onEvent });
            this.#child.send(JSON.stringify({ id, thread, method, args }));
        });
        // A test that failed elsewhere waits for nothing any more.
        answer.catch(() => {});
        return answer;
    }

    async #receive() {
        for (let line = await this.#child.line(); line !== null; line = await this.#child.line()) {
            this.#settle(JSON.parse(line));
        }
        const end = await this.#child.exited;
        const message = `the process ended: ${ JSON.stringify(end) }`;
        this.#ended = Object.assign(new Error(message), { code: 'ENDED' });
        for (const { reject } of this.#calls.values()) {
            reject(this.#ended);
        }
        return end;
    }

    #settle({ id, event, answer, error }) {
        const call = this.#calls.get(id);
        if (event !== undefined) {
            call.onEvent(event);
            return;
        }
        this.#calls.delete(id);
        if (error === undefined) {
            call.resolve(answer);
        } else {
            call.reject(Object.assign(new Error(error.message), error));
        }
    }
}

/** A store in another process, or in a thread of it. */
class Handle {
    process;
    #thread;

    constructor(process, thread) {
        this.process = process;
        this.#thread = thread;
    }

    /** Calls a method of the store over there, or of `Jobs`. */
    call(method, ...args) {
        return this.process.call(this.#thread, () => {}, method, args);
    }

    /** The same for a job that tells of events on its way. */
    watch(onEvent, method, ...args) {
        return this.process.call(this.#thread, onEvent, method, args);
    }

    /** The same, and waits for the first event: `{ event, done }`. */
    async begin(method, ...args) {
        let done;
        const event = await new Promise((resolve, reject) => {
            done = this.watch(resolve, method, ...args);
            done.then(resolve, reject);
        });
        return { event, done };
    }
}

/** So many threads in processes as even as possible: how many for each process. */
function spread(handles, processes) {
    const most = Math.min(handles, processes, PROCESSES_MAX);
    return Array.from({ length: most }, (_, i) => Math.floor((handles + i) / most));
}

/** Handles, not opened yet, each in a process of its own unless fewer processes are asked for. */
function startHandles(t, count, { processes = count, ...options } = {}) {
    return spread(count, processes).flatMap((threads) => (
        new SharingProcess(t, { ...options, threads }).handles
    ));
}

/** Handles with the directory of `options` open. */
async function openHandles(t, count, options, topology) {
    const handles = startHandles(t, count, topology);
    await Promise.all(handles.map((handle) => handle.call('open', options)));
    return handles;
}

/** Checks that in `directory`, which is closed, there are these documents by key and nothing else. */
async function checkLeft(t, directory, documents, label) {
    if (process.env.KIXX_TEST_STORAGE === 'disk') {
        assert.deepEqual(fs.readdirSync(directory), ['data.redb'], label);
        const store = await openStore(t, { directory });
        assert.deepEqual(Object.fromEntries(await allDocuments(store)), documents, label);
        await store.close();
        return;
    }
    const files = Object.entries(documents).map(([key, { _rev, ...document }]) => (
        [`${ encodeURIComponent(key) }.json`, JSON.stringify({ _rev, ...document })]
    ));
    assert.deepEqual(snapshotFiles(directory), Object.fromEntries(files), label);
}

/** A check for `assert.rejects` of an error that came from another process. */
function codeIs(code, ...texts) {
    return (error) => {
        const isIt = error.code === code && texts.every((text) => error.message.includes(text));
        if (!isIt) {
            throw new Error(`expected ${ [code, ...texts].join(' ') }, got ${ error.stack }`);
        }
        return true;
    };
}

module.exports = { checkLeft, SharingProcess, startHandles, openHandles, codeIs };
