'use strict';

const { once } = require('node:events');

/** Characters that are written at once. */
const CHUNK_LENGTH = 65_536;

const RED = 31;
const YELLOW = 33;

/** What a command says: its answer on stdout and nothing else there, everything else on stderr. */
class Output {
    #stdout;
    #stderr;
    #env;
    #pending = '';
    /** Whether answers and errors are JSON. */
    json;

    /** @param {{ stdout: object, stderr: object, env: object, json: boolean }} options */
    constructor({ stdout, stderr, env, json }) {
        this.#stdout = stdout;
        this.#stderr = stderr;
        this.#env = env;
        this.json = json;
    }

    /** The answer of a command that has one: as JSON, or what `describe` makes of it. */
    async answer(value, describe) {
        await this.write(this.json ? `${ JSON.stringify(value) }\n` : describe(value));
    }

    /** A part of an answer; waits while the reader is slow. */
    async write(text) {
        this.#pending += text;
        if (this.#pending.length >= CHUNK_LENGTH) {
            await this.flush();
        }
    }

    async flush() {
        const text = this.#pending;
        this.#pending = '';
        if (text !== '' && !this.#stdout.write(text)) {
            await once(this.#stdout, 'drain');
        }
    }

    warn(message, details = {}) {
        this.#tell({ warning: { message, ...details } }, 'warning', YELLOW, message);
    }

    /** `code`, `message`, and `key` and `expected` where the error has them. */
    error(error) {
        const { code = 'UNEXPECTED', message, key, expected } = error;
        this.#tell({ error: { code, message, key, expected } }, 'error', RED, message);
    }

    /** For people only. */
    hint(text) {
        this.#stderr.write(`${ text }\n`);
    }

    #tell(value, label, color, message) {
        const text = this.json
            ? JSON.stringify(value)
            : `${ colored(`${ label }:`, color, this.#stderr, this.#env) } ${ message }`;
        this.#stderr.write(`${ text }\n`);
    }
}

/** Colour is for people, and only where they have not said that they want none: https://no-color.org */
function colored(text, color, stream, { NO_COLOR, TERM }) {
    const wanted = stream.isTTY && (NO_COLOR ?? '') === '' && TERM !== 'dumb';
    return wanted ? `\x1b[${ color }m${ text }\x1b[39m` : text;
}

module.exports = { Output };
