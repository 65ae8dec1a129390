'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { setTimeout: delay } = require('node:timers/promises');
const { startScript } = require('./child.js');
const { Oracle } = require('./kill-oracle.js');
const { allKeys } = require('./kill-plan.js');
const { newRoomyDirectory } = require('./temp.js');

/** How many threads write in one process, the more often the cheaper. */
const THREADS = [1, 1, 2, 3];
const IN_FLIGHT_MAX = 8;
/** How many lines a process may say before it is killed. */
const LINES_MAX = 600;
/** A few live longer than a checkpoint takes to come. */
const OLD_SHARE = 0.03;
const OLD_MS = [900, 1500];
/** When a process is killed that was told to open or to close. */
const MOMENT_MS_MAX = 10;
const CLEAN_CLOSE_SHARE = 0.1;
const DIRECTORY_BYTES = 2 ** 28;

/**
 * Processes write to one directory and are killed. With several of them one dies, the others go on and
 * another takes its place; from time to time all die at once. Whatever one finds when it opens the directory
 * has to be what the oracle says may be there.
 */
class KillLoop {
    #t;
    #random;
    #processes;
    #lie;
    #storage;
    #directory;
    #oracle;
    #started = 0;
    /** Started ahead, so that nobody waits for it. */
    #spare;
    /** What all processes said since the last time that none lived. */
    #events = [];
    kills = 0;
    closes = 0;

    constructor(t, { random, processes = 1, lie, storage = 'files', directory }) {
        this.#t = t;
        this.#random = random;
        this.#processes = processes;
        this.#lie = lie;
        this.#storage = storage;
        this.#directory = directory ?? newRoomyDirectory(t, DIRECTORY_BYTES);
        this.#oracle = new Oracle(allKeys(processes, Math.max(...THREADS)));
    }

    get acknowledged() {
        return this.#oracle.acknowledged;
    }

    /** Kills so many processes, then closes the directory and looks at its files. */
    async run(kills) {
        this.#spare = this.#spawn();
        while (this.kills < kills) {
            await this.#killRound(kills);
            if (this.kills >= kills || this.#random.chance(CLEAN_CLOSE_SHARE)) {
                await this.#closeCleanly();
            }
        }
        this.#spare.child.kill();
    }

    /** Some die one after the other, and in the end all at once. */
    async #killRound(kills) {
        const settings = {
            durability: this.#random.pick(['sync', 'sync', 'sync', 'os', 'batched']),
            flushInterval: 1 + this.#random.int(100),
        };
        const living = Array.from({ length: this.#processes }, (_, slot) => this.#start(slot, settings));
        const single = this.#processes === 1 ? 0 : this.#random.int(4 * this.#processes);
        for (let i = 0; i < single && this.kills + this.#processes < kills; i += 1) {
            const slot = this.#random.int(this.#processes);
            await this.#ripen(living[slot]);
            await this.#kill(living[slot]);
            living[slot] = this.#start(slot, settings);
        }
        await this.#ripen(this.#random.pick(living));
        await Promise.all(living.map((victim) => this.#kill(victim)));
        this.#check();
    }

    /** One process opens and closes: then there is what a store leaves, and nothing else. */
    async #closeCleanly() {
        const closer = this.#start(0, { durability: 'sync' }, 'closing');
        const { code, stderr } = await closer.child.exited;
        assert.equal(code, 0, stderr);
        await this.#listen(closer);
        this.#check();
        this.closes += 1;
        if (this.#storage === 'disk') {
            // What it holds is seen by who opens it next.
            assert.deepEqual(fs.readdirSync(this.#directory), ['data.redb']);
        } else {
            this.#checkFiles();
        }
    }

    /** The files are the documents. */
    #checkFiles() {
        const files = new Map(fs.readdirSync(this.#directory).sort().map((name) => {
            const file = path.join(this.#directory, name);
            return [decodeURIComponent(name.slice(0, -'.json'.length)), fs.readFileSync(file, 'utf8')];
        }));
        const texts = [...this.#oracle.documents()].map(([key, document]) => [key, JSON.stringify(document)]);
        assert.deepEqual(files, new Map(texts));
    }

    /** A process that has not opened anything yet. */
    #spawn() {
        this.#started += 1;
        const child = startScript(this.#t, 'kill-child.js', [this.#random.pick(THREADS)]);
        return { name: this.#started, lines: [], child };
    }

    /** Lets a process open the directory in this slot, and chooses what it is doing when it is killed. */
    #start(slot, settings, fate = this.#chooseFate()) {
        const started = this.#spare;
        this.#spare = this.#spawn();
        const options = {
            ...settings, directory: this.#directory, storage: this.#storage, slot, name: started.name,
            lie: this.#lie, seed: this.#random.int(2 ** 31), inFlight: 1 + this.#random.int(IN_FLIGHT_MAX),
        };
        started.child.send(JSON.stringify(options));
        started.child.send('open');
        if (fate !== 'looking') {
            started.child.send(fate === 'closing' ? 'close' : 'go');
        }
        return { ...started, fate };
    }

    #chooseFate() {
        if (this.#random.chance(OLD_SHARE)) {
            return 'old';
        }
        return this.#random.pick(['writing', 'writing', 'writing', 'opening', 'looking', 'closing']);
    }

    /** Waits for the moment at which a process is killed. */
    async #ripen({ fate, child, lines }) {
        const random = this.#random;
        if (fate === 'opening') {
            await delay(random.int(MOMENT_MS_MAX));
        } else if (fate === 'looking') {
            await readUntil(child, lines, isSeen);
        } else if (fate === 'closing') {
            await readUntil(child, lines, isSeen);
            await delay(random.int(MOMENT_MS_MAX));
        } else if (fate === 'old') {
            const [least, most] = OLD_MS;
            await delay(least + random.int(most - least));
        } else {
            const count = 1 + random.int(LINES_MAX);
            await readUntil(child, lines, () => lines.length >= count);
        }
    }

    async #kill(victim) {
        victim.child.kill();
        const { code, signal, stderr, isTimedOut } = await victim.child.exited;
        await this.#listen(victim);
        assert.equal(isTimedOut, false, 'it hangs');
        if (code === 0 && victim.fate === 'closing') {
            this.closes += 1;
        } else {
            assert.equal(signal, 'SIGKILL', stderr);
            this.kills += 1;
        }
    }

    /** Takes what a process said that is no more. */
    async #listen({ name, child, lines }) {
        const all = [...lines, ...await child.rest()];
        this.#events.push(...eventsOf(name, all), { at: now(), type: 'end', process: name });
    }

    #check() {
        this.#oracle.take(this.#events);
        this.#events = [];
        const { wrong } = this.#oracle;
        assert.deepEqual(wrong.slice(0, 5), [], `${ wrong.length } wrong after ${ this.kills } kills`);
    }
}

function isSeen(line) {
    return line.includes('"seen"');
}

async function readUntil(child, lines, condition) {
    for (;;) {
        const line = await child.line();
        if (line === null) {
            return;
        }
        lines.push(line);
        if (condition(line)) {
            return;
        }
    }
}

/** Microseconds on the clock that all processes share. */
function now() {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1e6 + nanoseconds / 1e3;
}

/** The events that a process told of. A look that it did not end tells nothing. */
function eventsOf(name, lines) {
    const events = [];
    const found = new Map();
    let lookedAt;
    for (const line of lines) {
        const [at, word, ...rest] = JSON.parse(line);
        switch (word) {
            case 'look':
                lookedAt = at;
                break;
            case 'found':
                found.set(...rest);
                break;
            case 'seen':
                events.push({ at: lookedAt, type: 'look', look: `process ${ name }` });
                events.push({ at, type: 'seen', look: `process ${ name }`, documents: found });
                break;
            case 'begin':
                events.push({ at, type: 'begin', process: name, operation: rest[0] });
                break;
            case 'ack':
                events.push({ at, type: 'ack', id: rest[0], result: rest[1] });
                break;
            default:
                throw new Error(`process ${ name } said ${ line }`);
        }
    }
    return events;
}

module.exports = { KillLoop };
