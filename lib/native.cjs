'use strict';

// Loads the addon: the one that was compiled here, or else the one of the platform's package. Internal.

const fs = require('node:fs');
const { addonPath, packageName, platformTuple } = require('../scripts/platform.cjs');
const { version } = require('../package.json');

const COMPILE = 'To compile it here, with Rust (https://rustup.rs): npx kixx-datastore build';

// Written out, so that tools which follow `require` find the addon.
const packages = {
    'linux-x64-gnu': () => require('@kixx-datastore/linux-x64-gnu'),
    'linux-x64-musl': () => require('@kixx-datastore/linux-x64-musl'),
    'linux-arm64-gnu': () => require('@kixx-datastore/linux-arm64-gnu'),
    'linux-arm64-musl': () => require('@kixx-datastore/linux-arm64-musl'),
    'darwin-x64': () => require('@kixx-datastore/darwin-x64'),
    'darwin-arm64': () => require('@kixx-datastore/darwin-arm64'),
    'win32-x64-msvc': () => require('@kixx-datastore/win32-x64-msvc'),
    'win32-arm64-msvc': () => require('@kixx-datastore/win32-arm64-msvc'),
};

function loadAddon() {
    const tuple = platformTuple();
    const local = addonPath(tuple);
    const isLocal = fs.existsSync(local);
    const name = isLocal ? local : packageName(tuple);
    const load = isLocal ? () => require(local) : packages[tuple];
    if (load === undefined) {
        throw noPackageFor(tuple);
    }
    let addon;
    try {
        addon = load();
    } catch (cause) {
        const isMissing = !isLocal && cause.code === 'MODULE_NOT_FOUND';
        throw isMissing ? notInstalled(tuple, name, cause) : doesNotLoad(name, cause);
    }
    const found = addon.version?.();
    if (found !== version) {
        throw otherVersion(name, found);
    }
    return addon;
}

function noPackageFor(tuple) {
    const known = Object.keys(packages).join(', ');
    return nativeError('ERR_NATIVE_NOT_FOUND', [
        `kixx-datastore has no compiled addon for this platform, ${ tuple }, but for ${ known }.`,
        COMPILE,
    ]);
}

function notInstalled(tuple, name, cause) {
    return nativeError('ERR_NATIVE_NOT_FOUND', [
        `kixx-datastore: ${ name }, the addon for this platform, ${ tuple }, is not installed.`,
        '- npm may have left it out (https://github.com/npm/cli/issues/4828), or node_modules or the lockfile',
        '  may come from another platform: remove node_modules and package-lock.json, and run npm install.',
        '- The options --no-optional, --omit=optional, --os, --cpu and --libc leave it out.',
        '- A bundler has to leave kixx-datastore out of the bundle, as an external package.',
        COMPILE,
    ], cause);
}

function doesNotLoad(name, cause) {
    return nativeError('ERR_NATIVE_UNUSABLE', [
        `kixx-datastore: the addon ${ name } does not load: ${ cause.message }`, COMPILE,
    ], cause);
}

function otherVersion(name, found = 'unknown') {
    return nativeError('ERR_NATIVE_UNUSABLE', [
        `kixx-datastore: the addon ${ name } is of version ${ found }, expected ${ version }.`,
        'Remove node_modules and run npm install, so that all parts are of one version.',
        COMPILE,
    ]);
}

function nativeError(code, lines, cause) {
    const error = new Error(lines.join('\n'), cause === undefined ? undefined : { cause });
    error.code = code;
    return error;
}

module.exports = loadAddon();
