'use strict';

const path = require('node:path');

module.exports = {
    name: 'build',
    summary: 'Compiles the native module for this machine',
    details: 'Where no prebuilt one fits. Needs Rust (https://rustup.rs); takes a minute or two.',
    examples: [['build', 'in an application that has kixx-datastore installed']],
    define: (command) => command,
    async run({ output }) {
        // Not the package itself, which needs what is built here.
        const { buildAddon } = require('../../scripts/build-addon.cjs');
        const addon = buildAddon();
        await output.answer({ addon }, () => `Built ${ path.relative(process.cwd(), addon) }\n`);
    },
};
