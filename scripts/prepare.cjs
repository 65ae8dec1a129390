'use strict';

// Makes a fresh clone ready, and does nothing in one that is ready.
//
//   node scripts/prepare.cjs [dependencies] [addon]

const fs = require('node:fs');
const path = require('node:path');
const { root, addonPath } = require('./platform.cjs');
const { buildAddon } = require('./build-addon.cjs');
const { npm } = require('./npm.cjs');

const ADDON_SOURCES = ['src', 'build.rs', 'Cargo.toml', 'Cargo.lock'];

/** Installs node_modules if it is missing or older than the lockfile. */
function ensureDependencies(directory = root, npmArguments = ['--ignore-scripts']) {
    const wanted = newest(path.join(directory, 'package-lock.json'));
    const installed = newest(path.join(directory, 'node_modules', '.package-lock.json'));
    if (installed >= wanted) {
        return;
    }
    const where = path.relative(root, path.join(directory, 'node_modules'));
    timed(`installing ${ where } (npm ci)`, () => npm(['ci', ...npmArguments], { cwd: directory }));
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
