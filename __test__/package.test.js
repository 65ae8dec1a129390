'use strict';

// The packages as people get them: packed, installed from a registry with scripts disabled, and used. Needs
// only Node and npm. KIXX_TARBALLS is a directory with the tarballs of a release, which are tried then and no
// new ones; KIXX_TUPLE says which platform this has to be.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { mainManifest, platformManifest } = require('../scripts/pack.cjs');
const { root, TARGETS, addonPath, packageName, platformTuple } = require('../scripts/platform.cjs');
const { TUPLES, installApplication, makeTarballs, npmIn, startRegistry } = require('./helpers/release.js');
const { run, runWell } = require('./helpers/run.js');
const source = require('../package.json');

const STORAGES = ['files', 'disk', 'memory'];
const tuple = platformTuple();
const addon = path.basename(addonPath());

test('a release, installed', async (t) => {
    const registry = await startRegistry(t, makeTarballs(t));
    const application = await installApplication(t, registry);
    const installed = (name) => path.join(application, 'node_modules', ...name.split('/'));
    const node = (...args) => run([process.execPath, ...args], { cwd: application });

    await t.test('the main package holds what it should', () => {
        assert.deepEqual(listFiles(installed('kixx-datastore')), expectedFiles());
    });

    await t.test('nothing runs at installation, and only the addon depends on the platform', () => {
        const manifest = readJson(installed('kixx-datastore'), 'package.json');
        assert.deepEqual([manifest.scripts, manifest.private], [undefined, undefined]);
        const optional = TUPLES.map((name) => [`@kixx-datastore/${ name }`, source.version]);
        assert.deepEqual(manifest.optionalDependencies, Object.fromEntries(optional));
    });

    await t.test('of the platform packages npm takes the one that fits', () => {
        // Older ones do not know `libc`, and take that of the other C library too.
        const [system, processor] = tuple.split('-');
        const taken = fs.readdirSync(installed('@kixx-datastore'));
        assert.ok(taken.includes(tuple), `${ tuple } is not in ${ taken }`);
        assert.deepEqual(taken.filter((name) => !name.startsWith(`${ system }-${ processor }`)), []);
        const files = ['LICENSE', 'README.md', addon, 'package.json'];
        assert.deepEqual(listFiles(installed(packageName(tuple))), files);
        const { packages } = readJson(application, 'package-lock.json');
        const locked = Object.keys(packages).filter((name) => name.includes('/@kixx-datastore/'));
        assert.deepEqual(locked, TUPLES.map((name) => `node_modules/${ packageName(name) }`).sort());
    });

    for (const file of ['esm.mjs', 'cjs.cjs', 'worker.mjs', 'terminated.mjs']) {
        await t.test(`the application runs, ${ file }`, async () => {
            const stdout = await runWell([process.execPath, file], { cwd: application });
            assert.match(stdout, /^(worked\n)+$/);
        });
    }

    for (const storage of STORAGES) {
        await t.test(`the contract holds with storage ${ storage }`, async () => {
            assert.ok(await passedTests(application, storage) > 50);
        });
    }

    await t.test('the command helps', async () => {
        const command = ['exec', '--offline', '--', 'kixx-datastore', '--help'];
        const help = await npmIn(application, registry, ...command);
        assert.match(help, /\bbuild\b/);
    });

    await t.test('an addon of another version is refused', async () => {
        const file = path.join(installed('kixx-datastore'), 'package.json');
        const text = fs.readFileSync(file, 'utf8');
        fs.writeFileSync(file, text.replace(`"version": "${ source.version }"`, '"version": "99.0.0"'));
        const { code, message } = await loadError(node);
        fs.writeFileSync(file, text);
        assert.equal(code, 'ERR_NATIVE_UNUSABLE');
        assert.match(message, /is of version .+, expected 99\.0\.0/);
        assert.ok(message.includes(`${ packageName(tuple) } is of version ${ source.version }`), message);
    });

    await t.test('an addon that does not load is named, and so is the reason', async () => {
        const local = path.join(installed('kixx-datastore'), addon);
        fs.writeFileSync(local, 'not an addon');
        const { code, message } = await loadError(node);
        fs.rmSync(local);
        assert.equal(code, 'ERR_NATIVE_UNUSABLE');
        assert.ok(message.includes(`the addon ${ fs.realpathSync(path.dirname(local)) }`), message);
        assert.match(message, /does not load: .+\n.*npx kixx-datastore build$/);
    });

    await t.test('a missing addon is an error that says what to do', async () => {
        await npmIn(application, registry, 'ci', '--ignore-scripts', '--omit=optional');
        const { code, message } = await loadError(node);
        assert.equal(code, 'ERR_NATIVE_NOT_FOUND');
        for (const part of [packageName(tuple), `platform, ${ tuple },`, 'npm/cli/issues/4828', '--omit=']) {
            assert.ok(message.includes(part), `${ part } is not in: ${ message }`);
        }
        assert.match(message, /npx kixx-datastore build$/);
    });
});

test('a platform package is installed on its platform only', () => {
    const fields = ({ os, cpu, libc }) => [os, cpu, libc].flat().filter(Boolean).join(' ');
    assert.deepEqual(Object.fromEntries(TUPLES.map((name) => [name, fields(platformManifest(name))])), {
        'linux-x64-gnu': 'linux x64 glibc',
        'linux-x64-musl': 'linux x64 musl',
        'linux-arm64-gnu': 'linux arm64 glibc',
        'linux-arm64-musl': 'linux arm64 musl',
        'darwin-x64': 'darwin x64',
        'darwin-arm64': 'darwin arm64',
        'win32-x64-msvc': 'win32 x64',
        'win32-arm64-msvc': 'win32 arm64',
    });
    assert.equal(new Set(Object.values(TARGETS)).size, TUPLES.length);
});

test('packed by a workflow, all packages name its repository, as a proof of provenance does', (t) => {
    const environment = { GITHUB_SERVER_URL: 'https://example.com', GITHUB_REPOSITORY: 'owner/name' };
    const before = { ...process.env };
    Object.assign(process.env, environment);
    t.after(() => {
        for (const name of Object.keys(environment)) {
            delete process.env[name];
        }
        Object.assign(process.env, before);
    });
    const expected = source.repository ?? { type: 'git', url: 'git+https://example.com/owner/name.git' };
    for (const manifest of [mainManifest(), ...TUPLES.map(platformManifest)]) {
        assert.deepEqual(manifest.repository, expected, manifest.name);
    }
});

test('this is the platform that it should be', () => {
    assert.equal(tuple, process.env.KIXX_TUPLE ?? tuple);
    assert.ok(TUPLES.includes(tuple), `${ tuple } has a package`);
});

test('the loader asks for each platform package', () => {
    const loader = fs.readFileSync(path.join(root, 'lib', 'native.cjs'), 'utf8');
    const requires = loader.matchAll(/'(.+)': \(\) => require\('(.+)'\)/g);
    const asked = [...requires].map(([, name, id]) => [name, id]);
    assert.deepEqual(asked, TUPLES.map((name) => [name, packageName(name)]));
});

test('the sources have one version, and package.json itself cannot be published', () => {
    const [, version] = fs.readFileSync(path.join(root, 'Cargo.toml'), 'utf8').match(/^version = "(.+)"$/m);
    assert.equal(version, source.version);
    assert.equal(source.private, true);
});

/** Runs the suites of the contract in an application, with the package that is installed there. */
async function passedTests(application, storage) {
    const suites = fs.readdirSync(__dirname).filter((name) => /^contract-.*\.test\.js$/.test(name));
    for (const name of [...suites, 'helpers']) {
        fs.cpSync(path.join(__dirname, name), path.join(application, 'suites', name), { recursive: true });
    }
    const env = { ...process.env, KIXX_TEST_STORAGE: storage };
    // Otherwise they would report to the runner of this file.
    delete env.NODE_TEST_CONTEXT;
    const files = suites.map((name) => path.join('suites', name));
    const command = [process.execPath, '--test', '--test-reporter=tap', ...files];
    const stdout = await runWell(command, { cwd: application, env });
    return Number(/^# pass (\d+)$/m.exec(stdout)[1]);
}

/** The error of requiring the package in the application. */
async function loadError(node) {
    const program = `
        try { require('kixx-datastore'); }
        catch ({ code, message }) { console.log(JSON.stringify({ code, message })); }
    `;
    const { stdout, stderr } = await node('-e', program);
    assert.notEqual(stdout, '', `it loads, or fails otherwise: ${ stderr }`);
    return JSON.parse(stdout);
}

/** All tracked sources of the addon and of lib/, the pages with their pictures, the rest by name. */
function expectedFiles() {
    const trees = ['bin', 'cli', 'lib', 'src', 'types'].flatMap((directory) => (
        listFiles(path.join(root, directory)).map((file) => `${ directory }/${ file }`)
    ));
    const pages = listFiles(path.join(root, 'docs')).filter((file) => !file.endsWith('.json'));
    return [
        ...trees.filter((file) => !file.endsWith('/tests.rs')),
        ...pages.map((file) => `docs/${ file }`),
        'ARCHITECTURE.md', 'CHANGELOG.md', 'LICENSE', 'README.md', 'package.json',
        'Cargo.lock', 'Cargo.toml', 'build.rs', 'scripts/build-addon.cjs', 'scripts/platform.cjs',
        'import.cjs', 'import.d.mts', 'import.d.ts', 'import.mjs',
        'index.cjs', 'index.d.mts', 'index.d.ts', 'index.mjs',
    ].sort();
}

function listFiles(directory) {
    return fs.readdirSync(directory, { recursive: true })
        .filter((name) => fs.statSync(path.join(directory, name)).isFile())
        .map((name) => name.split(path.sep).join('/'))
        .sort();
}

function readJson(...parts) {
    return JSON.parse(fs.readFileSync(path.join(...parts), 'utf8'));
}
