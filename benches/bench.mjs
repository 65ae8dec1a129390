// Our store and its peers on the same work: `npm run bench -- --help`.

import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { describeMachine, isBusy } from './machine.mjs';
import { HELP, parseOptions } from './options.mjs';
import { makePlan, STORES } from './plan.mjs';
import { headLines } from './report/head.mjs';
import { makeReport } from './report/report.mjs';
import { printReport } from './report/terminal.mjs';
import { checkPage, writeResults } from './report/write.mjs';
import { runPlan } from './run.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const { ensureDependencies } = require('../scripts/prepare.cjs');

try {
    await main(parseOptions(process.argv.slice(2)));
} catch (error) {
    console.error(`${ error.message }\nSee npm run bench -- --help`);
    process.exitCode = 1;
}

async function main(options) {
    if (options.help) {
        console.log(HELP);
        return;
    }
    if (options.peers) {
        ensureDependencies(here, []);
    }
    const output = options.output ?? (options.write ? path.join(here, '..', 'docs') : undefined);
    if (output) {
        checkPage(output);
    }
    const blocks = makePlan(options);
    const started = new Date();
    const machine = describeMachine(options.directory);
    if (isBusy()) {
        console.log('Something else is running on this machine: figures will be worse, and differ more.');
    }
    const progress = process.stdout.isTTY ? (text) => process.stdout.write(`\r\x1b[K${ text }`) : () => {};
    const measured = await runPlan(blocks, { parent: options.directory, progress });
    progress('');
    const { documents, rounds, milliseconds, seed, quick } = options;
    const results = {
        date: started.toISOString().slice(0, 16).replace('T', ' '),
        minutes: Math.round((Date.now() - started) / 6000) / 10,
        machine,
        versions: versions(blocks),
        options: { documents, rounds, milliseconds, seed, quick },
        ...measured,
    };
    headLines(results).forEach((line) => console.log(line));
    console.log();
    printReport(makeReport(results), console.log);
    if (output) {
        writeResults(results, output);
    }
}

/** Of the stores that take part, by the names of their adapters. */
function versions(blocks) {
    const used = new Set(blocks.flat().flatMap(({ stores }) => stores));
    const version = ({ kind, package: name }) => {
        const file = kind === 'ours' ? '../package.json' : `node_modules/${ name }/package.json`;
        return JSON.parse(fs.readFileSync(path.join(here, file), 'utf8')).version;
    };
    return Object.fromEntries([...used]
        .filter((store) => STORES[store].kind !== 'limit')
        .map((store) => [store, version(STORES[store])]));
}
