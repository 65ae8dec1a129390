'use strict';

// What tools of other people say: about the package that would be published, and about the text for
// Prometheus. They have a lockfile of their own and are installed here.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { createRequire } = require('node:module');
const { execFileSync } = require('node:child_process');
const { pathToFileURL } = require('node:url');
const { test } = require('node:test');
const { prometheus } = require('kixx-datastore');
const { ensureDependencies } = require('../scripts/prepare.cjs');
const { parse } = require('./helpers/exposition.js');
const { openStore } = require('./helpers/store.js');
const { newDirectory } = require('./helpers/temp.js');

const root = path.join(__dirname, '..');
const tools = path.join(__dirname, 'tools');

ensureDependencies(tools);

const load = (name) => import(pathToFileURL(createRequire(path.join(tools, 'package.json')).resolve(name)));

/** The tarball as `npm publish` would send it. */
function pack(t) {
    const directory = newDirectory(t);
    const args = ['pack', '--ignore-scripts', '--silent', '--pack-destination', directory];
    const npm = process.env.npm_execpath;
    const options = { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] };
    if (npm) {
        execFileSync(process.execPath, [npm, ...args], options);
    } else {
        execFileSync('npm', args, { ...options, shell: process.platform === 'win32' });
    }
    return fs.readFileSync(path.join(directory, fs.readdirSync(directory)[0]));
}

test('publint has nothing to say about the package', async (t) => {
    const { publint } = await load('publint');
    const { formatMessage } = await load('publint/utils');
    const tarball = pack(t);
    const bytes = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.length);
    const { messages, pkg } = await publint({ pack: { tarball: bytes }, strict: true });
    assert.deepEqual(messages.map((message) => formatMessage(message, pkg, { color: false })), []);
});

test('attw finds the right typings, from CommonJS, from ESM and for bundlers', async (t) => {
    const { checkPackage, createPackageFromTarballData } = await load('@arethetypeswrong/core');
    const result = await checkPackage(createPackageFromTarballData(pack(t)));
    assert.equal(result.types.kind, 'included');
    assert.deepEqual(result.problems, []);
    const { resolutions } = result.entrypoints['.'];
    for (const kind of ['node10', 'node16-cjs', 'node16-esm', 'bundler']) {
        assert.equal(resolutions[kind].resolution.isTypeScript, true, `${ kind } has typings`);
    }
});

test('a parser of other people reads the text for Prometheus as ours does', async (t) => {
    const { default: parseText } = await load('parse-prometheus-text-format');
    const store = await openStore(t);
    store.setView('byN', { map: (document, emit) => emit(document.n) });
    await store.setItem('a', { n: 1 });
    await store.queryView('byN');
    const text = await prometheus(store);
    const samplesOf = (samples) => samples.map(({ value, labels }) => ({ value: Number(value), labels }));
    const theirs = parseText(text).map(({ name, type, help, metrics }) => (
        { name, type, help, samples: samplesOf(metrics) }
    ));
    const ours = [...parse(text).values()].map(({ name, type, help, samples }) => (
        { name, type: type.toUpperCase(), help, samples: samplesOf(samples) }
    ));
    assert.deepEqual(theirs, ours);
});
