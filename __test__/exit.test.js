'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { startScript } = require('./helpers/child.js');
const { openStore, allDocuments } = require('./helpers/store.js');
const { newRoomyDirectory } = require('./helpers/temp.js');

const DURABILITIES = ['sync', 'os', 'batched'];
const TIMEOUT_MS = 60000;
const WRITES = 200;

/** How each process ends: its exit code, how many writes it must acknowledge first, what else it says. */
const ENDINGS = {
    self: { code: 0, writes: WRITES },
    exit: { code: 0, writes: WRITES },
    throw: { code: 1, writes: WRITES },
    reject: { code: 1, writes: WRITES },
    exitHalfway: { code: 0, writesMin: 1 },
    throwHalfway: { code: 1, writesMin: 1 },
    exitListener: { code: 0, writes: WRITES },
    pending: { code: 0, writes: WRITES },
    pendingClose: { code: 0, writes: WRITES, says: 'closed' },
    pendingFlush: { code: 0, writes: WRITES, says: 'flushed' },
    onlyRead: { code: 0, writes: 0 },
    view: { code: 0, writes: 1, says: 'rows 1' },
    halfScan: { code: 0, writes: WRITES },
    twoHandles: { code: 0, writes: WRITES },
    closed: { code: 0, writes: WRITES },
    neverLoaded: { code: 0, writes: 0 },
};

/** Lets a process end in some way, and checks that it ended, with nothing acknowledged lost. */
async function checkEnding(t, durability, ending, { code, writes, writesMin, says }) {
    const directory = newRoomyDirectory(t);
    const child = startScript(t, 'exit-child.js', [directory, durability, ending], { timeout: TIMEOUT_MS });
    const lines = await child.rest();
    const end = await child.exited;
    assert.equal(end.isTimedOut, false, `it hangs: ${ end.stderr }`);
    assert.deepEqual([end.code, end.signal], [code, null], end.stderr);
    assert.equal(end.stderr.includes('uncaught on purpose'), code === 1, end.stderr);
    const acknowledged = lines.filter((line) => line.startsWith('a ')).map((line) => line.slice(2));
    if (writesMin !== undefined) {
        assert.ok(acknowledged.length >= writesMin);
    } else {
        assert.equal(acknowledged.length, writes, 'each write is acknowledged before the end');
    }
    assert.ok(says === undefined || lines.includes(says), `it says "${ says }"`);
    const store = await openStore(t, { directory });
    const documents = await allDocuments(store);
    const lost = acknowledged.filter((key) => !documents.has(key));
    assert.deepEqual(lost, []);
    assert.ok(documents.size <= WRITES + (ending === 'exitListener' ? 1 : 0));
    assert.deepEqual(await store.setItem('next', {}), { _rev: 0 });
}

for (const durability of DURABILITIES) {
    test(`a process that ends, durability ${ durability }`, async (t) => {
        for (const [ending, expected] of Object.entries(ENDINGS)) {
            await t.test(ending, (subtest) => checkEnding(subtest, durability, ending, expected));
        }
    });
}
