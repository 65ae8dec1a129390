'use strict';

// Kills processes that write for as long as wanted:
//
//     npm run test:kill -- --kills 10000 [--seed 7] [--processes 3]    processes: at a time, on one directory

const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { parseArgs } = require('node:util');

const { values } = parseArgs({
    options: { kills: { type: 'string' }, seed: { type: 'string' }, processes: { type: 'string' } },
});
const names = { kills: 'KILL_KILLS', seed: 'KIXX_TEST_SEED', processes: 'KILL_PROCESSES' };
const environment = { ...process.env };
for (const [option, value] of Object.entries(values)) {
    environment[names[option]] = value;
}
const file = path.join('__test__', 'kill-loop.test.js');
const { status, error } = spawnSync(process.execPath, ['--test', '--test-reporter=spec', file], {
    cwd: path.join(__dirname, '..'),
    env: environment,
    stdio: 'inherit',
});
if (error) {
    throw error;
}
process.exitCode = status ?? 1;
