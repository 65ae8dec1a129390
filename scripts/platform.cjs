'use strict';

const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');

/** The platform as napi's platform packages name it: `linux-x64-gnu`, `darwin-arm64` ... */
function platformTuple() {
    const { platform, arch } = process;
    if (platform === 'linux') {
        return `linux-${ arch }-${ isMusl() ? 'musl' : 'gnu' }`;
    }
    return platform === 'win32' ? `win32-${ arch }-msvc` : `${ platform }-${ arch }`;
}

function isMusl() {
    try {
        return fs.readFileSync('/usr/bin/ldd', 'latin1').includes('musl');
    } catch {
        return !process.report.getReport().header.glibcVersionRuntime;
    }
}

/** Where a local build puts the addon. */
function addonPath() {
    return path.join(root, `kixx-datastore.${ platformTuple() }.node`);
}

module.exports = { root, platformTuple, addonPath };
