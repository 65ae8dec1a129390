'use strict';

// In which order a store on disk asks the system for what its promises rest on.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { startCommand } = require('./helpers/child.js');
const { needs } = require('./helpers/needs.js');
const { newRoomyDirectory } = require('./helpers/temp.js');

const SCRIPT = path.join(__dirname, 'helpers', 'sync-order-child.js');
const CALLS = ['write', 'pwrite64', 'fdatasync', 'fsync', 'syncfs', 'unlink', 'unlinkat'];

/** What a process asked for, in the order in which it was done: `{ call, text, start, end }`, in lines. */
async function callsOf(t, kind, durability) {
    const directory = newRoomyDirectory(t, 2 ** 27);
    const log = `${ directory }.log`;
    const traced = `trace=${ CALLS.map((name) => `?${ name }`) }`;
    const command = [
        'strace', '--seccomp-bpf', '-f', '-qq', '-y', '-s', '400', '-o', log, '-e', traced,
        process.execPath, SCRIPT, kind, directory, durability,
    ];
    const child = startCommand(t, command, { isGroup: true });
    const said = await child.rest();
    const { code, stderr } = await child.exited;
    assert.equal(code, 0, stderr);
    assert.equal(said.at(-1), 'closed');
    const calls = [];
    const begun = new Map();
    for (const [number, line] of fs.readFileSync(log, 'utf8').split('\n').entries()) {
        const [, thread, rest] = /^(\d+) +(.*)$/.exec(line) ?? [];
        const resumed = /^<\.\.\. (\w+) resumed>(.*)$/.exec(rest);
        if (rest?.endsWith('<unfinished ...>')) {
            begun.set(thread, { start: number, text: rest.slice(0, -'<unfinished ...>'.length) });
        } else if (resumed !== null && begun.has(thread)) {
            const { start, text } = begun.get(thread);
            calls.push({ call: resumed[1], text: text + resumed[2], start, end: number });
        } else if (rest !== undefined) {
            calls.push({ call: rest.split('(')[0], text: rest, start: number, end: number });
        }
    }
    return calls;
}

const isFlush = ({ call, text }) => /^(fdatasync|fsync|syncfs)$/.test(call) && text.endsWith('= 0');
const isOf = (name) => ({ text }) => text.includes(`/${ name }`);
const isJournal = isOf('.datastore/journal-');
const isData = isOf('data.redb');

function isFlushedBetween(calls, start, end) {
    return calls.some((call) => isFlush(call) && isJournal(call) && call.start > start && call.end < end);
}

/** For each small write, the calls that write it to the journal, and when its promise settled. */
function* smallWrites(calls) {
    for (let n = 0; n < 20; n += 1) {
        const says = (what) => calls.find(({ call, text }) => {
            return call === 'write' && text.includes(`${ what } <${ n }>`);
        });
        const written = calls.filter((call) => isJournal(call) && call.text.includes(`written <${ n }>`));
        assert.ok(written.length > 0, `write ${ n } reaches the journal`);
        yield { n, asked: says('asked').end, written: written.at(-1).end, settled: says('settled').start };
    }
}

for (const kind of ['datastore', 'keyvalue']) {
    test(`${ kind } on disk: what is acknowledged was flushed, and what is removed was written`, {
        skip: needs('linux', 'strace'),
    }, async (t) => {
        const calls = await callsOf(t, kind, 'sync');
        for (const { n, asked, written, settled } of smallWrites(calls)) {
            assert.ok(asked < written && written < settled, `write ${ n } is written in between`);
            assert.ok(isFlushedBetween(calls, written, settled), `write ${ n } settles once it is flushed`);
        }
        const removals = calls.filter((call) => call.call.startsWith('unlink') && isJournal(call));
        assert.ok(removals.length >= 2, 'segments are removed while it is open, and by close()');
        for (const { text, start } of removals) {
            const before = calls.filter((call) => call.end < start);
            const last = before.findLast((call) => call.call === 'pwrite64' && isData(call));
            assert.ok(last !== undefined, `${ text }: the data file is written before`);
            const isFlushed = before.some((call) => isFlush(call) && isData(call) && call.start > last.end);
            assert.ok(isFlushed, `${ text }: what was written to the data file is flushed before`);
        }
    });
}

test('datastore on disk, durability os: no promise waits for a flush', {
    skip: needs('linux', 'strace'),
}, async (t) => {
    const calls = await callsOf(t, 'datastore', 'os');
    const unflushed = [...smallWrites(calls)].filter(({ written, settled }) => {
        return !isFlushedBetween(calls, written, settled);
    });
    assert.ok(unflushed.length > 0);
});
