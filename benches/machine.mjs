// What the figures were measured on.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Says in plain text what a reader has to know about the machine. */
export function describeMachine(directory) {
    const [cpu] = os.cpus();
    return {
        cpu: cpu.model.trim(),
        cores: os.cpus().length,
        memory: `${ Math.round(os.totalmem() / 2 ** 30) } GiB`,
        system: `${ os.type() } ${ os.release() }`,
        node: process.version,
        fileSystem: fileSystemOf(fs.realpathSync(directory)),
        load: os.loadavg().map((load) => load.toFixed(1)).join(' '),
    };
}

/** Something else is running, so that figures will differ more than they should. */
export function isBusy() {
    return os.loadavg()[0] > os.cpus().length / 4;
}

/** The type of the file system that `directory` is on, where the system tells. */
function fileSystemOf(directory) {
    let mounts;
    try {
        mounts = fs.readFileSync('/proc/self/mounts', 'utf8');
    } catch {
        return 'unknown';
    }
    const holding = mounts.trim().split('\n')
        .map((line) => line.split(' '))
        .filter(([, point]) => !path.relative(point, directory).startsWith('..'))
        .reduce((deepest, mount) => (mount[1].length >= deepest[1].length ? mount : deepest));
    return holding[2];
}
