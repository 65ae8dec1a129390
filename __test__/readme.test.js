'use strict';

// Runs every JavaScript snippet of the README and of pages in docs/ in a directory of its own, as a user
// would: the package comes from node_modules. What `// -> ` comments claim must be what it prints.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFile } = require('node:child_process');
const { test } = require('node:test');
const { promisify } = require('node:util');

const root = path.join(__dirname, '..');
const pages = ['README.md', 'docs/backup.md'];
const snippets = pages.flatMap((page) => extract(page, fs.readFileSync(path.join(root, page), 'utf8')));

test('the README has snippets, with claims', () => {
    assert.ok(snippets.length >= 9, `${ snippets.length } snippets`);
    assert.ok(snippets.every((snippet) => claims(snippet.code).length > 0));
});

for (const { page, title, code } of snippets) {
    test(`${ page }: ${ title }`, async (t) => {
        const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kixx-datastore-readme-'));
        t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
        fs.mkdirSync(path.join(directory, 'node_modules'));
        fs.symlinkSync(root, path.join(directory, 'node_modules', 'kixx-datastore'), 'junction');
        const file = path.join(directory, code.includes('require(') ? 'snippet.cjs' : 'snippet.mjs');
        fs.writeFileSync(file, code);
        const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: directory });
        assert.deepEqual(stdout.trimEnd().split('\n'), claims(code));
    });
}

/** The snippets marked `js`, each with the heading that it stands under. */
function extract(page, markdown) {
    const found = [];
    let title = '';
    for (const [, heading, code] of markdown.matchAll(/^#+ (.*)$|^```js\n([^]*?)^```$/gm)) {
        if (code === undefined) {
            title = heading;
        } else {
            found.push({ page, title, code });
        }
    }
    return found;
}

function claims(code) {
    return [...code.matchAll(/\/\/ -> (.*)$/gm)].map(([, claim]) => claim);
}
