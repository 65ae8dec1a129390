'use strict';

// The codes that the package gives, collected from its sources.

const fs = require('node:fs');
const path = require('node:path');
const ts = require('typescript');

const ROOT = path.join(__dirname, '..', '..');

/** What is published and runs in applications or as the tool. */
const SOURCES = [
    'lib', 'cli', 'bin', 'index.cjs', 'import.cjs', 'scripts/build-addon.cjs', 'scripts/platform.cjs',
];

const CODE = /^(?=.{4})[A-Z]{2,}(_[A-Z]+)*$/;

/** Literals that look like codes, and what they are. */
const OTHERS = { BEGIN: 'SQL' };

/**
 * All codes, with the files that give them. In JavaScript that is every string literal of the form, unless it
 * is compared with or stands in a list: those are codes of others, and choices.
 *
 * @returns {Map<string, string[]>}
 */
function collectCodes() {
    const codes = new Map();
    const add = (code, file) => codes.set(code, [...codes.get(code) ?? [], file]);
    for (const code of rustCodes()) {
        add(code, 'src/error.rs');
    }
    for (const file of SOURCES.flatMap(filesOf)) {
        for (const code of codesOf(file)) {
            add(code, file);
        }
    }
    return codes;
}

function rustCodes() {
    const text = fs.readFileSync(path.join(ROOT, 'src', 'error.rs'), 'utf8');
    const [body] = /fn code\(self\)[^]*?\n {4}\}\n/.exec(text);
    return [...body.matchAll(/=> "(\w+)"/g)].map(([, code]) => code);
}

function filesOf(name) {
    const full = path.join(ROOT, name);
    if (!fs.statSync(full).isDirectory()) {
        return [name];
    }
    return fs.readdirSync(full, { recursive: true })
        .filter((file) => /\.c?js$/.test(file))
        .map((file) => path.join(name, file));
}

function codesOf(file) {
    const text = fs.readFileSync(path.join(ROOT, file), 'utf8');
    const found = new Set();
    const visit = (node) => {
        if (ts.isTemplateExpression(node) && /^[A-Z]{3,}_$/.test(node.head.text)) {
            throw new Error(`${ file } puts a code together: ${ node.getText() }. Write it out`);
        }
        if (ts.isStringLiteralLike(node) && CODE.test(node.text) && isGiven(node) && !(node.text in OTHERS)) {
            found.add(node.text);
        }
        ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS));
    return found;
}

function isGiven({ parent }) {
    return !ts.isArrayLiteralExpression(parent) && !ts.isCaseClause(parent) && !isComparison(parent);
}

function isComparison(node) {
    return ts.isBinaryExpression(node) && [
        ts.SyntaxKind.EqualsEqualsEqualsToken, ts.SyntaxKind.ExclamationEqualsEqualsToken,
    ].includes(node.operatorToken.kind);
}

module.exports = { collectCodes };
