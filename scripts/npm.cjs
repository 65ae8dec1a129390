'use strict';

const path = require('node:path');
const { spawnSync } = require('node:child_process');

const QUIET = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];

/**
 * Runs npm, the one that started this process if one did, and answers with what it printed.
 *
 * @param {string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv }} options
 * @throws {Error} with what npm said, and its exit code as `status`
 */
function npm(args, options) {
    const [command, ...first] = npmCommand();
    const result = spawnSync(command, [...first, ...QUIET, ...args], { ...options, encoding: 'utf8' });
    if (result.status !== 0) {
        const said = result.error?.message ?? `${ result.stdout }${ result.stderr }`;
        const error = new Error(`npm ${ args.join(' ') } failed\n${ said }`);
        throw Object.assign(error, { status: result.status });
    }
    return result.stdout;
}

/** How to start npm, in parts. */
function npmCommand() {
    const script = process.env.npm_execpath;
    if (script?.endsWith('.js')) {
        return [process.execPath, script];
    }
    // On Windows npm is a shell script next to Node, which only a shell could start.
    const besideNode = path.join(path.dirname(process.execPath), 'node_modules', 'npm', 'bin', 'npm-cli.js');
    return process.platform === 'win32' ? [process.execPath, besideNode] : ['npm'];
}

module.exports = { npm, npmCommand };
