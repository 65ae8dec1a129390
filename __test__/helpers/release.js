'use strict';

// A release and its installation, as people meet them: tarballs, a registry, an empty application.

const fs = require('node:fs');
const path = require('node:path');
const { npm, npmCommand } = require('../../scripts/npm.cjs');
const { mainManifest, pack, platformManifest, tarballPath } = require('../../scripts/pack.cjs');
const { root, TARGETS, addonPath, platformTuple } = require('../../scripts/platform.cjs');
const { newDirectory } = require('./temp.js');
const { Registry } = require('./registry.js');
const { runWell } = require('./run.js');

const TUPLES = Object.keys(TARGETS);
const APPLICATION = path.join(__dirname, '..', 'application');

/**
 * A directory with the tarballs of a release: those in KIXX_TARBALLS if it is set. Otherwise new ones, where
 * the addons of other platforms are no addons.
 */
function makeTarballs(t) {
    const made = process.env.KIXX_TARBALLS;
    if (made) {
        return path.resolve(made);
    }
    const out = newDirectory(t);
    pack(out, ['main', ...TUPLES], (tuple) => (tuple === platformTuple() ? addonPath() : __filename));
    return out;
}

/** A registry that has the release. */
async function startRegistry(t, tarballs) {
    const upstream = npm(['config', 'get', 'registry'], { cwd: root }).trim();
    const registry = await new Registry(upstream).listen(t);
    if (tarballs) {
        for (const manifest of [mainManifest(), ...TUPLES.map(platformManifest)]) {
            registry.add(manifest, fs.readFileSync(tarballPath(tarballs, manifest.name)));
        }
    }
    return registry;
}

/** An empty application, outside of the repository, into which the package was installed without scripts. */
async function installApplication(t, registry, ...npmArguments) {
    const directory = newDirectory(t);
    fs.cpSync(APPLICATION, directory, { recursive: true });
    fs.writeFileSync(path.join(directory, 'package.json'), '{ "private": true }\n');
    await npmIn(directory, registry, 'install', 'kixx-datastore', '--ignore-scripts', ...npmArguments);
    return directory;
}

/** Runs npm in an application that knows no other registry. */
function npmIn(directory, registry, ...args) {
    const env = { ...process.env, npm_config_registry: registry.url };
    return runWell([...npmCommand(), '--no-audit', '--no-fund', ...args], { cwd: directory, env });
}

module.exports = { TUPLES, makeTarballs, startRegistry, installApplication, npmIn };
