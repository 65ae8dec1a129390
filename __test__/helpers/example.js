'use strict';

// The servers of `examples/`, as processes.

const assert = require('node:assert/strict');
const { startCommand } = require('./child.js');

/** Starts a server on a port that is free; resolves once it listens. */
async function startServer(t, script, env, args = []) {
    const command = [process.execPath, script, '--port', '0', ...args];
    const child = startCommand(t, command, { env: { ...process.env, ...env } });
    const line = await child.line();
    const [, url] = /^Listening on (http:\S+)$/.exec(line) ?? assert.fail(`${ line }\n${ child.stderr }`);
    return { child, url };
}

/** Asks a process to end; resolves when it has. */
function terminate(child) {
    process.kill(child.pid, 'SIGTERM');
    return child.exited;
}

module.exports = { startServer, terminate };
