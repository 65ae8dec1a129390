'use strict';

// Every relative link of the pages leads to a file that is there, and to a heading that is there. The README
// lists all pages.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { Anchors, anchorsOf, linksOf } = require('../scripts/markdown.cjs');

const ROOT = path.join(__dirname, '..');
const DOCS = fs.readdirSync(path.join(ROOT, 'docs')).filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${ name }`);
const PAGES = ['README.md', 'ARCHITECTURE.md', ...DOCS];

const read = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8');

for (const page of PAGES) {
    test(`the links of ${ page }`, () => {
        const links = linksOf(read(page)).filter((target) => !/^[a-z]+:/.test(target));
        assert.deepEqual(links.map((target) => problemOf(page, target)).filter(Boolean), []);
    });
}

test('the README lists every page', () => {
    const listed = linksOf(/^## Documentation$[^]*?(?=^## )/m.exec(read('README.md'))?.[0] ?? '');
    assert.deepEqual(DOCS.filter((page) => !listed.includes(page)), []);
});

test('there are links, and what is wrong is found', () => {
    assert.ok(PAGES.flatMap((page) => linksOf(read(page))).length > 300);
    assert.equal(problemOf('docs/errors.md', 'nowhere.md'), 'nowhere.md: no such file');
    assert.equal(problemOf('docs/errors.md', 'cli.md#nowhere'), 'cli.md#nowhere: no such heading');
    assert.equal(problemOf('docs/errors.md', '#not_found'), undefined);
});

test('anchors are those of GitHub', () => {
    const anchors = new Anchors();
    const headings = [
        'What survives what', 'The file, its `_rev` & more', '`NOT_FOUND`', 'datastore.getItem()',
        'A [link](x.md)', 'Traces, OpenTelemetry', 'shadow()', 'Shadow', 'Größe',
    ];
    assert.deepEqual(headings.map((heading) => anchors.of(heading)), [
        'what-survives-what', 'the-file-its-_rev--more', 'not_found', 'datastoregetitem', 'a-link',
        'traces-opentelemetry', 'shadow', 'shadow-1', 'größe',
    ]);
    assert.deepEqual([...anchorsOf('# One\n```sh\n# no heading\n```\n## Two\n')], ['one', 'two']);
    const text = '[a](b.md) `[c](d.md)` [`e`](f.md#g)\n```js\n[h](i.md)\n```\n';
    assert.deepEqual(linksOf(text), ['b.md', 'f.md#g']);
});

/** What is wrong with a link of a page, if anything is. */
function problemOf(page, target) {
    const [file, anchor] = target.split('#');
    const place = file === '' ? page : path.posix.join(path.posix.dirname(page), decodeURIComponent(file));
    if (!fs.existsSync(path.join(ROOT, place))) {
        return `${ target }: no such file`;
    }
    const isFound = anchor === undefined || anchorsOf(read(place)).has(decodeURIComponent(anchor));
    return isFound ? undefined : `${ target }: no such heading`;
}
