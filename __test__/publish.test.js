'use strict';

// Releases are published to a registry on this machine, by the script and with the npm of real ones.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { mainManifest, platformManifest, tarballPath } = require('../scripts/pack.cjs');
const { root } = require('../scripts/platform.cjs');
const { TUPLES, makeTarballs, startRegistry } = require('./helpers/release.js');
const { run } = require('./helpers/run.js');
const { version } = require('../package.json');

const main = `kixx-datastore@${ version }`;
const platforms = TUPLES.map((tuple) => `@kixx-datastore/${ tuple }@${ version }`);

test('publishing a release', async (t) => {
    const registry = await startRegistry(t);
    const tarballs = makeTarballs(t);
    const publish = (...options) => run(
        [process.execPath, path.join(root, 'scripts', 'publish.cjs'), '--out', tarballs, ...options],
        { env: { ...process.env, npm_config_registry: registry.url, NODE_AUTH_TOKEN: 'secret' } }
    );

    await t.test('is refused where the tag is not that of the version', async () => {
        const { status, stderr } = await publish('--tag', 'v0.0.9');
        assert.equal(status, 1);
        assert.ok(stderr.includes(`The tag v0.0.9 does not fit version ${ version }`), stderr);
        assert.deepEqual(registry.published, []);
    });

    await t.test('is refused where a tarball is missing', async () => {
        const missing = tarballPath(tarballs, platformManifest(TUPLES[3]).name);
        fs.renameSync(missing, `${ missing }.away`);
        const { status, stderr } = await publish();
        fs.renameSync(`${ missing }.away`, missing);
        assert.equal(status, 1);
        assert.ok(stderr.includes(`tarballs are missing, nothing was published: ${ missing }`), stderr);
        assert.deepEqual(registry.published, []);
    });

    await t.test('that fails half-way leaves out the main package', async () => {
        registry.beforePublish = (name) => {
            if (name.endsWith(TUPLES[2])) {
                throw new Error('out of order');
            }
        };
        const { status, stderr } = await publish();
        assert.equal(status, 1);
        assert.match(stderr, /out of order/);
        assert.deepEqual(registry.published, platforms.slice(0, 2));
    });

    await t.test('goes on where it stopped, the main package last', async () => {
        registry.beforePublish = () => {};
        const { status, stdout, stderr } = await publish('--tag', `v${ version }`);
        assert.equal(status, 0, stderr);
        assert.deepEqual(registry.published, [...platforms, main]);
        assert.match(stdout, new RegExp(`^${ platforms[0] } is published already$`, 'm'));
        const { optionalDependencies } = registry.manifestOf('kixx-datastore', version);
        assert.deepEqual(optionalDependencies, mainManifest().optionalDependencies);
    });

    await t.test('does nothing when all is there', async () => {
        const { status, stderr } = await publish();
        assert.equal(status, 0, stderr);
        assert.equal(registry.published.length, platforms.length + 1);
    });
});
