'use strict';

// Everything that has to hold: `npm test`, or `npm test -- <step> ...` for some of it.
// Stops at the first failure.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { root } = require('./platform.cjs');
const { ensureDependencies } = require('./prepare.cjs');
const maySkip = require('../__test__/may-skip.json');

const CORE_ONLY = '--no-default-features';
const BENCHES = ['--manifest-path', path.join('benches', 'rust', 'Cargo.toml')];
/** The suites that every storage passes, and those that need a directory. */
const ANY_STORAGE = /^(contract-.*|flat-.*|seeds-.*|vectors|model|hostile|big)\.test\.js$/;
const ON_DISK = new RegExp(`^(${ [
    'workers', 'exit', 'backup', 'backup-(increments|moment|restore)', 'import', 'observability.*',
    'sharing-(processes|history)',
].join('|') })\\.test\\.js$`);
const KILLS_ON_DISK = '50';
const SNIPPET_TESTS = ['readme.test.js', 'docs.test.js'].map((name) => path.join('__test__', name));

const steps = [
    { name: 'format', title: 'rustfmt', run: cargo('fmt', '--check') },
    { name: 'format', title: 'rustfmt, benches', run: cargo('fmt', '--check', ...BENCHES) },
    { name: 'clippy', title: 'clippy, core only', run: clippy(CORE_ONLY) },
    { name: 'clippy', title: 'clippy, with Node', run: clippy() },
    { name: 'clippy', title: 'clippy, benches', run: clippy(...BENCHES, '--target-dir=target') },
    { name: 'rust', title: 'cargo test, core only', run: cargo('test', '--locked', CORE_ONLY) },
    // What crosses rooms does not know Node, and was tested.
    { name: 'rust', title: 'cargo test, with Node', run: cargo('test', '--locked', '--lib') },
    { name: 'addon', title: 'build the addon', run: node('scripts/build-addon.cjs') },
    { name: 'lint', title: 'eslint', run: node(tool('eslint', 'bin/eslint.js'), '--max-warnings=0', '.') },
    { name: 'types', title: 'typings', run: typings('tsconfig.json') },
    { name: 'types', title: 'typings, nodenext', run: typings('tsconfig.nodenext.json') },
    { name: 'types', title: 'typings, bundler', run: typings('tsconfig.bundler.json') },
    { name: 'js', title: 'JavaScript tests', run: () => nodeTest(testFiles()) },
    { name: 'js-disk', title: 'storage on disk', run: () => storageTests('disk', ON_DISK) },
    { name: 'js-memory', title: 'storage in memory', run: () => storageTests('memory') },
    { name: 'readme', title: 'README and docs snippets', run: () => nodeTest(SNIPPET_TESTS) },
];

function cargo(...args) {
    return () => ['cargo', args];
}

function clippy(...features) {
    return cargo('clippy', '--locked', '--all-targets', ...features, '--', '-D', 'warnings');
}

function node(...args) {
    return () => [process.execPath, args];
}

function typings(config) {
    return node(tool('typescript', 'bin/tsc'), '-p', path.join('__test__', 'types', config));
}

function nodeTest(files) {
    // The default leaves one processor idle, and these tests wait more than they compute.
    const concurrency = `--test-concurrency=${ os.availableParallelism() }`;
    return [process.execPath, ['--test', concurrency, '--test-reporter=spec', ...files]];
}

function tool(name, file) {
    return path.join('node_modules', name, file);
}

// Found here, because `node --test` of Node 20 knows no patterns.
function testFiles() {
    return fs.readdirSync(path.join(root, '__test__'), { recursive: true })
        .filter((name) => /\.test\.(js|cjs|mjs)$/.test(name) && !name.includes('node_modules'))
        .map((name) => path.join('__test__', name))
        .filter((name) => !SNIPPET_TESTS.includes(name))
        .sort();
}

function storageTests(storage, more = ANY_STORAGE) {
    const files = fs.readdirSync(path.join(root, '__test__'))
        .filter((name) => ANY_STORAGE.test(name) || more.test(name))
        .map((name) => path.join('__test__', name))
        .sort();
    const [command, args] = nodeTest(files);
    return [command, args, { KIXX_TEST_STORAGE: storage, KILL_KILLS: KILLS_ON_DISK }];
}

async function main() {
    const wanted = process.argv.slice(2);
    const known = new Set(steps.map((step) => step.name));
    const unknown = wanted.filter((name) => !known.has(name));
    if (unknown.length > 0) {
        throw new Error(`No such step: ${ unknown.join(', ') }. Steps: ${ [...known].join(', ') }`);
    }
    ensureDependencies();
    const results = [];
    for (const step of steps) {
        if (wanted.length === 0 || wanted.includes(step.name)) {
            const result = await runStep(step);
            results.push(result);
            if (!result.ok) {
                break;
            }
        }
    }
    printSummary(results);
    process.exitCode = results.every((result) => result.ok) ? 0 : 1;
}

async function runStep(step) {
    console.log(`\n=== ${ step.title } ${ '='.repeat(Math.max(0, 74 - step.title.length)) }`);
    const started = performance.now();
    const { ok, output } = await execute(...step.run());
    const seconds = (performance.now() - started) / 1000;
    const plain = withoutColours(output);
    const skips = forbiddenSkips(plain);
    skips.forEach((text) => console.error(`Skipped, and not in __test__/may-skip.json: ${ text }`));
    return { title: step.title, ok: ok && skips.length === 0, seconds, tests: countTests(plain) };
}

// Shows the output as it comes, and keeps it for counting.
function execute(command, args, environment) {
    const colour = process.stdout.isTTY ? { FORCE_COLOR: '1', CARGO_TERM_COLOR: 'always' } : {};
    const child = spawn(command, args, {
        cwd: root,
        env: { ...process.env, ...colour, ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text) => {
            output += text;
            process.stdout.write(text);
        });
    }
    return new Promise((resolve) => {
        child.on('error', (error) => {
            console.error(`Could not run ${ command }: ${ error.message }`);
            resolve({ ok: false, output });
        });
        child.on('close', (code) => resolve({ ok: code === 0, output }));
    });
}

function withoutColours(output) {
    // eslint-disable-next-line no-control-regex
    return output.replace(/\x1b\[[0-9;]*m/g, '');
}

/** How many tests passed, by the closing lines of cargo's and Node's runners; 0 where there were none. */
function countTests(output) {
    const counts = [...output.matchAll(/^test result: .*? (\d+) passed|^. pass (\d+)$/gm)];
    return counts.reduce((sum, [, rust, javascript]) => sum + Number(rust ?? javascript), 0);
}

/** The tests that Node's runner skipped without leave. What it counts and does not name has none either. */
function forbiddenSkips(output) {
    const names = [...output.matchAll(/^\s*﹣ (.*) \(\S+ms\)/gm)].map(([, name]) => name);
    const counted = [...output.matchAll(/^. skipped (\d+)$/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
    const unnamed = counted > names.length ? [`${ counted - names.length } without a name`] : [];
    return [...names.filter((name) => !Object.hasOwn(maySkip, name)), ...unnamed];
}

function printSummary(results) {
    console.log(`\n=== Summary ${ '='.repeat(67) }`);
    for (const { title, ok, seconds, tests } of results) {
        const time = seconds.toFixed(1).padStart(8);
        const count = tests ? `  ${ tests } passed` : '';
        console.log(`${ ok ? 'ok    ' : 'FAILED' } ${ title.padEnd(24) }${ time } s${ count }`);
    }
    const seconds = results.reduce((sum, result) => sum + result.seconds, 0);
    const tests = results.reduce((sum, result) => sum + result.tests, 0);
    const verdict = results.every((result) => result.ok) ? 'All passed' : 'FAILED';
    console.log(`${ verdict }: ${ results.length } steps, ${ tests } tests, ${ seconds.toFixed(1) } s`);
}

main().catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
});
