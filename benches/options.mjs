// The command line of the bench.

import os from 'node:os';
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { PARTS } from './plan.mjs';

export const HELP = `npm run bench -- [options]

Measures kixx-datastore next to lmdb, better-sqlite3, classic-level and nedb, each in a process of its own,
in turn, several rounds, and prints one table of medians. Takes about 30 minutes; the peers are installed
into benches/node_modules the first time.

  --quick              a look at all rows in less than two minutes: fewer documents, one round
  --only PARTS         some of the rows, such as P1,P3,growth. Parts: ${ PARTS.join(', ') }
  --documents N        how many documents; rows of other sizes follow it. Default 100,000, quick 4,000
  --rounds R           how often each store is measured. Default 5, quick 1
  --milliseconds M     how long each figure is measured, at least. Default 300, quick 20
  --seed S             what documents and their order follow from. Default 1
  --directory D        where to put the data, best on the disk that you mean. Default ${ os.tmpdir() }
  --no-peers           our store and the bare limits only
  --write              write docs/performance.json, .md and .svg; otherwise nothing is kept
  --output D           write them to another directory
  --help               this text

\`node benches/draw.mjs\` draws docs/performance.md and its charts again from docs/performance.json.`;

const DEFAULTS = {
    full: { documents: 100_000, rounds: 5, milliseconds: 300 },
    quick: { documents: 4_000, rounds: 1, milliseconds: 20 },
};

/** A tenth of them still has a page of 20 in its second half. */
const LEAST_DOCUMENTS = 400;

const KNOWN = {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    documents: { type: 'string' },
    rounds: { type: 'string' },
    milliseconds: { type: 'string' },
    seed: { type: 'string', default: '1' },
    directory: { type: 'string', default: os.tmpdir() },
    'no-peers': { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    output: { type: 'string' },
    help: { type: 'boolean', default: false },
};

/** @throws {Error} that says what is wrong with the arguments */
export function parseOptions(args) {
    const { values } = parseArgs({ args, options: KNOWN });
    const defaults = values.quick ? DEFAULTS.quick : DEFAULTS.full;
    const number = (name, least = 1) => wholeNumber(name, values[name] ?? defaults[name], least);
    const options = {
        help: values.help,
        quick: values.quick,
        only: values.only === undefined ? undefined : parts(values.only),
        documents: number('documents', LEAST_DOCUMENTS),
        rounds: number('rounds'),
        milliseconds: number('milliseconds'),
        seed: number('seed'),
        directory: existing(values.directory),
        peers: !values['no-peers'],
        write: values.write,
        output: values.output,
    };
    if (options.write && (options.only || !options.peers)) {
        throw new Error('--write is for all rows: leave out --only and --no-peers, or give --output instead');
    }
    return options;
}

function wholeNumber(name, value, least) {
    const parsed = Number(value);
    if (!Number.isSafeInteger(parsed) || parsed < least) {
        throw new Error(`--${ name } has to be a whole number from ${ least }, not ${ value }`);
    }
    return parsed;
}

function parts(list) {
    const wanted = list.split(',').map((name) => name.trim()).filter((name) => name !== '');
    const unknown = wanted.filter((name) => !PARTS.includes(name));
    if (unknown.length > 0 || wanted.length === 0) {
        throw new Error(`--only knows ${ PARTS.join(', ') }, not ${ unknown.join(', ') || 'nothing' }`);
    }
    return wanted;
}

function existing(directory) {
    if (!fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
        throw new Error(`--directory has to be a directory that exists, not ${ directory }`);
    }
    return directory;
}
