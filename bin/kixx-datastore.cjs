#!/usr/bin/env node
'use strict';

// The command `kixx-datastore`. What it builds may be missing, so nothing here loads the addon.

const path = require('node:path');
const { parseArgs } = require('node:util');

const HELP = `Usage: kixx-datastore build

Commands:
  build    compile the addon for this platform from the sources in the package (needs Rust: https://rustup.rs)

Options:
  --help   show this help
`;

function main() {
    const options = { help: { type: 'boolean' } };
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    if (values.help) {
        process.stdout.write(HELP);
    } else if (positionals.length === 1 && positionals[0] === 'build') {
        const { buildAddon } = require('../scripts/build-addon.cjs');
        console.log(`built ${ path.relative(process.cwd(), buildAddon()) }`);
    } else {
        const found = positionals.join(' ') || 'nothing';
        throw new Error(`expected the command build, found ${ found }. See kixx-datastore --help`);
    }
}

try {
    main();
} catch (error) {
    console.error(`kixx-datastore: ${ error.message }`);
    process.exitCode = 1;
}
