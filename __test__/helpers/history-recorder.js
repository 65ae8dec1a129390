'use strict';

const fs = require('node:fs');

/** Appends operations to a file: what is asked at the call, what came of it at the return. */
class Recorder {
    #file;
    #base;
    #count = 0;

    /** @param {bigint} base the beginning of time; the clock is that of the whole machine */
    constructor(file, base) {
        this.#file = fs.openSync(file, 'a');
        this.#base = base;
    }

    now() {
        return Number(process.hrtime.bigint() - this.#base);
    }

    /** `work` answers what it saw, or the revisions that it made. */
    async record(client, name, asked, work) {
        const n = this.begin(client, name, asked);
        const call = this.now();
        try {
            const answer = await work();
            this.end(n, { call, return: this.now(), outcome: 'ok', ...answer });
        } catch (error) {
            const returned = this.now();
            if (error.code !== 'CONFLICT') {
                throw error;
            }
            const conflict = error.key.startsWith('group:') ? 'group' : error.key;
            this.end(n, { call, return: returned, outcome: 'conflict', conflict });
        }
    }

    begin(client, name, asked) {
        this.#count += 1;
        this.#write({ n: this.#count, client, name, ...asked, outcome: 'unknown', call: this.now() });
        return this.#count;
    }

    end(n, result) {
        this.#write({ n, ...result });
    }

    #write(line) {
        fs.writeSync(this.#file, `${ JSON.stringify(line) }\n`);
    }
}

/** The operations of a file; those that never returned have the outcome 'unknown'. */
function readRecords(file) {
    const lines = fs.readFileSync(file, 'utf8').split('\n');
    // A process that was killed may have left half a line.
    lines.pop();
    const operations = new Map();
    for (const line of lines) {
        const part = JSON.parse(line);
        operations.set(part.n, { ...operations.get(part.n), ...part });
    }
    return [...operations.values()].map((operation) => ({ return: Infinity, ...operation }));
}

module.exports = { Recorder, readRecords };
