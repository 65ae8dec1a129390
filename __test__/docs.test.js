'use strict';

// The snippets of every page in `docs/`. Some lie beside files of theirs.

const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { testSnippets, testTypes } = require('./helpers/snippets.js');

const here = (...names) => path.join(__dirname, ...names);
const golden = (name) => fs.readFileSync(here('fixtures', 'import', name));
const oldKixx = pathToFileURL(here('helpers', 'old-kixx.js')).href;

const FILES = {
    'from-kixx.md': {
        'datastore/mod.js': `export { OldDatastore as Datastore } from ${ JSON.stringify(oldKixx) };\n`,
        'datastore/package.json': '{"type":"module"}',
        'data/user%3A1.json': '{"_rev":4,"name":"Jane"}',
        'data/user%3A2.json': '{"_rev":0,"name":"Omar"}',
    },
    'import.md': {
        'users.db': golden('nedb.db'),
        'db.json': golden('lowdb.json'),
        'app.db': golden('loki-normal.db'),
        'export.jsonl': '{"key":"page:1","document":{"title":"Home"}}\n{"key":"page:2"}\n',
    },
};

for (const name of fs.readdirSync(here('..', 'docs')).filter((file) => file.endsWith('.md')).sort()) {
    const hasSnippets = fs.readFileSync(here('..', 'docs', name), 'utf8').includes('\n```js\n');
    if (hasSnippets) {
        testSnippets(`docs/${ name }`, { files: FILES[name] });
    }
    // That page is written from the typings, which are signatures and no programs.
    if (name !== 'api.md') {
        testTypes(`docs/${ name }`);
    }
}
