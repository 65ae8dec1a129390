'use strict';

// Runs the crash tests on the simulated disk for as long as wanted:
//
//     npm run test:crash -- --images 1000000    at least so many crash images
//     npm run test:crash -- --seed 7            beginning with this history
//     npm run test:crash -- --replay 7.0.12.1   one image, as a failure prints it

const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { parseArgs } = require('node:util');

const { values } = parseArgs({
    options: { images: { type: 'string' }, seed: { type: 'string' }, replay: { type: 'string' } },
});
const environment = { ...process.env };
for (const [name, value] of Object.entries(values)) {
    environment[`CRASH_${name.toUpperCase()}`] = value;
}
const command = ['test', '--no-default-features', '--test', 'crash', 'no_crash', '--', '--nocapture'];
const { status, error } = spawnSync('cargo', command, {
    cwd: path.join(__dirname, '..'),
    env: environment,
    stdio: 'inherit',
});
if (error) {
    throw error;
}
process.exitCode = status ?? 1;
