'use strict';

// docs/cli.md: the sessions are run and have to print what they show; every command and option is told.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { test } = require('node:test');
const { COMMANDS, newProgram } = require('../cli/main.js');
const { MEANINGS } = require('../cli/exit-codes.js');
const { BIN } = require('./helpers/cli.js');
const { newDirectory } = require('./helpers/temp.js');

const text = fs.readFileSync(path.join(__dirname, '..', 'docs', 'cli.md'), 'utf8');

test('docs/cli.md: what its sessions show is what is printed', { timeout: 60000 }, (t) => {
    const directory = newDirectory(t);
    const bin = newDirectory(t);
    const script = `#!/bin/sh\nexec "${ process.execPath }" "${ BIN }" "$@"\n`;
    fs.writeFileSync(path.join(bin, 'kixx-datastore'), script, { mode: 0o755 });
    const env = { ...process.env, PATH: `${ bin }${ path.delimiter }${ process.env.PATH }` };
    const sessions = [...text.matchAll(/^```console\n([^]*?)^```$/gm)].map(([, session]) => session);
    let commands = 0;
    for (const session of sessions) {
        for (const [, command, shown] of session.matchAll(/^\$ (.*)\n((?:(?!\$ ).*\n)*)/gm)) {
            const { stdout } = spawnSync('sh', ['-c', `exec 2>&1; ${ command }`], {
                cwd: directory, env, encoding: 'utf8',
            });
            assert.equal(stdout.replaceAll(`${ directory }/`, './'), shown, command);
            commands += 1;
        }
    }
    assert.ok(commands >= 25, `${ commands } commands`);
});

test('docs/cli.md and the help tell of every command, option and exit code', () => {
    const program = newProgram();
    for (const command of program.commands) {
        assert.ok(text.includes(`| \`${ command.name() }`), command.name());
        for (const { long } of command.options) {
            const help = command.helpInformation();
            assert.ok(help.includes(long));
            assert.ok(text.includes(long), `${ command.name() } ${ long }`);
        }
    }
    for (const [code] of MEANINGS) {
        assert.ok(text.includes(`| ${ code } |`), `exit code ${ code }`);
    }
    assert.ok(COMMANDS.every(({ examples }) => examples.length > 0));
});
