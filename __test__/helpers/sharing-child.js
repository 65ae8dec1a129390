'use strict';

// A process that shares a directory with others, or a thread of it. It performs the calls that come as lines,
// `{ id, thread, method, args }`, and answers in lines.

const readline = require('node:readline');
const { isMainThread, parentPort, Worker } = require('node:worker_threads');
const { Jobs } = require('./sharing-jobs.js');

const NOBODY = 65534;

/** Performs calls; each ends with an answer or an error, and may tell of events before. */
function performer(post) {
    const jobs = new Jobs();
    const perform = (method, event, args) => (
        method in jobs ? jobs[method](event, ...args) : jobs.store[method](...args)
    );
    return async ({ id, method, args }) => {
        try {
            const answer = await perform(method, (event) => post({ id, event }), args);
            post({ id, answer: answer ?? null });
        } catch ({ name, code, key, message, stack }) {
            post({ id, error: { name, code, key, message, stack } });
        }
    };
}

function becomeNobody() {
    process.setgroups([]);
    process.setgid(NOBODY);
    process.setuid(NOBODY);
}

function main(threads, as) {
    if (as === 'nobody') {
        becomeNobody();
    }
    const post = (message) => process.stdout.write(`${ JSON.stringify(message) }\n`);
    const own = performer(post);
    const workers = Array.from({ length: threads }, () => {
        const worker = new Worker(__filename);
        worker.on('message', post);
        return worker;
    });
    const lines = readline.createInterface({ input: process.stdin });
    lines.on('line', (line) => {
        const call = JSON.parse(line);
        if (call.thread === 0) {
            own(call);
        } else {
            workers[call.thread - 1].postMessage(call);
        }
    });
    lines.on('close', () => process.exit(0));
}

if (isMainThread) {
    const [threads, as] = process.argv.slice(2);
    main(Number(threads), as);
} else {
    parentPort.on('message', performer((message) => parentPort.postMessage(message)));
}
