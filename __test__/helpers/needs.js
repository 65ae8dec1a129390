'use strict';

// What a test needs that not every machine has. A test that is skipped for the want of it has to be in
// `may-skip.json`, or `npm test` fails.

const os = require('node:os');
const { spawnSync } = require('node:child_process');

/** How to run a command that may mount file systems which nobody else sees, best first. */
const NAMESPACES = [['unshare', '-m'], ['unshare', '-rm']];

const succeeds = (command, ...args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

function findNamespace() {
    return NAMESPACES.find((command) => {
        return succeeds(...command, 'sh', '-c', 'mount -t tmpfs -o size=1m tmpfs "$0"', os.tmpdir());
    });
}

/** For each need, why it is not met, or undefined. */
const LACKS = {
    linux: () => (process.platform === 'linux' ? undefined : 'only on Linux'),
    strace: () => {
        const mayTrace = succeeds('strace', '-f', '--seccomp-bpf', '-o', os.devNull, 'true');
        return mayTrace ? undefined : 'no strace, or it may not trace';
    },
    mounts: () => (namespace() === undefined ? 'no right to mount a file system' : undefined),
    callgrind: () => {
        const nowhere = `--callgrind-out-file=${ os.devNull }`;
        return succeeds('valgrind', '--tool=callgrind', nowhere, 'true') ? undefined : 'no valgrind';
    },
    compiler: () => (succeeds('cc', '--version') ? undefined : 'no C compiler'),
};

const memory = new Map();

function remembered(name, find) {
    if (!memory.has(name)) {
        memory.set(name, find());
    }
    return memory.get(name);
}

/** The command, in parts, that puts another one into its own space of mounts; undefined where that fails. */
function namespace() {
    return remembered('namespace', findNamespace);
}

/** For the option `skip` of a test: false, or why this machine cannot run it. */
function needs(...names) {
    const lacks = names.map((name) => remembered(`lack ${ name }`, LACKS[name]));
    return lacks.find((lack) => lack !== undefined) ?? false;
}

module.exports = { namespace, needs };
