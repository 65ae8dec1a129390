'use strict';

// Compiles the addon with cargo and puts it where lib/native.cjs finds it.
//
//   node scripts/build-addon.cjs [--tuple linux-arm64-musl] [--zig]
//
// --tuple  for another platform than this one, if cargo can
// --zig    with cargo-zigbuild, which brings a C compiler for every platform, and for old versions of glibc

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { parseArgs } = require('node:util');
const { root, TARGETS, addonPath, platformTuple } = require('./platform.cjs');

const CARGO_OUTPUT_BYTES_MAX = 256 * 1024 * 1024;

/** What the oldest supported Node needs. */
const OLDEST_GLIBC = '2.28';

// An addon uses the C library of the program that loads it: musl's is shared, and Windows' may be missing.
const RUSTFLAGS = { musl: '-C target-feature=-crt-static', msvc: '-C target-feature=+crt-static' };

/**
 * @param {object} [options]
 * @param {string} [options.tuple] the platform to compile for; without it, this one
 * @param {boolean} [options.zig] compile with cargo-zigbuild
 * @param {boolean} [options.quiet] what cargo says is shown only if it fails
 * @returns {string} the path of the addon
 * @throws {Error} code ERR_NO_CARGO or ERR_BUILD_FAILED
 */
function buildAddon({ tuple, zig = false, quiet = false } = {}) {
    const started = new Date();
    const temporary = temporaryTarget();
    try {
        const messages = cargoBuild({ tuple, zig, quiet, targetDirectory: temporary });
        return install(builtLibrary(messages), addonPath(tuple), started);
    } finally {
        if (temporary) {
            fs.rmSync(temporary, { recursive: true, force: true });
        }
    }
}

/** As a dependency of somebody else it leaves only the addon. */
function temporaryTarget() {
    const isDependency = root.split(path.sep).includes('node_modules');
    return isDependency && !process.env.CARGO_TARGET_DIR
        ? fs.mkdtempSync(path.join(os.tmpdir(), 'kixx-datastore-build-'))
        : undefined;
}

/** Answers with cargo's messages, one JSON object per line. */
function cargoBuild({ tuple, zig, quiet, targetDirectory }) {
    const args = [
        zig ? 'zigbuild' : 'build', '--release', '--lib', '--locked',
        '--message-format=json-render-diagnostics',
        ...(tuple ? ['--target', rustTarget(tuple, zig)] : []),
        ...(targetDirectory ? ['--target-dir', targetDirectory] : []),
    ];
    const abi = (tuple ?? platformTuple()).split('-')[2];
    const flags = [process.env.RUSTFLAGS, RUSTFLAGS[abi]].filter(Boolean).join(' ');
    const cargo = spawnSync('cargo', args, {
        cwd: root,
        env: flags ? { ...process.env, RUSTFLAGS: flags } : process.env,
        stdio: ['ignore', 'pipe', quiet ? 'pipe' : 'inherit'],
        maxBuffer: CARGO_OUTPUT_BYTES_MAX,
    });
    if (cargo.error) {
        throw buildError(
            'ERR_NO_CARGO', `Could not run cargo (${ cargo.error.message }). Install Rust: https://rustup.rs`
        );
    }
    if (cargo.status !== 0) {
        throw buildError(
            'ERR_BUILD_FAILED', `${ cargo.stderr ?? '' }cargo build failed (exit code ${ cargo.status })`
        );
    }
    return cargo.stdout.toString();
}

function rustTarget(tuple, zig) {
    const target = TARGETS[tuple];
    if (target === undefined) {
        throw buildError(
            'ERR_BUILD_FAILED', `Unknown platform ${ tuple }. Known: ${ Object.keys(TARGETS).join(', ') }`
        );
    }
    return zig && tuple.endsWith('-gnu') ? `${ target }.${ OLDEST_GLIBC }` : target;
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
    throw buildError('ERR_BUILD_FAILED', 'cargo built no addon');
}

// Renamed into place, because a running process may have the old file mapped. Its time is that of the
// build's start, so that a source saved during the build counts as newer.
function install(library, addon, time) {
    const temporary = `${ addon }.${ process.pid }`;
    fs.copyFileSync(library, temporary);
    fs.utimesSync(temporary, time, time);
    fs.renameSync(temporary, addon);
    return addon;
}

function buildError(code, message) {
    return Object.assign(new Error(message), { code });
}

function main() {
    try {
        const { values } = parseArgs({ options: { tuple: { type: 'string' }, zig: { type: 'boolean' } } });
        console.log(`built ${ path.relative(process.cwd(), buildAddon(values)) }`);
    } catch (error) {
        console.error(`kixx-datastore: ${ error.message }`);
        process.exitCode = 1;
    }
}

if (require.main === module) {
    main();
}

module.exports = { buildAddon };
