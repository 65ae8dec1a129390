'use strict';

// The typings declare what there is at runtime, and nothing else.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const ts = require('typescript');
const kixx = require('kixx-datastore');

const root = path.join(__dirname, '..');

/** The classes' own ways to be made. */
const INSTANCES = {
    Datastore: () => new kixx.Datastore({ directory: 'data' }),
    DatastoreEngine: () => new kixx.DatastoreEngine({ directory: 'data' }),
    Distributor: () => new kixx.Distributor(),
    KeyValueStore: () => Object.create(kixx.KeyValueStore.prototype),
    LockingQueue: () => new kixx.LockingQueue(),
};

const asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose');

/** What functions and errors have from JavaScript itself. */
const INHERITED = ['constructor', 'length', 'name', 'prototype', 'message', 'stack', 'cause'];

const declared = declaredValues('index.d.ts');

test('CommonJS exports what is declared', () => {
    assert.deepEqual(Object.keys(kixx).sort(), [...declared.keys()].sort());
});

test('ESM exports what is declared', async () => {
    const esm = await import('kixx-datastore');
    assert.deepEqual(Object.keys(esm).sort(), [...declaredValues('index.d.mts').keys()].sort());
});

for (const [name, { instance, own }] of declared) {
    test(`${ name } has what is declared`, () => {
        assert.deepEqual(namesOf([kixx[name]]), own);
        if (instance !== undefined) {
            assert.deepEqual(namesOf(withPrototypes(instanceOf(name))), instance);
        }
    });
}

test('the type tests name everything that is public', () => {
    const directory = path.join(__dirname, 'types');
    const texts = fs.readdirSync(directory).filter((name) => name.endsWith('ts'))
        .map((name) => fs.readFileSync(path.join(directory, name), 'utf8'));
    const tested = new Set(texts.join('\n').match(/\w+/g));
    const names = ['index.d.ts', 'import.d.ts'].flatMap(publicNames);
    assert.ok(names.length > 400, `${ names.length } names`);
    assert.deepEqual(names.filter((name) => !tested.has(name.split('.').at(-1))), []);
});

/** What a file of typings exports, and what that has: `Page`, `Page.items`. */
function publicNames(file) {
    const { checker, symbols } = exportsOf(file);
    return symbols.flatMap(([name, symbol]) => {
        const members = propertyNames(checker, checker.getDeclaredTypeOfSymbol(symbol))
            .filter((member) => /^\w+$/.test(member));
        return [name, ...members.map((member) => `${ name }.${ member }`)];
    });
}

/** The values that a file of typings exports, by name: the properties of each, and of its instances. */
function declaredValues(file) {
    const { checker, symbols } = exportsOf(file);
    const values = symbols.filter(([, symbol]) => (symbol.flags & ts.SymbolFlags.Value) !== 0);
    return new Map(values.map(([name, symbol]) => {
        const isClass = (symbol.flags & ts.SymbolFlags.Class) !== 0;
        return [name, {
            own: propertyNames(checker, checker.getTypeOfSymbol(symbol)),
            instance: isClass
                ? propertyNames(checker, checker.getDeclaredTypeOfSymbol(symbol))
                : undefined,
        }];
    }));
}

/** The symbols that a file of typings exports, with their names. */
function exportsOf(file) {
    const program = ts.createProgram([path.join(root, file)], {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.Node16,
        moduleResolution: ts.ModuleResolutionKind.Node16,
        types: [],
    });
    const checker = program.getTypeChecker();
    const source = program.getSourceFile(path.join(root, file));
    const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(source));
    return { checker, symbols: symbols.map((symbol) => [symbol.name, resolved(checker, symbol)]) };
}

function resolved(checker, symbol) {
    return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** Those that our files declare. */
function propertyNames(checker, type) {
    const places = [root, path.join(root, 'types')];
    const isOurs = (node) => places.includes(path.dirname(node.getSourceFile().fileName));
    const ours = checker.getPropertiesOfType(type).filter(({ declarations }) => declarations?.some(isOurs));
    return ours.map((property) => nameOf(property)).filter((name) => name !== undefined).sort();
}

/** The typings' name of a property; undefined for one behind a symbol that only the typings have. */
function nameOf(property) {
    const [, wellKnown] = /^__@(\w+)@/.exec(property.escapedName) ?? [];
    if (wellKnown === undefined) {
        return INHERITED.includes(property.name) ? undefined : property.name;
    }
    return wellKnown === 'asyncDispose' ? 'Symbol.asyncDispose' : undefined;
}

function instanceOf(name) {
    const details = { key: 'a', expected: 'b', cause: 'c' };
    return name in INSTANCES ? INSTANCES[name]() : new kixx[name]('message', details);
}

function withPrototypes(object) {
    const chain = [];
    for (let next = object; ![Error.prototype, Object.prototype].includes(next);) {
        chain.push(next);
        next = Object.getPrototypeOf(next);
    }
    return chain;
}

function namesOf(objects) {
    const names = objects.flatMap((object) => Reflect.ownKeys(object))
        .map((key) => (key === asyncDispose ? 'Symbol.asyncDispose' : key))
        .filter((key) => !INHERITED.includes(key));
    return [...new Set(names)].sort();
}
