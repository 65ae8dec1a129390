'use strict';

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { cleanup } = require('./temp.js');

/** A child process that talks in lines. It never outlives its test, nor its time limit. */
class Child {
    #process;
    #isGroup;
    #pending = '';
    #lines = [];
    #waiting = null;
    #ended = false;
    #timer;
    stderr = '';
    isTimedOut = false;

    /** Settles with `{ code, signal, stderr, isTimedOut }` once the process and its pipes have ended. */
    exited;

    constructor(command, args, options) {
        const { env, isGroup = false } = options;
        this.#isGroup = isGroup;
        this.#process = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env, detached: isGroup });
        this.#process.stdin.on('error', () => {});
        this.#process.stderr.setEncoding('utf8').on('data', (text) => {
            this.stderr += text;
        });
        this.#process.stdout.setEncoding('utf8').on('data', (text) => this.#receive(text));
        this.#timer = setTimeout(() => {
            this.isTimedOut = true;
            this.kill();
        }, options.timeout ?? 60000);
        this.exited = new Promise((resolve) => {
            this.#process.on('close', (code, signal) => {
                clearTimeout(this.#timer);
                this.#ended = true;
                this.#wake();
                resolve({ code, signal, stderr: this.stderr, isTimedOut: this.isTimedOut });
            });
        });
    }

    get pid() {
        return this.#process.pid;
    }

    /** kill -9, of what it started too if it has a process group of its own. */
    kill() {
        if (this.#isGroup && !this.#ended) {
            process.kill(-this.pid, 'SIGKILL');
        } else {
            this.#process.kill('SIGKILL');
        }
    }

    /**
     * Stops it where it is, until `resume`. Resolves once all threads have stopped: the signal waits for what
     * they ask of the disk. Where that can't be seen it resolves at once.
     */
    async pause() {
        this.#process.kill('SIGSTOP');
        while (!this.#ended && threadStates(this.pid).some((state) => state !== 'T')) {
            await new Promise((resolve) => setTimeout(resolve, 1));
        }
    }

    resume() {
        this.#process.kill('SIGCONT');
    }

    send(line) {
        this.#process.stdin.write(`${ line }\n`);
    }

    endInput() {
        this.#process.stdin.end();
    }

    /** The next whole line, or null when there will be none. */
    async line() {
        while (this.#lines.length === 0 && !this.#ended) {
            await new Promise((resolve) => {
                this.#waiting = resolve;
            });
        }
        return this.#lines.length > 0 ? this.#lines.shift() : null;
    }

    /** Waits for exactly this line and answers the lines before it; throws when the child ends first. */
    async until(expected) {
        const before = [];
        for (;;) {
            const line = await this.line();
            if (line === expected) {
                return before;
            }
            if (line === null) {
                const end = JSON.stringify(await this.exited);
                throw new Error(`the child ended before it said "${ expected }": ${ end }`);
            }
            before.push(line);
        }
    }

    /** All remaining lines, after the end of the child. */
    async rest() {
        await this.exited;
        return this.#lines.splice(0);
    }

    #receive(text) {
        const parts = (this.#pending + text).split('\n');
        this.#pending = parts.pop();
        for (const part of parts) {
            this.#lines.push(part);
        }
        this.#wake();
    }

    #wake() {
        const waiting = this.#waiting;
        this.#waiting = null;
        waiting?.();
    }
}

/** Starts a command, with `isGroup` in a process group of its own; killed when the test is over. */
function startCommand(t, [command, ...args], options = {}) {
    const child = new Child(command, args, options);
    cleanup(t, () => {
        child.kill();
        return child.exited;
    });
    return child;
}

/** Starts a script of this folder under Node. */
function startScript(t, script, args = [], options = {}) {
    const file = path.join(__dirname, script);
    return startCommand(t, [process.execPath, file, ...args.map(String)], options);
}

/** Starts a script of this folder under Node, from a shell with a limit on open files. */
function startLimited(t, openFiles, script, args = [], options = {}) {
    const command = [process.execPath, path.join(__dirname, script), ...args.map(String)];
    const shell = ['-c', `ulimit -n ${ openFiles } && exec "$0" "$@"`, ...command];
    return startCommand(t, ['sh', ...shell], options);
}

/** A letter for each thread of a process, see proc(5); none where that can't be seen. */
function threadStates(pid) {
    const directory = `/proc/${ pid }/task`;
    const threads = fs.existsSync(directory) ? fs.readdirSync(directory) : [];
    return threads.map((thread) => {
        try {
            const stat = fs.readFileSync(path.join(directory, thread, 'stat'), 'utf8');
            return stat.slice(stat.lastIndexOf(')') + 2).charAt(0);
        } catch {
            // It ended just now.
            return '';
        }
    });
}

module.exports = { startCommand, startScript, startLimited };
