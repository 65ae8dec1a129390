'use strict';

const { spawn } = require('node:child_process');

const TIMEOUT_MS = 240_000;

/**
 * Runs a command to its end, and answers with what it printed.
 *
 * @param {string[]} command in parts
 * @returns {Promise<{ status: number | null, stdout: string, stderr: string }>}
 */
function run([program, ...args], options = {}) {
    const stdio = ['ignore', 'pipe', 'pipe'];
    const child = spawn(program, args, { timeout: TIMEOUT_MS, ...options, stdio });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
        child[name].setEncoding('utf8').on('data', (text) => {
            output[name] += text;
        });
    }
    return new Promise((resolve, reject) => {
        child.on('error', reject);
        child.on('close', (status) => resolve({ status, ...output }));
    });
}

/** The same for a command that has to succeed; answers with its standard output. */
async function runWell(command, options) {
    const { status, stdout, stderr } = await run(command, options);
    if (status !== 0) {
        throw new Error(`${ command.join(' ') } failed (exit code ${ status })\n${ stdout }${ stderr }`);
    }
    return stdout;
}

module.exports = { run, runWell };
