'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { newPath } = require('./temp.js');

const FIXTURES = path.join(__dirname, '..', 'fixtures');
const PACKAGE = pathToFileURL(path.join(__dirname, '..', '..', 'index.mjs')).href;

/** The code blocks of a text, as printed: `{ language, code, line }`. */
function codeBlocks(fixture) {
    const text = fs.readFileSync(path.join(FIXTURES, fixture), 'utf8');
    const blocks = [];
    for (const match of text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)) {
        const line = text.slice(0, match.index).split('\n').length + 1;
        blocks.push({ language: match[1], code: match[2], line });
    }
    return blocks;
}

/**
 * Runs code blocks as ES modules in a folder where './datastore/mod.js' is this package.
 *
 * The text of a block is written out unchanged. Before it come the names that the block uses and does not
 * declare; after it an export of the names that it declares. A block that declares a name twice is several
 * alternatives printed one below the other, so each of its paragraphs becomes a module.
 */
class BlockRunner {
    #folder;
    #count = 0;
    ran = new Set();
    logged = [];

    constructor(t) {
        this.#folder = newPath(t, 'examples');
        fs.mkdirSync(path.join(this.#folder, 'datastore'), { recursive: true });
        this.#write('package.json', '{"type":"module"}');
        this.#write('datastore/mod.js', this.#shim());
    }

    /** The place that an absolute path of an example stands for. */
    place(directory) {
        return path.join(this.#folder, 'root', directory);
    }

    /** The classes of the package, with absolute directories put under this folder. */
    async package() {
        return import(pathToFileURL(path.join(this.#folder, 'datastore', 'mod.js')).href);
    }

    /** Runs a block and answers what it declared, one object per module that it took. */
    async run(block, injected = {}) {
        const modules = [];
        const parts = alternatives(block.code);
        assert.equal(parts.join(''), block.code);
        for (const part of parts) {
            modules.push(await this.#runModule(part, injected));
        }
        this.ran.add(block.line);
        return modules;
    }

    /** Runs a block that is one module and answers what it declared. */
    async runOne(block, injected = {}) {
        const modules = await this.run(block, injected);
        assert.equal(modules.length, 1);
        return modules[0];
    }

    /** The value of a block that is an expression. */
    async evaluate(block) {
        const module = await this.#import(`export default (\n${ block.code });\n`);
        this.ran.add(block.line);
        return module.default;
    }

    async #runModule(code, injected) {
        const slot = `kixx-example-${ this.#folder }-${ this.#count }`;
        globalThis[Symbol.for(slot)] = { console: this.#console(), ...injected };
        const declared = declaredNames(code);
        const given = Object.keys({ console, ...injected }).filter((name) => !declared.includes(name));
        const source = `globalThis[Symbol.for(${ JSON.stringify(slot) })]`;
        const before = `const { ${ given.join(', ') } } = ${ source };\n`;
        try {
            return await this.#import(`${ before }${ code }\nexport { ${ declared.join(', ') } };\n`);
        } finally {
            delete globalThis[Symbol.for(slot)];
        }
    }

    #import(source) {
        const name = `example-${ this.#count }.js`;
        this.#count += 1;
        this.#write(name, source);
        return import(pathToFileURL(path.join(this.#folder, name)).href);
    }

    #console() {
        const record = (level) => (...args) => this.logged.push([level, ...args]);
        return { log: record('log'), error: record('error') };
    }

    #write(name, text) {
        fs.writeFileSync(path.join(this.#folder, name), text);
    }

    #shim() {
        const move = (name) => `export class ${ name } extends real.${ name } {
    constructor(options = {}) {
        const { directory } = options;
        super(directory?.startsWith('/') && !directory.startsWith(root)
            ? { ...options, directory: root + directory } : options);
    }
}
`;
        return `import * as real from ${ JSON.stringify(PACKAGE) };
export * from ${ JSON.stringify(PACKAGE) };
const root = ${ JSON.stringify(path.join(this.#folder, 'root')) };
${ move('Datastore') }${ move('DatastoreEngine') }`;
    }
}

/** The names that a block declares at its top level. */
function declaredNames(code) {
    const names = [];
    for (const [, name] of code.matchAll(/^(?:const|let|class|function|async function) (\w+)/gm)) {
        names.push(name);
    }
    return [...new Set(names)];
}

/** The block as one piece, or in paragraphs that begin with a comment when it declares a name twice. */
function alternatives(code) {
    const declarations = [...code.matchAll(/^(?:const|let|class|function|async function) (\w+)/gm)];
    if (declaredNames(code).length === declarations.length) {
        return [code];
    }
    return code.split(/(?<=\n\n)(?=\/\/ )/);
}

/** Checks that every JavaScript block has a case of its own, then runs the cases as subtests. */
async function runCases(t, blocks, cases, setUp) {
    assert.equal(cases.length, blocks.length, 'every code block of the text has its case');
    for (const [index, [title, run]] of cases.entries()) {
        const block = blocks[index];
        await t.test(`line ${ block.line }: ${ title }`, async (subtest) => {
            const runner = new BlockRunner(subtest);
            await run(await setUp(subtest), block, runner, subtest);
            assert.ok(runner.ran.has(block.line), 'the block was run');
        });
    }
    t.diagnostic(`${ blocks.length } examples run`);
}

module.exports = { codeBlocks, runCases };
