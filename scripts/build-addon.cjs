#!/usr/bin/env node
'use strict';

// Builds the native addon with cargo and puts it next to native.cjs.
//
//   node scripts/build-addon.cjs

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { root, addonPath } = require('./platform.cjs');

const CARGO_OUTPUT_BYTES_MAX = 256 * 1024 * 1024;

/**
 * @param {{ quiet?: boolean }} [options] quiet: what cargo says is shown only if it fails
 * @returns {string} the path of the addon
 */
function buildAddon({ quiet = false } = {}) {
    const started = new Date();
    // As a dependency of somebody else it leaves only the addon.
    const temporary = root.split(path.sep).includes('node_modules')
        ? fs.mkdtempSync(path.join(os.tmpdir(), 'kixx-datastore-build-'))
        : undefined;
    try {
        const messages = cargoBuild(quiet, temporary ? ['--target-dir', temporary] : []);
        return install(builtLibrary(messages), started);
    } finally {
        if (temporary) {
            fs.rmSync(temporary, { recursive: true, force: true });
        }
    }
}

/** Answers with cargo's messages, one JSON object per line. */
function cargoBuild(quiet, options) {
    const args = ['build', '--release', '--lib', '--locked', '--message-format=json-render-diagnostics'];
    const cargo = spawnSync('cargo', [...args, ...options], {
        cwd: root,
        stdio: ['ignore', 'pipe', quiet ? 'pipe' : 'inherit'],
        maxBuffer: CARGO_OUTPUT_BYTES_MAX,
    });
    if (cargo.error) {
        throw new Error(`Could not run cargo (${ cargo.error.message }). Install Rust: https://rustup.rs`);
    }
    if (cargo.status !== 0) {
        throw new Error(`${ cargo.stderr ?? '' }cargo build failed (exit code ${ cargo.status })`);
    }
    return cargo.stdout.toString();
}

function builtLibrary(messages) {
    for (const line of messages.split('\n')) {
        if (line.includes('"compiler-artifact"')) {
            const { target, filenames } = JSON.parse(line);
            if (target.kind.includes('cdylib') && target.name === 'kixx_datastore') {
                return filenames.find((name) => /\.(so|dylib|dll)$/.test(name));
            }
        }
    }
    throw new Error('cargo built no addon');
}

// Renamed into place, because a running process may have the old file mapped. Its time is that of the
// build's start, so that a source saved during the build counts as newer.
function install(library, time) {
    const addon = addonPath();
    const temporary = `${ addon }.${ process.pid }`;
    fs.copyFileSync(library, temporary);
    fs.utimesSync(temporary, time, time);
    fs.renameSync(temporary, addon);
    return addon;
}

function main() {
    try {
        console.log(`built ${ path.relative(process.cwd(), buildAddon()) }`);
    } catch (error) {
        console.error(`kixx-datastore: ${ error.message }`);
        process.exitCode = 1;
    }
}

if (require.main === module) {
    main();
}

module.exports = { buildAddon };
