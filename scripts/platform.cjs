'use strict';

// Which platforms have a package with a compiled addon, which one this is, and where a local build goes.

const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');

/** The platforms with a package of their own, by tuple, and Rust's name for each. */
const TARGETS = {
    'linux-x64-gnu': 'x86_64-unknown-linux-gnu',
    'linux-x64-musl': 'x86_64-unknown-linux-musl',
    'linux-arm64-gnu': 'aarch64-unknown-linux-gnu',
    'linux-arm64-musl': 'aarch64-unknown-linux-musl',
    'darwin-x64': 'x86_64-apple-darwin',
    'darwin-arm64': 'aarch64-apple-darwin',
    'win32-x64-msvc': 'x86_64-pc-windows-msvc',
    'win32-arm64-msvc': 'aarch64-pc-windows-msvc',
};

/** The beginning of an executable names its dynamic linker, which belongs to one C library. */
const EXECUTABLE_HEAD_BYTES = 4096;

function packageName(tuple) {
    return `@kixx-datastore/${ tuple }`;
}

/** The name of this platform: what Node calls system and processor, and the C library where there are two. */
function platformTuple() {
    const { platform, arch } = process;
    if (platform === 'linux') {
        return `linux-${ arch }-${ isMusl() ? 'musl' : 'gnu' }`;
    }
    return platform === 'win32' ? `win32-${ arch }-msvc` : `${ platform }-${ arch }`;
}

// The running program decides, because a system may have both libraries.
function isMusl() {
    const head = executableHead();
    if (head.includes('/ld-musl-')) {
        return true;
    }
    if (head.includes('/ld-linux-')) {
        return false;
    }
    const report = process.report?.getReport();
    return report !== undefined && !report.header.glibcVersionRuntime;
}

function executableHead() {
    try {
        const file = fs.openSync(process.execPath, 'r');
        try {
            const head = Buffer.alloc(EXECUTABLE_HEAD_BYTES);
            return head.subarray(0, fs.readSync(file, head)).toString('latin1');
        } finally {
            fs.closeSync(file);
        }
    } catch {
        return '';
    }
}

/** Where a local build puts the addon. */
function addonPath(tuple = platformTuple()) {
    return path.join(root, `kixx-datastore.${ tuple }.node`);
}

module.exports = { root, TARGETS, packageName, platformTuple, addonPath };
