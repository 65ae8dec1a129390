'use strict';

const path = require('node:path');
const { spawn } = require('node:child_process');
const { cleanup } = require('./temp.js');

const BIN = path.join(__dirname, '..', '..', 'bin', 'kixx-datastore.cjs');

/** Starts the tool as a process; killed when the test is over. */
function startCli(t, args, { cwd, env, nodeOptions = [] } = {}) {
    const child = spawn(process.execPath, [...nodeOptions, BIN, ...args], {
        cwd,
        env: { ...process.env, NO_COLOR: undefined, ...env },
    });
    child.stdin.on('error', () => {});
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
        child[name].setEncoding('utf8').on('data', (text) => {
            said[name] += text;
        });
    }
    const exited = new Promise((resolve) => {
        child.on('close', (code, signal) => resolve({ code, signal, ...said }));
    });
    cleanup(t, () => {
        child.kill('SIGKILL');
        return exited;
    });
    return { child, exited };
}

/** Runs the tool: `{ code, signal, stdout, stderr }`. */
async function cli(t, args, { stdin = '', ...options } = {}) {
    const { child, exited } = startCli(t, args, options);
    child.stdin.end(stdin);
    return exited;
}

/** The same with --json: `{ code, answer, error }`, each parsed from the one line that there may be. */
async function cliJson(t, args, options) {
    const { code, stdout, stderr } = await cli(t, [...args, '--json'], options);
    return { code, answer: parseLine(stdout), error: parseLine(stderr)?.error };
}

function parseLine(text) {
    if (text === '') {
        return undefined;
    }
    if (!/^[^\n]*\n$/.test(text)) {
        throw new Error(`not one line: ${ text }`);
    }
    return JSON.parse(text);
}

module.exports = { BIN, cli, cliJson, startCli };
