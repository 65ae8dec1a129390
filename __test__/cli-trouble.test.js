'use strict';

// The command line tool where things are not as they should be: bad input, wrong directories, damage, other
// processes, pipes that close, signals.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { once } = require('node:events');
const { test } = require('node:test');
const { BIN, cli, cliJson, startCli } = require('./helpers/cli.js');
const { leaveOver } = require('./helpers/left-over.js');
const { recordsOf, segmentsOf } = require('./helpers/journal-file.js');
const { SharingProcess } = require('./helpers/sharing.js');
const { openStore } = require('./helpers/store.js');
const { eventually, newDirectory, newPath, newRoomyDirectory, snapshotFiles } = require('./helpers/temp.js');

const LIMIT = { timeout: 60000 };
const PIPES = { ...LIMIT, skip: process.platform === 'win32' ? 'Windows has no such signals' : false };

/** Runs `check` for each case, some at a time. */
async function each(cases, check) {
    for (let i = 0; i < cases.length; i += 8) {
        await Promise.all(cases.slice(i, i + 8).map(check));
    }
}

test('mistakes on the command line: exit code 2, nothing on stdout', LIMIT, async (t) => {
    const directory = newDirectory(t);
    await each([
        ['gett', directory], ['get', directory], ['get', directory, 'a', 'b'], ['keys', directory, '--nope'],
        ['set', directory, 'a', '[1]'], ['set', directory, 'a', '{'], ['set', directory, 'a', ''],
        ['set', directory, 'a', '{"_rev":-1}'], ['set', directory, '', '{}'], ['get', directory, ''],
        ['set', directory, 'x'.repeat(300), '{}'],
    ], async (args) => {
        const { code, answer, error } = await cliJson(t, args);
        assert.deepEqual([code, answer, typeof error?.message], [2, undefined, 'string'], args.join(' '));
        assert.ok(['USAGE', 'ASSERTION'].includes(error.code), error.code);
    });
    const plain = await cli(t, ['keys', directory, '--limit', '0']);
    assert.deepEqual([plain.code, plain.stdout], [2, '']);
    assert.match(plain.stderr, /^error: .*--limit.*whole number from 1 up.*\n$/);
    const input = await cli(t, ['set', directory, 'a'], { stdin: Buffer.from([0xff]) });
    assert.deepEqual([input.code, input.stdout], [2, '']);
    const bare = await cli(t, []);
    assert.deepEqual([bare.code, bare.stdout], [2, '']);
    assert.match((await cli(t, ['--help'])).stdout, /Exit codes:/);
    assert.deepEqual(snapshotFiles(directory), {});
});

test('directories that are missing or no datastore are not made and not touched', LIMIT, async (t) => {
    const missing = newPath(t);
    const foreign = newDirectory(t);
    fs.writeFileSync(path.join(foreign, 'package.json'), '{"name":"app"}');
    fs.writeFileSync(path.join(foreign, 'index.js'), 'module.exports = () => {};');
    const file = path.join(foreign, 'index.js');
    const before = snapshotFiles(foreign);
    const source = path.join(newDirectory(t), 'in.jsonl');
    fs.writeFileSync(source, '');
    const commands = [
        ['get', 'a'], ['keys'], ['scan'], ['stats'], ['verify'], ['repair'], ['compact'], ['export'],
        ['delete', 'a'], ['set', 'a', '{}'], ['query', '--map', file],
    ];
    await each([...commands.map((args) => [missing, ...args]), ...commands.map((args) => [foreign, ...args]),
        [foreign, 'import', source], [file, 'keys'], [file, 'import', source],
    ], async ([directory, command, ...args]) => {
        const { code, error } = await cliJson(t, [command, directory, ...args]);
        assert.deepEqual([code, error.code], [2, 'NO_DATASTORE'], `${ command } ${ directory }`);
    });
    assert.equal((await cliJson(t, ['import', missing, `${ source }.nope`])).code, 6);
    assert.equal(fs.existsSync(missing), false);
    assert.deepEqual(snapshotFiles(foreign), before);
    assert.equal((await cli(t, ['keys', foreign, '--other-files'])).stdout, 'package\n');
    const hidden = newDirectory(t);
    fs.writeFileSync(path.join(hidden, '.gitignore'), '');
    assert.equal((await cli(t, ['keys', hidden])).code, 0);
});

test('beside a running application: reads and writes, and it stays', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const [application] = new SharingProcess(t).handles;
    await application.call('open', { directory });
    await application.call('setItem', 'a', { n: 1 });
    assert.deepEqual((await cliJson(t, ['get', directory, 'a'])).answer, { _rev: 0, n: 1 });
    assert.equal((await cli(t, ['set', directory, 'b', '{"n":2}'])).code, 0);
    assert.deepEqual(await application.call('getItem', 'b'), { _rev: 0, n: 2 });
    const verified = await cliJson(t, ['verify', directory]);
    assert.deepEqual([verified.code, verified.answer.processes], [0, [application.process.pid]]);
    assert.equal(verified.answer.documents, 2);
    assert.equal((await cli(t, ['compact', directory])).code, 0);
    const names = fs.readdirSync(directory).filter((name) => name.endsWith('.json')).sort();
    assert.deepEqual(names, ['a.json', 'b.json']);
    const repair = await cliJson(t, ['repair', directory, '--lock-timeout', '50']);
    assert.deepEqual([repair.code, repair.error.code], [4, 'LOCKED']);
    assert.ok(repair.error.message.includes(String(application.process.pid)), repair.error.message);
    assert.equal((await cli(t, ['repair', directory, '--dry-run'])).stdout, 'Nothing to repair\n');
    await application.call('setItem', 'c', {});
    await application.call('close');
});

test('a process that has the directory alone is named', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const [application] = new SharingProcess(t).handles;
    await application.call('open', { directory, exclusive: true });
    for (const [command, ...args] of [['get', 'a'], ['verify'], ['set', 'a', '{}'], ['repair']]) {
        const { code, error } = await cliJson(t, [command, directory, ...args, '--lock-timeout', '20']);
        assert.deepEqual([code, error.code], [4, 'LOCKED'], command);
        assert.ok(error.message.includes(String(application.process.pid)), error.message);
    }
    await application.call('close');
});

test('damage: everything is listed, nothing is changed, and repair keeps all of it', LIMIT, async (t) => {
    const directory = newDirectory(t);
    await leaveOver(t, directory, [1, 2, 3, 4, 5, 6].map((n) => ['setItem', `k${ n }`, { n }]));
    const [segment] = segmentsOf(directory);
    const records = recordsOf(segment.bytes);
    for (const index of [1, 3]) {
        segment.bytes[records[index].start + 40] ^= 1;
    }
    fs.writeFileSync(segment.file, segment.bytes);
    fs.writeFileSync(path.join(directory, 'bad.json'), '{');
    const name = `.datastore/${ segment.name }`;

    for (const args of [['get', directory, 'k1'], ['set', directory, 'k1', '{}'], ['export', directory]]) {
        const { code, error } = await cliJson(t, args);
        assert.deepEqual([code, error.code], [5, 'CORRUPT'], args[0]);
    }
    const before = snapshotFiles(directory);
    assert.ok(Buffer.from(segment.bytes).equals(fs.readFileSync(segment.file)));
    const { code, answer } = await cliJson(t, ['verify', directory]);
    assert.deepEqual([code, answer.ok], [1, false]);
    assert.deepEqual(answer.findings.map(({ file }) => file), ['bad.json', name, name, name]);
    const planned = await cliJson(t, ['repair', directory, '--dry-run']);
    assert.deepEqual(snapshotFiles(directory), before, 'nothing was changed');

    const done = await cliJson(t, ['repair', directory]);
    assert.deepEqual([done.code, done.answer], [0, { ...planned.answer, dryRun: false }]);
    assert.deepEqual(done.answer.moved.map(({ file }) => file), ['bad.json', name]);
    for (const { file, movedTo } of done.answer.moved) {
        assert.deepEqual(snapshotFiles(directory)[movedTo], before[file], movedTo);
    }
    assert.equal((await cli(t, ['keys', directory])).stdout, 'k1\nk3\nk5\nk6\n');
    assert.deepEqual((await cliJson(t, ['stats', directory])).answer.quarantined, 2);
    assert.equal((await cli(t, ['verify', directory])).code, 0);
});

test('a reader that has seen enough: silence and exit code 141', PIPES, async (t) => {
    const directory = newRoomyDirectory(t, 2 ** 28);
    const store = await openStore(t, { directory });
    const document = { text: 'x'.repeat(100_000) };
    await store.batch(Array.from({ length: 40 }, (_, n) => ({ type: 'set', key: `k${ n }`, document })));
    await store.close();
    const { child, exited } = startCli(t, ['scan', directory]);
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const { code, stderr } = await exited;
    assert.deepEqual([code, stderr], [141, '']);
});

const lacksFull = fs.existsSync('/dev/full') ? false : 'no /dev/full';

test('an output that can not be written is a failure', { ...LIMIT, skip: lacksFull }, async (t) => {
    const directory = newDirectory(t);
    assert.equal((await cli(t, ['set', directory, 'a', '{}'])).code, 0);
    const full = fs.openSync('/dev/full', 'w');
    const options = { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' };
    const { status, stderr } = spawnSync(process.execPath, [BIN, 'keys', directory], options);
    fs.closeSync(full);
    assert.equal(status, 6);
    assert.match(stderr, /ENOSPC/);
});

test('an interrupted import leaves plain files and tells how far it came', PIPES, async (t) => {
    const directory = newRoomyDirectory(t, 2 ** 26);
    const reader = await openStore(t, { directory, readOnly: true });
    const { child, exited } = startCli(t, ['import', directory, '-']);
    const line = (n) => `${ JSON.stringify({ key: `k${ n }`, document: { n } }) }\n`;
    child.stdin.write(Array.from({ length: 1500 }, (_, n) => line(n)).join(''));
    await eventually(() => reader.hasItem('k999'), 'the first batch is stored');
    child.kill('SIGINT');
    const { signal, stderr } = await exited;
    assert.equal(signal, 'SIGINT');
    assert.match(stderr, /^error: Interrupted by SIGINT \(1000 documents were imported before\)\n$/);
    assert.equal(fs.readdirSync(directory).length, 1000, 'the journal is gone');
});

test('build needs no native module', LIMIT, async (t) => {
    const application = newDirectory(t);
    const root = path.join(__dirname, '..');
    for (const name of ['bin', 'cli', 'lib', 'scripts', 'index.cjs', 'package.json']) {
        fs.cpSync(path.join(root, name), path.join(application, name), { recursive: true });
    }
    fs.symlinkSync(path.join(root, 'node_modules'), path.join(application, 'node_modules'), 'junction');
    const tool = (args, env) => {
        const bin = path.join(application, 'bin', 'kixx-datastore.cjs');
        const options = { encoding: 'utf8', env: { ...process.env, ...env } };
        return spawnSync(process.execPath, [bin, ...args], options);
    };
    const keys = tool(['keys', newDirectory(t), '--json']);
    assert.deepEqual([keys.status, JSON.parse(keys.stderr).error.code], [6, 'ERR_NATIVE_NOT_FOUND']);
    assert.match(keys.stderr, /npx kixx-datastore build/);
    const build = tool(['build'], { PATH: newDirectory(t) });
    assert.equal(build.status, 6);
    assert.match(build.stderr, /cargo.*Install Rust/);
});

test('damage in a file that is read is not said to be in the datastore', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const broken = path.join(newDirectory(t), 'broken');
    fs.writeFileSync(broken, 'this is nothing');
    const commands = [['restore', directory, broken], ['import', directory, broken, '--from', 'lowdb']];
    await each(commands, async (args) => {
        const { code, stderr } = await cli(t, args);
        assert.equal(code, 5);
        assert.match(stderr, /broken/);
        assert.doesNotMatch(stderr, /verify|repair/);
    });
    fs.writeFileSync(path.join(directory, 'a.json'), '{');
    assert.match((await cli(t, ['restore', directory, broken])).stderr, /kixx-datastore verify/);
});

test('messages tell the options of the tool, and no paths within it', LIMIT, async (t) => {
    const directory = newDirectory(t);
    const store = await openStore(t, { directory });
    await store.setItem('a', {});
    await store.close();
    const place = newDirectory(t);
    const there = path.join(place, 'there');
    fs.writeFileSync(there, 'keep me');
    await each([
        [['backup', directory, there], 'USAGE', /there exists\. Use --force to replace it$/],
        [['set', path.join(place, 'new'), 'a', '{}'], 'NO_DATASTORE', /Use --create to make it$/],
        [['set', directory, 'b', '{}', '--storage', 'disk'], 'USAGE', /JSON files.*kixx-datastore convert/],
        [['query', directory, '--map', `${ there }.mjs`], 'USAGE', /loaded: there is no such file$/],
    ], async ([args, code, message]) => {
        const { error } = await cliJson(t, args);
        assert.equal(error.code, code);
        assert.match(error.message, message);
    });
    assert.equal(fs.readFileSync(there, 'utf8'), 'keep me');
});
