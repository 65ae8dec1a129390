'use strict';

// convert() in processes that are killed: the directory is the old one or the new one, whole, and the next
// convert() comes to an end.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { setTimeout: delay } = require('node:timers/promises');
const { kixx } = require('./helpers/store.js');
const { startScript } = require('./helpers/child.js');
const { assertHolds, fill, storageIn, textsIn } = require('./helpers/convert.js');
const { Random, chooseSeed } = require('./helpers/random.js');
const { newRoomyDirectory } = require('./helpers/temp.js');

/** A hang is a failure. */
const LIMIT = { timeout: 240_000 };

const KILLS = Number(process.env.CONVERT_KILLS ?? 20);
const DOCUMENTS = 500;
/** Longer than it takes from one phase to the next. */
const MOMENT_MS_MAX = 40;

const other = (storage) => (storage === 'disk' ? 'files' : 'disk');

/** A process that converts; `args` say at which call it kills itself. */
function startConvert(t, directory, to, ...args) {
    return startScript(t, 'convert-child.js', ['convert', directory, to, ...args]);
}

test('killed before and behind every step that changes the directory', LIMIT, async (t) => {
    const random = new Random(chooseSeed(t));
    const directory = newRoomyDirectory(t);
    await fill(directory, 'files', random, 4);
    const steps = { disk: 0, files: 0 };
    for (const when of ['before', 'behind']) {
        for (const to of ['disk', 'files']) {
            const from = other(to);
            for (let call = 0, done = false; !done; call += 1) {
                const before = await textsIn(directory, from);
                const child = startConvert(t, directory, to, call, when);
                const { signal, code, stderr } = await child.exited;
                done = signal === null;
                assert.ok(done ? code === 0 : signal === 'SIGKILL', stderr);
                // An application that comes now finds all its documents.
                const found = storageIn(directory);
                assert.deepEqual(await textsIn(directory, found), before, `${ call } to ${ to }, ${ when }`);
                await kixx.convert(directory, { to });
                await assertHolds(directory, to, before);
                await kixx.convert(directory, { to: from });
                await assertHolds(directory, from, before);
                steps[to] += 1;
            }
            await kixx.convert(directory, { to });
        }
    }
    t.diagnostic(`${ steps.disk } kills on the way to disk, ${ steps.files } on the way to files`);
    assert.ok(steps.disk >= 10 && steps.files >= 10);
});

test('goes on with what a killed process had copied, unless documents have changed', LIMIT, async (t) => {
    const random = new Random(chooseSeed(t));
    for (const isChanged of [false, true]) {
        const directory = newRoomyDirectory(t);
        await fill(directory, 'disk', random, 50);
        // The first call makes room, the second one is the first that moves a file.
        const child = startConvert(t, directory, 'files', 1, 'before');
        assert.equal((await child.exited).signal, 'SIGKILL');
        const [name] = fs.readdirSync(path.join(directory, '.converting-to-files'));
        const { ino } = fs.statSync(path.join(directory, '.converting-to-files', name));
        if (isChanged) {
            await fill(directory, 'disk', random, 50);
        }
        const before = await textsIn(directory, 'disk');
        await kixx.convert(directory, { to: 'files' });
        await assertHolds(directory, 'files', before);
        assert.equal(fs.statSync(path.join(directory, name)).ino === ino, !isChanged);
    }
});

test('killed at any moment, also again and again, with writes in between', LIMIT, async (t) => {
    const random = new Random(chooseSeed(t));
    const directory = newRoomyDirectory(t);
    await fill(directory, 'files', random, DOCUMENTS);
    let kills = 0;
    let swaps = 0;
    while (kills < KILLS) {
        let storage = storageIn(directory);
        const before = await textsIn(directory, storage);
        const to = random.chance(0.8) ? other(storage) : storage;
        const child = startConvert(t, directory, to);
        const phase = random.pick(['begins', 'copy', 'verify']);
        await waitFor(child, phase);
        await delay(random.int(MOMENT_MS_MAX));
        child.kill();
        const { signal, code, stderr } = await child.exited;
        assert.ok(signal === 'SIGKILL' || code === 0, stderr);
        kills += signal === null ? 0 : 1;
        swaps += storageIn(directory) === storage ? 0 : 1;
        storage = storageIn(directory);
        assert.deepEqual(await textsIn(directory, storage), before);
        if (random.chance(0.3)) {
            await fill(directory, storage, random, 100);
        }
        if (random.chance(0.3)) {
            const now = await textsIn(directory, storage);
            const next = random.pick(['disk', 'files']);
            await kixx.convert(directory, { to: next });
            await assertHolds(directory, next, now);
        }
    }
    t.diagnostic(`${ kills } processes killed, ${ swaps } conversions had come to their end`);
});

async function waitFor(child, wanted) {
    for (let line = ''; line !== wanted && line !== null;) {
        line = await child.line();
    }
}
