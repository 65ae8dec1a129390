'use strict';

// The parts of the tool that a child process can't show: terminals and time.

const assert = require('node:assert/strict');
const { EventEmitter } = require('node:events');
const { test } = require('node:test');
const { COMMANDS, newProgram } = require('../../cli/main.js');
const { Output } = require('../../cli/output.js');
const { startProgress, withProgress } = require('../../cli/progress.js');

/** A stream that keeps what is written to it. */
class Screen extends EventEmitter {
    text = '';
    columns = 80;
    rows = 24;

    constructor(isTTY) {
        super();
        this.isTTY = isTTY;
    }

    write(text) {
        this.text += text;
        return true;
    }

    cursorTo() {}
    moveCursor() {}
    clearLine() {}
}

/** Bars from `updates` of time, done and total. */
function barsOf(isTTY, updates) {
    const stream = new Screen(isTTY);
    let time = 0;
    const progress = startProgress('Importing', { stream, now: () => time });
    for (const [at, done, total] of updates) {
        time = at;
        progress.update(done, total);
    }
    progress.stop();
    return stream.text;
}

test('a bar is shown on a terminal, for what takes longer than a second', () => {
    assert.equal(barsOf(true, [[0, 0, 10], [999, 9, 10]]), '');
    assert.equal(barsOf(false, [[0, 0, 10], [5000, 9, 10]]), '');
    assert.equal(barsOf(true, [[5000, 9, 0]]), '', 'of unknown length');
    const text = barsOf(true, [[0, 0, 10], [1000, 5, 10], [1500, 6, 10]]);
    assert.match(text, /Importing .* (0|50|60)% ETA/);
    const hide = '\x1b[?25l';
    const show = '\x1b[?25h';
    assert.ok(text.includes(hide) && text.lastIndexOf(show) > text.lastIndexOf(hide), 'the cursor is back');
});

test('the bar goes when the work fails', async () => {
    const stream = new Screen(true);
    let time = 0;
    const work = withProgress('Importing', async (progress) => {
        time = 2000;
        progress.update(1, 2);
        throw new Error('failed');
    }, { stream, now: () => time });
    await assert.rejects(work, /failed/);
    assert.ok(stream.text.endsWith('\x1b[?25h') || stream.text.includes('\x1b[?25h'));
});

test('colours only on a terminal, and not with NO_COLOR', () => {
    const errorOn = (isTTY, env, json = false) => {
        const stderr = new Screen(isTTY);
        new Output({ stdout: new Screen(false), stderr, env, json }).error(new Error('broken'));
        return stderr.text;
    };
    assert.equal(errorOn(true, {}), '\x1b[31merror:\x1b[39m broken\n');
    assert.equal(errorOn(true, { NO_COLOR: '' }), errorOn(true, {}), 'empty counts as not set');
    for (const [isTTY, env] of [[false, {}], [true, { NO_COLOR: '1' }], [true, { TERM: 'dumb' }]]) {
        assert.equal(errorOn(isTTY, env), 'error: broken\n');
    }
    assert.equal(errorOn(true, {}, true), '{"error":{"code":"UNEXPECTED","message":"broken"}}\n');
});

test('answers wait while their reader is slow', async () => {
    const stdout = new Screen(false);
    const write = stdout.write.bind(stdout);
    stdout.write = (text) => write(text) && false;
    const output = new Output({ stdout, stderr: new Screen(false), env: {}, json: false });
    let isDone = false;
    const done = output.write('x'.repeat(100_000)).then(() => {
        isDone = true;
    });
    await new Promise(setImmediate);
    assert.equal(isDone, false);
    stdout.emit('drain');
    await done;
});

test('all commands have the same shape', () => {
    const program = newProgram();
    for (const command of program.commands) {
        const options = command.options.map(({ long }) => long);
        assert.ok(options.includes('--json'), command.name());
        assert.equal(options.includes('--lock-timeout'), command.name() !== 'build', command.name());
    }
    assert.equal(new Set(COMMANDS.map(({ name }) => name)).size, COMMANDS.length);
});

test('options that can not be used are refused before anything is opened', async () => {
    const outcome = async (...args) => {
        let options;
        const program = newProgram((given) => {
            options = given;
        });
        const parsed = program.parseAsync(['node', 'kixx-datastore', ...args]);
        return parsed.then(() => options, (error) => error.code);
    };
    for (const limit of ['0', '-1', '1.5', '1e3', '0x10', ' 1', 'all', '', '99999999999999999999']) {
        assert.equal(await outcome('keys', 'data', `--limit=${ limit }`), 'commander.invalidArgument', limit);
    }
    assert.equal((await outcome('keys', 'data', '--limit', '010')).limit, 10);
    assert.equal(await outcome('keys', 'data', '--lock-timeout', '2147483648'), 'commander.invalidArgument');
    assert.equal(await outcome('delete', 'data', 'a', '--rev', '-1'), 'commander.invalidArgument');
    assert.equal(await outcome('keys', 'data', '--limit'), 'commander.optionMissingArgument');
    assert.equal(await outcome('import', 'data', '-', '--from', 'nothing'), 'commander.invalidArgument');
    assert.equal(await outcome('import', 'data', '-', '--conflict', 'maybe'), 'commander.invalidArgument');
    const both = await outcome('set', 'data', 'a', '{}', '--insert', '--overwrite');
    assert.equal(both, 'commander.conflictingOption');
    assert.equal(await outcome('query', 'data', '--map', 'a', '--key', 'news'), 'commander.invalidArgument');
});
