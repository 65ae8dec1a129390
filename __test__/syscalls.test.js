'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { isDeepStrictEqual } = require('node:util');
const { startCommand, startScript } = require('./helpers/child.js');
const {
    FILES, STEPS, documentsOf, modelBefore, pathsIn, perform,
} = require('./helpers/fault-plan.js');
const { needs } = require('./helpers/needs.js');
const { allDocuments, openStore } = require('./helpers/store.js');
const { newRoomyDirectory } = require('./helpers/temp.js');

/** Runs at a time, each with a directory of its own. */
const LANES = 2;
const HANG_MS = 30000;
/** How often strace may try to attach itself to a process; there are moments when it can't. */
const ATTEMPTS = 3;
/** More calls of one kind than a run makes. */
const CALLS_MAX = 200;

const RENAME = 'rename,renameat,renameat2';
const REMOVE = 'unlink,unlinkat,rmdir';
/** A failed write is taken back by cutting the file; this keeps it from that. */
const NO_TAKING_BACK = { calls: 'ftruncate', error: 'EIO', when: '1+' };

/** Lets a call fail once, with each of these errors. What a call is named depends on the processor. */
const once = (calls, errors = ['EIO', 'ENOSPC', 'EINTR']) => errors.map((error) => ({ calls, error }));
/** Lets it fail from one call on for ever. */
const forEver = (calls) => ({ calls, error: 'EIO', isLasting: true });

/**
 * What fails, and in which phase of a process: `opening`, from its start, or `working`, once the directory is
 * loaded.
 */
const PHASES = {
    opening: [
        ...['pwrite64', 'fdatasync', 'openat', RENAME].flatMap((calls) => once(calls)),
        ...[REMOVE, 'ftruncate', 'mkdir,mkdirat', 'flock', 'getdents64', 'read'].flatMap((calls) => {
            return once(calls, ['EIO']);
        }),
        forEver('openat'),
    ],
    working: [
        ...['pwrite64', 'fdatasync,syncfs', 'openat', RENAME].flatMap((calls) => once(calls)),
        ...once(REMOVE, ['EIO']),
        ...['pwrite64', 'fdatasync', 'openat'].map(forEver),
        { calls: 'pwrite64', error: 'ENOSPC', also: NO_TAKING_BACK },
        { calls: 'fdatasync', error: 'EIO', also: NO_TAKING_BACK },
    ],
};

/** A directory with files, and a journal that a killed process left. */
async function prepare(t) {
    const directory = newRoomyDirectory(t);
    for (const [key, document] of Object.entries(FILES)) {
        fs.writeFileSync(path.join(directory, `${ encodeURIComponent(key) }.json`), JSON.stringify(document));
    }
    const child = startScript(t, 'fault-child.js', [directory, 'killed']);
    assert.equal((await child.exited).signal, 'SIGKILL', child.stderr);
    return directory;
}

/** The options of strace that let calls fail: it counts for each thread, so there may be several faults. */
function injection({ calls, error, when }) {
    const each = calls.split(',').map((call) => `?${ call }`).join(',');
    return ['-e', `inject=${ each }:error=${ error }:when=${ when }`];
}

/**
 * Runs the child on `directory` with these faults. Answers what it said and how many faults there were; null
 * if it was not traced.
 */
async function runWithFaults(t, directory, phase, faults) {
    const log = `${ directory }.log`;
    const calls = faults.flatMap((fault) => fault.calls.split(',')).map((call) => `?${ call }`);
    const tracing = [
        '-f', '-q', '-o', log, '-e', `trace=${ calls.join(',') }`, ...faults.flatMap(injection),
        ...pathsIn(directory).flatMap((name) => ['-P', name]),
    ];
    const script = [process.execPath, path.join(__dirname, 'helpers', 'fault-child.js'), directory];
    // A process may always trace its own children, and the shell becomes the tracer.
    const attach = '"$0" "$1" "$2" working & read _; shift 2; exec strace -p "$!" "$@"';
    const command = phase === 'opening' ? ['strace', '--seccomp-bpf', ...tracing, ...script, phase]
        : ['sh', '-c', attach, ...script, ...tracing];
    const child = startCommand(t, command, { timeout: HANG_MS, isGroup: true });
    const said = [];
    for (let line = await child.line(); line !== null; line = await child.line()) {
        said.push(JSON.parse(line));
        if (line === '["attach"]') {
            child.send('');
        }
    }
    const { isTimedOut, stderr } = await child.exited;
    assert.equal(isTimedOut, false, `it hangs: ${ JSON.stringify(said) } ${ stderr }`);
    if (said.at(-1)?.[0] === 'untraced') {
        return null;
    }
    assert.equal(said.at(-1)?.[0], 'end', `${ JSON.stringify(said) } ${ stderr }`);
    assert.ok(!stderr.includes('panic'), stderr);
    const injected = fs.readFileSync(log, 'utf8').split('\n').filter((line) => line.includes('(INJECTED)'));
    const isFirst = (line) => faults[0].calls.split(',').some((call) => line.includes(`${ call }(`));
    return { said, count: injected.length, isOver: !injected.some(isFirst) };
}

/** What was said of the steps of the plan. */
function stepsIn(said) {
    return said.filter(([, step]) => typeof step === 'number');
}

/** What must be there after a run, and what was refused first. */
function expectedAfter(said) {
    const model = modelBefore();
    const refused = [];
    for (const [word, step] of stepsIn(said)) {
        if (word === 'ok') {
            perform(model, STEPS[step]);
        } else {
            refused.push(step);
        }
    }
    return { model, refused };
}

/** Every failure is a StorageError; after one, either all later writes are refused or none. */
function checkFailures(said, count, { error }) {
    const failures = said.filter(([word]) => word === 'failed');
    for (const [, name, errorName, message] of failures) {
        assert.equal(errorName, 'StorageError', `${ name }: ${ message }`);
    }
    const [, isUndisturbed] = said.at(-1);
    if (count > 0 && error !== 'EINTR' && isUndisturbed) {
        assert.ok(failures.length > 0, 'a fault that nobody was told of');
    }
    assert.ok(count > 0 || failures.length === 0, 'a failure without a fault');
    const { refused } = expectedAfter(said);
    if (refused.length > 1) {
        const later = stepsIn(said).map(([, step]) => step).filter((step) => step >= refused[0]);
        assert.deepEqual(refused, later, 'once it refuses more than one, it refuses all');
    }
    return failures.length;
}

/** Opens the directory again: it holds what was acknowledged, and a clean close leaves the plain files. */
async function checkReopened(t, directory, said, { isLasting, also }) {
    const { model, refused } = expectedAfter(said);
    const store = await openStore(t, { directory });
    const found = await allDocuments(store);
    const possible = [documentsOf(model)];
    if (refused.length > 0 && (isLasting || also !== undefined)) {
        // What could neither be flushed nor taken back may be there after all, but as a whole.
        perform(model, STEPS[refused[0]]);
        possible.push(documentsOf(model));
    }
    assert.deepEqual(found, possible.find((documents) => isDeepStrictEqual(found, documents)) ?? possible[0]);
    assert.equal((await store.setItem('after', {}))._rev, 0);
    await store.close();
    assert.equal(fs.readdirSync(directory).length, found.size + 1, 'only the documents are left');
}

/** Lets the n-th call fail, for each n until there is none; answers the figures. */
async function sweep(t, template, directory, phase, job) {
    const figures = { runs: 0, faults: 0, failures: 0 };
    for (let n = 1; ; n += 1) {
        assert.ok(n < CALLS_MAX, `${ job.calls }: there is no end`);
        const fault = { ...job, when: job.isLasting ? `${ n }+` : `${ n }` };
        const faults = job.also === undefined ? [fault] : [fault, job.also];
        let run = null;
        for (let attempt = 0; run === null; attempt += 1) {
            assert.ok(attempt < ATTEMPTS, 'strace cannot attach itself');
            fs.rmSync(directory, { recursive: true, force: true });
            fs.cpSync(template, directory, { recursive: true });
            run = await runWithFaults(t, directory, phase, faults);
        }
        const { said, count, isOver } = run;
        try {
            figures.failures += checkFailures(said, count, job);
            await checkReopened(t, directory, said, job);
        } catch (cause) {
            const what = `${ phase }, ${ JSON.stringify(faults) }, it said ${ JSON.stringify(said) }`;
            throw new Error(`${ cause.message }\n${ what }`, { cause });
        }
        figures.runs += 1;
        figures.faults += count;
        if (isOver) {
            assert.ok(n > 1, `the store never calls ${ job.calls }`);
            return figures;
        }
    }
}

for (const [phase, faults] of Object.entries(PHASES)) {
    test(`system calls fail in turn, ${ phase }`, { skip: needs('linux', 'strace') }, async (t) => {
        const template = await prepare(t);
        const jobs = [...faults];
        const all = [];
        const lane = async (_, i) => {
            for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
                all.push(await sweep(t, template, `${ template }-${ i }`, phase, job));
            }
        };
        await Promise.all(Array.from({ length: LANES }, lane));
        const sum = (name) => all.reduce((total, figures) => total + figures[name], 0);
        const figures = `${ sum('faults') } faults in ${ sum('runs') } runs`;
        t.diagnostic(`${ figures }, ${ sum('failures') } failures told`);
    });
}
