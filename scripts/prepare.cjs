'use strict';

// Makes a fresh clone ready, and does nothing in one that is ready.
//
//   node scripts/prepare.cjs [dependencies] [addon]

const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { root, addonPath } = require('./platform.cjs');
const { buildAddon } = require('./build-addon.cjs');

const ADDON_SOURCES = ['src', 'build.rs', 'Cargo.toml', 'Cargo.lock'];

/** Installs node_modules if it is missing or older than the lockfile. */
function ensureDependencies(directory = root, npmArguments = ['--ignore-scripts']) {
    const wanted = newest(path.join(directory, 'package-lock.json'));
    const installed = newest(path.join(directory, 'node_modules', '.package-lock.json'));
    if (installed >= wanted) {
        return;
    }
    const where = path.relative(root, path.join(directory, 'node_modules'));
    timed(`installing ${ where } (npm ci)`, () => npmCi(directory, npmArguments));
}

function npmCi(directory, npmArguments) {
    const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error', ...npmArguments];
    const npm = process.env.npm_execpath;
    const result = npm
        ? spawnSync(process.execPath, [npm, ...args], { cwd: directory, encoding: 'utf8' })
        : spawnSync('npm', args, { cwd: directory, encoding: 'utf8', shell: process.platform === 'win32' });
    if (result.status !== 0) {
        throw new Error(`npm ci failed\n${ result.stdout ?? '' }${ result.stderr ?? result.error }`);
    }
}

/** Builds the addon if it is missing or older than its sources. */
function ensureAddon() {
    const built = newest(addonPath());
    const sources = Math.max(...ADDON_SOURCES.map((name) => newest(path.join(root, name))));
    if (built < sources) {
        timed('building the native addon (cargo build --release, a minute or two)', () => {
            buildAddon({ quiet: true });
        });
    }
}

/** The newest modification time below `target`, in ms; -1 if there is nothing. */
function newest(target) {
    const stats = fs.statSync(target, { throwIfNoEntry: false });
    if (!stats) {
        return -1;
    }
    const names = stats.isDirectory() ? fs.readdirSync(target) : [];
    return Math.max(stats.mtimeMs, ...names.map((name) => newest(path.join(target, name))));
}

function timed(label, work) {
    process.stdout.write(`set-up: ${ label } ... `);
    const started = performance.now();
    try {
        work();
    } catch (error) {
        process.stdout.write('failed\n');
        throw error;
    }
    process.stdout.write(`${ ((performance.now() - started) / 1000).toFixed(1) } s\n`);
}

const parts = { dependencies: ensureDependencies, addon: ensureAddon };

if (require.main === module) {
    try {
        for (const part of process.argv.slice(2)) {
            parts[part]();
        }
    } catch (error) {
        console.error(error.message);
        process.exitCode = 1;
    }
}

module.exports = { ensureDependencies, ensureAddon };
