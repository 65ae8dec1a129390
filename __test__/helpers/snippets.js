'use strict';

// Runs the JavaScript snippets of a Markdown file, each in a directory of its own, as a user would: the
// package comes from node_modules. What `// -> ` comments claim must be what it prints.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFile } = require('node:child_process');
const { test } = require('node:test');
const { promisify } = require('node:util');

const ROOT = path.join(__dirname, '..', '..');

/**
 * Makes a test of each snippet that is marked `js`, and one that they all claim something.
 *
 * @param {string} markdown the file, from the root of the repository
 * @param {{ atLeast?: number, files?: Record<string, string | Buffer> }} [options] how many snippets there
 *     have to be, and files that lie beside each of them, by their relative paths
 */
function testSnippets(markdown, { atLeast = 1, files = {} } = {}) {
    const snippets = extract(fs.readFileSync(path.join(ROOT, markdown), 'utf8'));

    test(`${ markdown } has snippets, with claims`, () => {
        assert.ok(snippets.length >= atLeast, `${ snippets.length } snippets`);
        const silent = snippets.filter(({ code }) => claims(code).length === 0);
        assert.deepEqual(silent.map(({ title }) => title), []);
    });

    for (const { title, code } of snippets) {
        test(`${ markdown }: ${ title }`, async (t) => {
            const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kixx-datastore-snippet-'));
            t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
            fs.mkdirSync(path.join(directory, 'node_modules'));
            fs.symlinkSync(ROOT, path.join(directory, 'node_modules', 'kixx-datastore'), 'junction');
            const name = code.includes('require(') ? 'snippet.cjs' : 'snippet.mjs';
            for (const [file, content] of Object.entries({ ...files, [name]: code })) {
                fs.mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
                fs.writeFileSync(path.join(directory, file), content);
            }
            const { stdout } = await promisify(execFile)(process.execPath, [name], { cwd: directory });
            assert.deepEqual(stdout.trimEnd().split('\n'), claims(code));
        });
    }
}

/** The snippets marked `js`, each with the heading that it stands under. */
function extract(markdown) {
    const found = [];
    let title = '';
    for (const [, heading, code] of markdown.matchAll(/^#+ (.*)$|^```js\n([^]*?)^```$/gm)) {
        if (code === undefined) {
            title = heading;
        } else {
            found.push({ title, code });
        }
    }
    return found;
}

function claims(code) {
    return [...code.matchAll(/\/\/ -> (.*)$/gm)].map(([, claim]) => claim);
}

module.exports = { testSnippets };
