'use strict';

// Loads a directory and takes the steps of the plan, all or, when it is about `opening`, a few, while system
// calls fail. Says what came of each; its reads have to show exactly what was acknowledged. When it is about
// `working`, the faults begin after the load. As `killed` it leaves its writes in the journal.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { Datastore } = require('../../index.cjs');
const { JOURNAL, STEPS, documentsOf, modelBefore, perform } = require('./fault-plan.js');
const { allDocuments } = require('./store.js');

const OPENING_STEPS = 2;
/** Earlier than this no checkpoint comes by itself, whose failure nobody would be told of. */
const CHECKPOINT_MS = 1000;

const say = (...words) => fs.writeSync(1, `${ JSON.stringify(words) }\n`);

/** Says how a call ended, and answers whether it succeeded. */
async function report(name, call) {
    try {
        await call();
        say('ok', name);
        return true;
    } catch (error) {
        say('failed', name, error.name, error.message);
        return false;
    }
}

/** Whether a thread is traced, or has ended meanwhile, as the one does that loaded. */
function isTraced(task) {
    try {
        const status = fs.readFileSync(`/proc/self/task/${ task }/status`, 'utf8');
        return !/^TracerPid:\s*0$/m.test(status);
    } catch (error) {
        assert.ok(['ENOENT', 'ESRCH'].includes(error.code), error.stack);
        return true;
    }
}

/** Asks to be traced, by the parent process, and waits until all threads are. */
async function traced() {
    const parent = process.ppid;
    say('attach');
    while (!fs.readdirSync('/proc/self/task').every(isTraced)) {
        if (process.ppid !== parent) {
            say('untraced');
            process.exit();
        }
        await new Promise(setImmediate);
    }
}

async function main(directory, mode) {
    const store = new Datastore({ directory });
    if (mode === 'killed') {
        await Promise.all(JOURNAL.map((key) => store.setItem(key, { key })));
        process.kill(process.pid, 'SIGKILL');
    }
    const isLoaded = await report('load', () => store.load());
    const loaded = performance.now();
    if (mode === 'working') {
        await traced();
    }
    if (isLoaded) {
        const model = modelBefore();
        for (const [i, step] of STEPS.slice(0, mode === 'opening' ? OPENING_STEPS : undefined).entries()) {
            if (await report(i, () => perform(store, step))) {
                perform(model, step);
            }
            assert.deepEqual(await allDocuments(store), documentsOf(model), `after step ${ i }`);
        }
        await report('flush', () => store.flush());
    }
    await report('close', () => store.close());
    say('end', performance.now() - loaded < CHECKPOINT_MS);
}

const [directory, mode] = process.argv.slice(2);
main(directory, mode);
