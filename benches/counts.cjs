#!/usr/bin/env node
'use strict';

// Counts the instructions of the hot paths in `benches/rust` and compares them with the committed figures.
//
//   npm run counts [-- --write]

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFile } = require('node:child_process');
const { parseArgs, promisify } = require('node:util');

const FIGURES_FILE = path.join(__dirname, 'counts.json');
const CRATE = path.join(__dirname, 'rust');
// Its own: the core without Node would take the place of the addon's library.
const TARGET = path.join(process.env.CARGO_TARGET_DIR ?? path.join(__dirname, '..', 'target'), 'counts');

/** How much a count may differ from the committed one, in percent. */
const LIMIT = 3;
/** The same when another compiler made the figures, which turns the same source into other instructions. */
const LIMIT_OF_OTHER_COMPILER = 10;
/** What is less than this of one operation happens once for many, and may differ by more. */
const SLACK = 0.05;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const RENEW = 'npm run counts -- --write';

/**
 * What one operation takes. `instructions` are those of our binary, with Rust's standard library in it. Those
 * of libc are not counted, since each processor has others; `calls` of it are: allocations and copies.
 *
 * @typedef {{ instructions: number, calls: number }} Counts
 * @typedef {{ rustc: string, paths: Record<string, Counts> }} Figures  of one platform
 */

async function main() {
    const { values: { write } } = parseArgs({ options: { write: { type: 'boolean', default: false } } });
    const { host } = await compiler();
    const committed = readFigures(host);
    const measured = await measure();
    const before = committed ?? { rustc: measured.rustc, paths: {} };
    const comparison = compare(before, measured);
    console.log(`${ host }, rustc ${ measured.rustc }\n${ table(comparison.rows) }`);
    if (write) {
        writeFigures(host, measured);
        console.log(`Written to ${ path.relative(process.cwd(), FIGURES_FILE) }`);
    } else {
        console.log(verdict(comparison));
        process.exitCode = comparison.problems.length === 0 ? 0 : 1;
    }
}

/** @returns {Promise<{ rustc: string, host: string }>} the version of the compiler, and its platform */
async function compiler() {
    const text = await run('rustc', ['--version', '--verbose'], { cwd: CRATE });
    const field = (name) => new RegExp(`^${ name }: (.*)$`, 'm').exec(text)[1];
    return { rustc: field('release'), host: field('host') };
}

/** @returns {Figures | undefined} the committed figures, if there are any for this platform */
function readFigures(host) {
    return JSON.parse(fs.readFileSync(FIGURES_FILE, 'utf8'))[host];
}

function writeFigures(host, figures) {
    const all = { ...JSON.parse(fs.readFileSync(FIGURES_FILE, 'utf8')), [host]: figures };
    fs.writeFileSync(FIGURES_FILE, `${ JSON.stringify(all, null, 4) }\n`);
}

/**
 * Builds the hot paths and counts each. Needs valgrind.
 *
 * @returns {Promise<Figures>}
 */
async function measure() {
    const binary = await build();
    const { rustc } = await compiler();
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kixx-datastore-counts-'));
    const paths = {};
    try {
        const list = await run(binary, []);
        for (const line of list.trim().split('\n')) {
            const [name, operations] = line.split(' ');
            const countRuns = (runs) => callgrind(path.join(directory, `${ runs }`), binary, name, runs);
            const [once, twice] = await Promise.all([countRuns(1), countRuns(2)]);
            const ofOne = (count) => Number(((twice[count] - once[count]) / operations).toFixed(2));
            paths[name] = { instructions: ofOne('instructions'), calls: ofOne('calls') };
        }
    } finally {
        fs.rmSync(directory, { recursive: true, force: true });
    }
    return { rustc, paths };
}

/** @returns {Promise<string>} the path of the binary */
async function build() {
    const options = ['--release', '--locked', '--bin', 'counts', '--target-dir', TARGET];
    // For any processor, whatever the machine prefers.
    const env = { ...process.env, CARGO_ENCODED_RUSTFLAGS: '' };
    const messages = await run('cargo', ['build', ...options, '--message-format=json'], { cwd: CRATE, env });
    const artifacts = messages.trim().split('\n').map((line) => JSON.parse(line));
    return artifacts.find(({ target, executable }) => target?.name === 'counts' && executable).executable;
}

/** @returns {Promise<Counts>} of a whole process */
async function callgrind(profile, binary, ...args) {
    const plainly = ['--compress-strings=no', '--compress-pos=no', '--dump-line=no'];
    const options = ['--tool=callgrind', `--callgrind-out-file=${ profile }`, ...plainly];
    await run('valgrind', [...options, binary, ...args]);
    return sumProfile(fs.readFileSync(profile, 'utf8'), binary);
}

/**
 * @param {string} profile what callgrind wrote, nothing abbreviated
 * @param {string} object the path of the binary or library
 * @returns {Counts} of the functions of this object: their own instructions, and their calls of other objects
 */
function sumProfile(profile, object) {
    const sums = { instructions: 0, calls: 0 };
    let caller;
    let callee;
    let calls;
    for (const line of profile.split('\n')) {
        const [, name, value] = /^(ob|cob|calls)=(\S+)/.exec(line) ?? [];
        const [, cost] = /^\d+ (\d+)$/.exec(line) ?? [];
        if (name === 'ob') {
            caller = value;
        } else if (name === 'cob') {
            callee = value;
        } else if (name === 'calls') {
            calls = Number(value);
        } else if (cost !== undefined && calls === undefined) {
            sums.instructions += caller === object ? Number(cost) : 0;
        } else if (cost !== undefined) {
            // What the callee took, which it has in lines of its own.
            sums.calls += caller === object && (callee ?? object) !== object ? calls : 0;
            callee = undefined;
            calls = undefined;
        }
    }
    return sums;
}

/**
 * Compares figures of one platform.
 *
 * @param {Figures} committed
 * @param {Figures} measured
 * @returns {{ compilers: string[], limit: number, rows: object[], problems: string[] }}
 */
function compare(committed, measured) {
    const compilers = [committed.rustc, measured.rustc];
    const limit = committed.rustc === measured.rustc ? LIMIT : LIMIT_OF_OTHER_COMPILER;
    const names = new Set([...Object.keys(committed.paths), ...Object.keys(measured.paths)]);
    const rows = [...names].flatMap((name) => ['instructions', 'calls'].map((count) => {
        const [before, now] = [committed, measured].map(({ paths }) => paths[name]?.[count]);
        return { name, count, before, now, percent: before === now ? 0 : (now / before - 1) * 100 };
    }));
    const problems = rows.flatMap((row) => problemOf(row, limit) ?? []);
    return { compilers, limit, rows, problems: [...new Set(problems)] };
}

function problemOf({ name, count, before, now, percent }, limit) {
    if (before === undefined) {
        return `${ name }: no figure is committed`;
    }
    if (now === undefined) {
        return `${ name }: there is no such path any more`;
    }
    // Multiplied out, so that no rounding decides.
    const isNear = Math.abs(now - before) * 100 <= Math.max(limit * before, SLACK * 100);
    const change = `${ before } before, ${ now } now`;
    return isNear ? undefined : `${ name }: ${ signed(percent) } ${ count }, ${ change }`;
}

function table(rows) {
    const head = ['path', 'of one operation', 'committed', 'measured', 'difference'];
    const cells = rows.map(({ name, count, before, now, percent }) => {
        return [name, count, before?.toFixed(2) ?? '', now?.toFixed(2) ?? '', signed(percent)];
    });
    return [head, ...cells].map(([name, count, ...numbers]) => {
        return name.padEnd(22) + count.padEnd(18) + numbers.map((text) => text.padStart(12)).join('');
    }).join('\n');
}

function signed(percent) {
    return !Number.isFinite(percent) ? '' : `${ percent < 0 ? '' : '+' }${ percent.toFixed(1) } %`;
}

/** What the comparison means, and what to do. */
function verdict({ compilers: [committed, ours], limit, problems }) {
    const lines = [];
    if (committed !== ours) {
        lines.push(
            `The figures are of rustc ${ committed }, so up to ${ limit } % are let pass. When the project`,
            `moves on to rustc ${ ours }, renew them before anything else changes: ${ RENEW }`,
        );
    }
    if (problems.length > 0) {
        lines.push(
            `Further than ${ limit } % from benches/counts.json:`,
            ...problems.map((problem) => `    ${ problem }`),
            'Mend what got slower without reason. What was meant, also what got faster:',
            `${ RENEW }, and commit the figures with the change that made them.`,
        );
    }
    return lines.length > 0 ? lines.join('\n') : `All within ${ limit } %`;
}

async function run(command, args, options) {
    try {
        const limited = { maxBuffer: OUTPUT_BYTES_MAX, ...options };
        return (await promisify(execFile)(command, args, limited)).stdout;
    } catch (error) {
        throw new Error(`Could not run ${ command }: ${ error.stderr || error.message }`, { cause: error });
    }
}

if (require.main === module) {
    main().catch((error) => {
        console.error(error.message);
        process.exitCode = 1;
    });
}

module.exports = { compare, compiler, measure, readFigures, table, verdict };
