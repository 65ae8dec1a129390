'use strict';

// The snippets of a Markdown file, each in a directory of its own, as a user would have them: the package
// comes from node_modules. JavaScript runs, and what `// -> ` comments claim must be what it prints.
// TypeScript compiles.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFile } = require('node:child_process');
const { test } = require('node:test');
const { promisify } = require('node:util');
const ts = require('typescript');

const ROOT = path.join(__dirname, '..', '..');

const COMPILER_OPTIONS = {
    strict: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: [],
};

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
            const directory = newApplication(t);
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

/** Makes a test of each snippet that is marked `ts`. */
function testTypes(markdown) {
    for (const { title, code } of extract(fs.readFileSync(path.join(ROOT, markdown), 'utf8'), 'ts')) {
        test(`${ markdown }: ${ title }, TypeScript`, (t) => {
            const file = path.join(newApplication(t), 'snippet.mts');
            fs.writeFileSync(file, code);
            const problems = ts.getPreEmitDiagnostics(ts.createProgram([file], COMPILER_OPTIONS));
            assert.deepEqual(problems.map(({ messageText }) => messageText), []);
        });
    }
}

/** An empty directory in which the package is installed. */
function newApplication(t) {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kixx-datastore-snippet-'));
    t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
    fs.mkdirSync(path.join(directory, 'node_modules'));
    fs.symlinkSync(ROOT, path.join(directory, 'node_modules', 'kixx-datastore'), 'junction');
    return directory;
}

/** The snippets in a language, each with the heading that it stands under. */
function extract(markdown, language = 'js') {
    const found = [];
    let title = '';
    for (const [, heading, marked, code] of markdown.matchAll(/^#+ (.*)$|^```(\w*)\n([^]*?)^```$/gm)) {
        if (heading !== undefined) {
            title = heading;
        } else if (marked === language) {
            found.push({ title, code });
        }
    }
    return found;
}

function claims(code) {
    return [...code.matchAll(/\/\/ -> (.*)$/gm)].map(([, claim]) => claim);
}

module.exports = { extract, testSnippets, testTypes };
