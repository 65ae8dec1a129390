'use strict';

const { Command, CommanderError } = require('commander');
const { version } = require('../package.json');
const { build } = require('./command.js');
const { CLOSED_PIPE, FAILED, MEANINGS, OK, exitCodeOf } = require('./exit-codes.js');
const { Output } = require('./output.js');
const { UsageError } = require('./errors.js');

const COMMANDS = [
    require('./commands/get.js'),
    require('./commands/set.js'),
    require('./commands/delete.js'),
    require('./commands/keys.js'),
    require('./commands/scan.js'),
    require('./commands/query.js'),
    require('./commands/stats.js'),
    require('./commands/verify.js'),
    require('./commands/repair.js'),
    require('./commands/export.js'),
    require('./commands/import.js'),
    require('./commands/backup.js'),
    require('./commands/restore.js'),
    require('./commands/compact.js'),
    require('./commands/convert.js'),
    require('./commands/build.js'),
];

/** Runs the tool and sets the exit code of the process. */
async function main(argv) {
    const output = new Output({
        stdout: process.stdout,
        stderr: process.stderr,
        env: process.env,
        json: asksForJson(argv),
    });
    endWithPipes(output);
    tellWarnings(output);
    // Until something better is known: whatever may end the process, only success looks like success.
    process.exitCode = FAILED;
    try {
        process.exitCode = await run(argv, output);
    } catch (error) {
        process.exitCode = tell(error, output);
        if (error.code === 'INTERRUPTED') {
            // As it would have ended, now that everything is in order.
            process.kill(process.pid, error.signal);
        }
    }
}

async function run(argv, output) {
    let exitCode = OK;
    const program = newProgram(async (options, work) => {
        output.json = options.json === true;
        exitCode = await work({ output, stdin: process.stdin, env: process.env }) ?? OK;
    });
    await program.parseAsync(argv);
    await output.flush();
    return exitCode;
}

/** The whole tool for commander. */
function newProgram(start) {
    const program = new Command('kixx-datastore')
        .description('Looks into, changes and looks after the directories of kixx-datastore, also beside '
            + 'running applications.')
        .version(version)
        .exitOverride()
        .configureOutput({ outputError: () => {} })
        .addHelpText('after', `\nExit codes:\n${ MEANINGS.map(meaning).join('\n') }`);
    for (const definition of COMMANDS) {
        program.addCommand(build(definition, start).copyInheritedSettings(program));
    }
    return program;
}

function meaning([code, text]) {
    return `  ${ code }  ${ text }`;
}

/** Says what went wrong; answers with the exit code. */
function tell(error, output) {
    if (!(error instanceof CommanderError)) {
        output.error(error instanceof Error ? error : new Error(String(error)));
        if (error.hint !== undefined && !output.json) {
            output.hint(error.hint);
        }
        return exitCodeOf(error);
    }
    // Help and the version are answers; help for want of a command is not.
    if (error.exitCode === 0 || error.code === 'commander.help') {
        return error.exitCode === 0 ? OK : exitCodeOf(new UsageError());
    }
    const message = error.message.replace(/^error: /, '').replace(/\.$/, '');
    const usage = new UsageError(`${ message }. See kixx-datastore --help`);
    output.error(usage);
    return exitCodeOf(usage);
}

/** Before the options are parsed, or if they can't be. */
function asksForJson(argv) {
    const end = argv.indexOf('--');
    return argv.slice(0, end === -1 ? undefined : end).includes('--json');
}

/** Whoever reads our output may stop: that is no failure. A full disk is one. */
function endWithPipes(output) {
    process.stdout.on('error', (error) => {
        if (error.code !== 'EPIPE') {
            output.error(error);
        }
        process.exit(error.code === 'EPIPE' ? CLOSED_PIPE : exitCodeOf(error));
    });
    process.stderr.on('error', () => {});
}

/** Warnings of the process are part of what we say, too. */
function tellWarnings(output) {
    process.removeAllListeners('warning');
    process.on('warning', ({ code, message }) => {
        // `query` tells of these itself.
        if (code !== 'KIXX_VIEW_FAILED') {
            output.warn(message);
        }
    });
}

module.exports = { COMMANDS, main, newProgram };
