'use strict';

// Processes that share a directory, with the documents in a data file.

process.env.KIXX_TEST_STORAGE = 'disk';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { checkLeft, openHandles } = require('./helpers/sharing.js');
const { newDirectory } = require('./helpers/temp.js');

require('./sharing.test.js');
require('./sharing-checkpoint.test.js');

const THREADS = 8;
const TIMES = 200;

test(`${ THREADS } threads of 2 processes count one document up`, { timeout: 120000 }, async (t) => {
    const options = { directory: newDirectory(t), durability: 'os' };
    const threads = await openHandles(t, THREADS, options, { processes: 2 });
    const counted = await Promise.all(threads.map((thread) => thread.call('increment', 'counter', TIMES)));
    const numbers = counted.flatMap(({ stored }) => stored).sort((a, b) => a - b);
    assert.deepEqual(numbers, Array.from({ length: THREADS * TIMES }, (_, i) => i + 1));
    await Promise.all(threads.map((thread) => thread.call('close')));
    await checkLeft(t, options.directory, { counter: { n: numbers.length, _rev: numbers.length - 1 } });
});
