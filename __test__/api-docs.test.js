'use strict';

// docs/api.md is what the typings say, all of it.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const kixx = require('kixx-datastore');
const importers = require('kixx-datastore/import');
const { PAGE, apiPage } = require('../scripts/docs.cjs');
const { run } = require('./helpers/run.js');
const { newDirectory } = require('./helpers/temp.js');

const ROOT = path.join(__dirname, '..');
const generated = apiPage();
const committed = fs.readFileSync(path.join(ROOT, PAGE), 'utf8');

test('the page is up to date: npm run docs', () => {
    assert.equal(committed, generated.text);
});

test('everything has a comment', () => {
    assert.deepEqual(generated.undocumented, []);
    assert.ok(generated.entries > 80 && generated.members > 200, JSON.stringify(generated.members));
});

test('what there is at runtime has its section', () => {
    const headings = [...committed.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading);
    for (const [name, value] of Object.entries({ ...kixx, ...importers })) {
        const isClass = String(value).startsWith('class');
        assert.ok(headings.includes(isClass ? name : `${ name }()`), name);
    }
    const methods = Object.getOwnPropertyNames(kixx.Datastore.prototype)
        .filter((name) => !['constructor', '_db'].includes(name));
    assert.ok(methods.length > 15);
    for (const name of methods) {
        assert.ok(headings.includes(`datastore.${ name }()`), name);
    }
});

test('--check tells whether the page is up to date, and writes nothing', async (t) => {
    const copy = newDirectory(t);
    for (const name of ['scripts', 'docs', 'types', 'index.d.ts', 'import.d.ts', 'package.json']) {
        fs.cpSync(path.join(ROOT, name), path.join(copy, name), { recursive: true });
    }
    fs.symlinkSync(path.join(ROOT, 'node_modules'), path.join(copy, 'node_modules'), 'junction');
    const script = path.join('scripts', 'docs.cjs');
    const docs = (...args) => run([process.execPath, script, ...args], { cwd: copy });
    const page = path.join(copy, PAGE);

    const good = await docs('--check');
    assert.deepEqual([good.status, good.stderr], [0, '']);

    const typings = path.join(copy, 'index.d.ts');
    const text = fs.readFileSync(typings, 'utf8');
    fs.writeFileSync(typings, text.replace('Touches no disk.', 'Touches nothing at all.'));
    const stale = await docs('--check');
    assert.equal(stale.status, 1);
    assert.match(stale.stderr, /npm run docs/);
    assert.equal(fs.readFileSync(page, 'utf8'), committed);

    assert.equal((await docs()).status, 0);
    assert.match(fs.readFileSync(page, 'utf8'), /Touches nothing at all\./);

    fs.writeFileSync(typings, text.replace('/** A page of items. */', ''));
    const bare = await docs('--check');
    assert.equal(bare.status, 1);
    assert.match(bare.stderr, /no comment for:\n {2}Page\n/);
});
