'use strict';

const { Command, Option } = require('commander');
const { milliseconds } = require('./arguments.js');

/**
 * A command of the tool.
 *
 * @typedef {object} Definition
 * @property {string} name
 * @property {string} summary one line
 * @property {string} [details] more lines for its help
 * @property {[string, string][]} examples what to type behind the name of the tool, and what that does
 * @property {(command: Command) => Command} define adds arguments and options
 * @property {(context: Context, ...args: unknown[]) => Promise<number | void>} run gets the arguments and the
 *     options; answers with the exit code, if it is not 0
 *
 * @typedef {{ output: import('./output.js').Output, stdin: object, env: object }} Context
 */

/** What all commands on documents take. */
function onDirectory(command) {
    return command
        .argument('<directory>', 'the directory of the datastore')
        .option('--lock-timeout <ms>', 'how long to wait for other processes (10000)', milliseconds)
        .option('--other-files', 'also where other files lie beside the documents');
}

/** What commands take that may make a directory. */
function onAnyDirectory(command) {
    const storage = new Option('--storage <storage>', 'what a directory without documents becomes (files)');
    return onDirectory(command).addOption(storage.choices(['files', 'disk']));
}

/** The command for commander. `start` makes the context once the options are known. */
function build({ name, summary, details, examples, define, run }, start) {
    const command = define(new Command(name).summary(summary))
        .description(details === undefined ? `${ summary }.` : `${ summary }.\n\n${ details }`)
        .option('--json', 'answers and errors as JSON')
        .addHelpText('after', `\nExamples:\n${ examples.map(example).join('\n') }`);
    return command.action((...args) => {
        // Commander adds itself.
        args.pop();
        return start(args.at(-1), (context) => run(context, ...args));
    });
}

function example([text, meaning]) {
    return `  # ${ meaning }\n  kixx-datastore ${ text }`;
}

module.exports = { build, onAnyDirectory, onDirectory };
