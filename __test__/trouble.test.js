'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { test } = require('node:test');
const { startCommand, startLimited, startScript } = require('./helpers/child.js');
const { namespace, needs } = require('./helpers/needs.js');
const { newRoomyDirectory } = require('./helpers/temp.js');

const DISK_BYTES = 8 * 2 ** 20;
const NOBODY = 65534;
const SCRIPT = path.join(__dirname, 'helpers', 'trouble-child.js');

/** Waits for a process that checks by itself, and shows what it says. */
async function succeeds(t, child) {
    const said = await child.rest();
    const { code, stderr, isTimedOut } = await child.exited;
    assert.equal(isTimedOut, false, 'it hangs');
    assert.equal(code, 0, stderr);
    said.forEach((line) => t.diagnostic(line));
}

/** Starts a process on a small file system of its own, which goes with it. */
function startOnDisk(t, trouble, ...others) {
    const place = newRoomyDirectory(t);
    const mount = `mount -t tmpfs -o size=${ DISK_BYTES } tmpfs "$0" && exec "$@"`;
    const command = [process.execPath, SCRIPT, trouble, place, ...others];
    return startCommand(t, [...namespace(), 'sh', '-c', mount, place, ...command]);
}

for (const durability of ['sync', 'os', 'batched']) {
    const skip = needs('mounts');
    test(`a full disk refuses writes until there is space, durability ${ durability }`, { skip }, (t) => {
        return succeeds(t, startOnDisk(t, 'full', durability));
    });

    test(`a disk that is full at close(), durability ${ durability }`, { skip }, (t) => {
        return succeeds(t, startOnDisk(t, 'fullAtTheEnd', durability));
    });
}

test('a read-only file system is a StorageError', { skip: needs('mounts') }, (t) => {
    return succeeds(t, startOnDisk(t, 'readOnly'));
});

test('64 open files are enough', (t) => {
    return succeeds(t, startLimited(t, 64, 'trouble-child.js', ['fewFiles', newRoomyDirectory(t)]));
});

test('no more open files: a StorageError, and nothing lost', (t) => {
    return succeeds(t, startLimited(t, 256, 'trouble-child.js', ['noFiles', newRoomyDirectory(t)]));
});

test('a directory that becomes read-only while it is open', (t) => {
    const directory = newRoomyDirectory(t);
    fs.chmodSync(path.dirname(directory), 0o755);
    fs.chmodSync(directory, 0o777);
    if (process.getuid() === 0) {
        fs.chownSync(directory, NOBODY, NOBODY);
    }
    return succeeds(t, startScript(t, 'trouble-child.js', ['noRights', directory]));
});

test('a clock that is set back while the store is open', { skip: needs('linux', 'compiler') }, async (t) => {
    const directory = newRoomyDirectory(t);
    const library = `${ directory }.so`;
    const source = path.join(__dirname, 'helpers', 'clock-back.c');
    const { status, stderr } = spawnSync('cc', ['-shared', '-fPIC', '-o', library, source, '-ldl']);
    assert.equal(status, 0, String(stderr));
    for (const durability of ['sync', 'batched']) {
        const env = { ...process.env, LD_PRELOAD: library };
        const args = ['clock', path.join(directory, durability), durability];
        await succeeds(t, startScript(t, 'trouble-child.js', args, { env }));
    }
});
