'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const stacks = new WeakMap();

/** Runs `action` when the test `t` is over: last registered first, all of them even when one fails. */
function cleanup(t, action) {
    if (!stacks.has(t)) {
        stacks.set(t, []);
        t.after(() => unwind(stacks.get(t)));
    }
    stacks.get(t).push(action);
}

async function unwind(stack) {
    const errors = [];
    while (stack.length > 0) {
        try {
            await stack.pop()();
        } catch (error) {
            errors.push(error);
        }
    }
    if (errors.length > 0) {
        throw errors[0];
    }
}

/** A path in a new directory that is removed when the test is over. The path itself does not exist yet. */
function newPath(t, name = 'data', parent = os.tmpdir()) {
    const root = fs.mkdtempSync(path.join(fs.realpathSync(parent), 'kixx-test-'));
    // A handle that went with its worker is let go in the background, so files may still come and go.
    cleanup(t, () => eventually(() => isRemoved(root), 'its directory is removed'));
    return path.join(root, name);
}

function isRemoved(root) {
    try {
        fs.rmSync(root, { recursive: true, force: true });
        return true;
    } catch {
        return false;
    }
}

/** A new empty directory, removed when the test is over. */
function newDirectory(t, parent) {
    const directory = newPath(t, 'data', parent);
    fs.mkdirSync(directory);
    return directory;
}

/** Where many small files are cheap: memory, if there is enough of it, otherwise the usual place. */
function roomyParent(bytes) {
    const memory = '/dev/shm';
    try {
        fs.accessSync(memory, fs.constants.W_OK);
        const { bavail, bsize } = fs.statfsSync(memory);
        return bavail * bsize > bytes ? memory : os.tmpdir();
    } catch {
        return os.tmpdir();
    }
}

/** Waits until `condition` holds; fails when it does not come true. For what happens in the background. */
async function eventually(condition, what, timeoutMs = 60_000) {
    const end = performance.now() + timeoutMs;
    while (!await condition()) {
        if (performance.now() > end) {
            throw new Error(`still not true after ${ timeoutMs } ms: ${ what }`);
        }
        await new Promise(setImmediate);
    }
}

/** A new empty directory for many documents. */
function newRoomyDirectory(t, bytes = 2 ** 30) {
    return newDirectory(t, roomyParent(bytes));
}

/** Whether two names that differ only in case are one file here. */
function isCaseInsensitive(directory) {
    const probe = path.join(directory, 'Probe.tmp');
    fs.writeFileSync(probe, '');
    const answer = fs.existsSync(path.join(directory, 'probe.TMP'));
    fs.rmSync(probe);
    return answer;
}

/** Everything under `directory`: relative path to content, directories with a trailing slash and null. */
function snapshotFiles(directory) {
    const files = {};
    for (const name of fs.readdirSync(directory, { recursive: true }).sort()) {
        const full = path.join(directory, name);
        if (fs.statSync(full).isDirectory()) {
            files[`${ name }/`] = null;
        } else {
            files[name] = fs.readFileSync(full, 'utf8');
        }
    }
    return files;
}

module.exports = {
    cleanup, eventually, newPath, newDirectory, newRoomyDirectory, isCaseInsensitive, snapshotFiles,
};
