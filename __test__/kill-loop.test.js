'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { KillLoop } = require('./helpers/kill-loop.js');
const { LIES } = require('./helpers/kill-lies.js');
const { Random, chooseSeed } = require('./helpers/random.js');
const { newDirectory } = require('./helpers/temp.js');

const KILLS = Number(process.env.KILL_KILLS ?? 200);
/** How many processes have one directory open at the same time. */
const PROCESSES = Number(process.env.KILL_PROCESSES ?? 3);
/** Directories at the same time, so that one core checks while the other writes. */
const LOOPS = 2;
const LIE_KILLS = 40;

for (const [storage, kills] of Object.entries({ files: KILLS, disk: Math.ceil(KILLS / 4) })) {
    const name = 'whatever is killed, at any moment: what was acknowledged is there, and nothing else';
    test(`${ name } (${ storage })`, async (t) => {
        const seed = chooseSeed(t);
        const loops = Array.from({ length: LOOPS }, (_, i) => {
            // One of them where flushing takes its time: many are killed meanwhile.
            const directory = i === 0 ? newDirectory(t) : undefined;
            const random = new Random(seed + i);
            return new KillLoop(t, { random, processes: PROCESSES, storage, directory });
        });
        await Promise.all(loops.map((loop) => loop.run(Math.ceil(kills / LOOPS))));
        const sum = (property) => loops.reduce((total, loop) => total + loop[property], 0);
        t.diagnostic(`${ sum('kills') } kills survived, ${ PROCESSES } processes at a time, `
            + `${ sum('closes') } closes, ${ sum('acknowledged') } acknowledged operations`);
    });
}

for (const lie of Object.keys(LIES)) {
    test(`the kill loop catches a process that lies: ${ lie }`, async (t) => {
        const loop = new KillLoop(t, { random: new Random(chooseSeed(t)), lie });
        await assert.rejects(loop.run(LIE_KILLS), /wrong after \d+ kills/);
    });
}
