'use strict';

// The sources in the package are enough to compile the addon where there is no platform package.

const assert = require('node:assert/strict');
const path = require('node:path');
const test = require('node:test');
const { root } = require('../scripts/platform.cjs');
const { npmCommand } = require('../scripts/npm.cjs');
const { installApplication, makeTarballs, startRegistry } = require('./helpers/release.js');
const { run, runWell } = require('./helpers/run.js');

test('npx kixx-datastore build', async (t) => {
    const registry = await startRegistry(t, makeTarballs(t));
    const application = await installApplication(t, registry, '--omit=optional');
    const before = await run([process.execPath, 'esm.mjs'], { cwd: application });
    assert.match(before.stderr, /npx kixx-datastore build/);

    // With the dependencies that are compiled already.
    const env = { ...process.env, CARGO_TARGET_DIR: path.join(root, 'target') };
    const command = [...npmCommand(), 'exec', '--offline', '--', 'kixx-datastore', 'build'];
    assert.match(await runWell(command, { cwd: application, env }), /Built .*\.node/);
    assert.equal(await runWell([process.execPath, 'esm.mjs'], { cwd: application }), 'worked\n');
});
