'use strict';

// Reads the typings for scripts/docs.cjs: what they declare, as people want to read it.

const path = require('node:path');
const ts = require('typescript');
const { root } = require('./platform.cjs');

/**
 * @typedef {object} Entry a class, function or type
 * @property {string} name
 * @property {'class' | 'function' | 'type'} kind
 * @property {boolean} isError
 * @property {Doc} doc
 * @property {string[]} signatures TypeScript, without members; several of a function with overloads
 * @property {Member[]} members also those of options that a function declares in place
 * @property {string[]} uses names of our types in `signatures` and properties
 *
 * @typedef {object} Member
 * @property {string} name
 * @property {'constructor' | 'method' | 'getter' | 'property'} kind
 * @property {string[]} signatures of a property its type
 * @property {Doc} doc
 * @property {string[]} uses
 *
 * @typedef {object} Doc
 * @property {string} text
 * @property {{ name: string, text: string }[]} typeParameters
 * @property {string[]} throws
 */

/** What is wider is broken up. */
const COLUMNS = 100;

/**
 * What the compiler needs and people are spared: of the overloads that say what a datastore is, those for
 * plain documents are shown.
 */
const SPARED_OVERLOADS = ['KeyedStore', 'UntypedStore'];
const KNOWN_KEY = 'K & Known<T, K>';
const SPARED_NAMES = ['Known'];

/**
 * Reads what each of the files exports, and which other types that is made of.
 *
 * @param {string[]} files from the root of the repository
 * @returns {{ modules: Entry[][], others: Entry[] }}
 */
function readTypings(files) {
    const program = ts.createProgram(files.map((file) => path.join(root, file)), {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.Node16,
        moduleResolution: ts.ModuleResolutionKind.Node16,
        types: [],
        noLib: true,
    });
    const checker = program.getTypeChecker();
    const modules = files.map((file) => (
        exportsOf(checker, program.getSourceFile(path.join(root, file)))
            .map((symbol) => entryOf(checker, symbol))));
    return { modules, others: others(checker, modules.flat()) };
}

/** In their order, and what comes from other files last. */
function exportsOf(checker, source) {
    const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(source))
        .map((symbol) => resolved(checker, symbol));
    const isHere = ({ declarations: [node] }) => node.getSourceFile() === source;
    return [...symbols.filter(isHere), ...symbols.filter((symbol) => !isHere(symbol))];
}

function others(checker, entries) {
    const known = new Set(entries.map(({ name }) => name));
    const found = [];
    const follow = ({ symbols }) => {
        for (const symbol of symbols.filter(({ name }) => !known.has(name))) {
            known.add(symbol.name);
            const entry = entryOf(checker, symbol);
            found.push(entry);
            follow(entry);
        }
    };
    entries.forEach(follow);
    return found;
}

function resolved(checker, symbol) {
    return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

function entryOf(checker, symbol) {
    const [node] = symbol.declarations;
    const shown = ts.isFunctionDeclaration(node) ? functionOf(symbol) : typeOf(node);
    const symbols = [...shown.nodes, ...shown.members.flatMap(({ nodes }) => nodes)]
        .flatMap((part) => symbolsIn(checker, part));
    const uses = (nodes) => (
        [...new Set(nodes.flatMap((part) => symbolsIn(checker, part)).map(({ name }) => name))]);
    return {
        name: symbol.name,
        kind: shown.kind,
        isError: ts.isClassDeclaration(node) && /Error$/.test(symbol.name),
        doc: docOf(node),
        signatures: shown.signatures,
        members: shown.members.map((member) => ({ ...member, uses: uses(member.nodes) })),
        uses: uses([...shown.nodes, ...propertiesOf(shown.members).flatMap(({ nodes }) => nodes)])
            .filter((name) => name !== symbol.name),
        symbols: [...new Set(symbols)],
    };
}

function propertiesOf(members) {
    return members.filter(({ kind }) => kind === 'property');
}

/** Of a function, and of a namespace with the same name. */
function functionOf(symbol) {
    const functions = symbol.declarations.filter(ts.isFunctionDeclaration);
    const options = functions.flatMap(({ parameters }) => parameters).flatMap(literalsIn);
    const constants = symbol.declarations.filter(ts.isModuleDeclaration)
        .flatMap(({ body }) => body.statements)
        .flatMap(({ declarationList }) => [...declarationList.declarations]);
    return {
        kind: 'function',
        signatures: functions.map((node) => `function ${ signatureOf(node, node.name.text) }`),
        nodes: functions.flatMap(shownParts),
        members: [
            ...options.map((node) => ({ ...propertyOf(node), name: `options.${ nameOf(node) }` })),
            ...constants.map((node) => ({
                ...propertyOf(node),
                name: `${ symbol.name }.${ nameOf(node) }`,
                doc: docOf(node.parent.parent),
            })),
        ],
    };
}

/** The properties of an object type that is written in place. */
function literalsIn(node) {
    if (ts.isTypeLiteralNode(node)) {
        return [...node.members];
    }
    const found = [];
    ts.forEachChild(node, (child) => {
        found.push(...literalsIn(child));
    });
    return found;
}

function typeOf(node) {
    if (ts.isTypeAliasDeclaration(node)) {
        return { kind: 'type', signatures: [sourceOf(node)], nodes: [node], members: [] };
    }
    const isClass = ts.isClassDeclaration(node);
    const heritage = (node.heritageClauses ?? []).map((clause) => ` ${ oneLine(clause) }`).join('');
    const head = `${ isClass ? 'class' : 'interface' } ${ node.name.text }`;
    const parameters = (node.typeParameters ?? []).map(oneLine);
    return {
        kind: isClass ? 'class' : 'type',
        signatures: [parameters.length === 0
            ? `${ head }${ heritage }` : fitted(head, '<', parameters, '>', heritage)],
        nodes: [...node.typeParameters ?? [], ...node.heritageClauses ?? []],
        members: membersOf(node),
    };
}

/** A member for each name; what is there for the compiler only is left out. */
function membersOf({ members }) {
    const groups = new Map();
    for (const member of members) {
        const name = nameOf(member);
        if (name !== undefined) {
            groups.set(name, [...groups.get(name) ?? [], member]);
        }
    }
    return [...groups].map(([name, nodes]) => (
        isCallable(nodes[0]) ? methodOf(name, nodes) : propertyOf(nodes[0])
    ));
}

function isCallable(node) {
    return ts.isMethodDeclaration(node) || ts.isConstructorDeclaration(node) || ts.isGetAccessor(node);
}

function methodOf(name, nodes) {
    const plain = nodes.filter((node) => !SPARED_OVERLOADS.includes(receiverOf(node)));
    const shown = plain.length > 0 ? plain : nodes;
    const kinds = { [ts.SyntaxKind.Constructor]: 'constructor', [ts.SyntaxKind.GetAccessor]: 'getter' };
    const kind = kinds[nodes[0].kind] ?? 'method';
    return {
        name,
        kind,
        signatures: shown.map((node) => (
            kind === 'getter' ? `get ${ name }(): ${ typeText(node.type) }` : signatureOf(node, name))),
        doc: docOf(nodes[0]),
        nodes: shown.flatMap(shownParts),
    };
}

function propertyOf(node) {
    const optional = node.questionToken === undefined ? '' : '?';
    const isStatic = node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword);
    const type = ts.isMethodSignature(node)
        ? `(${ parametersOf(node).join(', ') }) => ${ typeText(node.type) }`
        : typeText(node.type);
    return {
        kind: 'property',
        name: `${ isStatic ? 'static ' : '' }${ nameOf(node) }${ optional }`,
        signatures: [optional ? type.replace(/ \| undefined$/, '') : type],
        doc: docOf(node),
        nodes: shownParts(node),
    };
}

/** Undefined for what only the compiler sees: `[kind]`. */
function nameOf(node) {
    if (ts.isConstructorDeclaration(node)) {
        return 'constructor';
    }
    if (ts.isIndexSignatureDeclaration(node)) {
        return `[${ oneLine(node.parameters[0]) }]`;
    }
    const text = node.name.getText();
    return ts.isComputedPropertyName(node.name) && !text.startsWith('[Symbol.') ? undefined : text;
}

function receiverOf({ parameters }) {
    return parameters?.find(({ name }) => name.getText() === 'this')?.type.getText();
}

function signatureOf(node, name) {
    const title = name === 'constructor' ? `new ${ node.parent.name.text }` : name;
    const types = shownTypeParameters(node).map((parameter) => (
        typeText(parameter).replace(/^const /, '')));
    const head = types.length === 0 ? title : `${ title }<${ types.join(', ') }>`;
    const answer = node.type === undefined ? '' : `: ${ typeText(node.type) }`;
    return fitted(head, '(', parametersOf(node), ')', answer);
}

function parametersOf(node) {
    return shownParameters(node).map(({ name, questionToken, type }) => (
        `${ name.getText() }${ questionToken ? '?' : '' }: ${ typeText(type) }`));
}

function shownParameters(node) {
    return (node.parameters ?? []).filter((parameter) => parameter.name.getText() !== 'this');
}

/** Without those that stand for what is spared. */
function shownTypeParameters(node) {
    return (node.typeParameters ?? []).filter((parameter) => !isSpared(node, parameter));
}

function isSpared({ parameters = [] }, { name }) {
    return name.text === 'K' && parameters.some(({ type }) => oneLine(type).includes(KNOWN_KEY));
}

/** Where the types are that a signature names. */
function shownParts(node) {
    const types = (node.typeParameters ?? []).map((parameter) => (
        isSpared(node, parameter) ? parameter.constraint : parameter));
    return [...types, ...shownParameters(node), node.type].filter((part) => part !== undefined);
}

function fitted(head, open, parts, close, tail) {
    const line = `${ head }${ open }${ parts.join(', ') }${ close }${ tail }`;
    return line.length <= COLUMNS
        ? line : `${ head }${ open }\n    ${ parts.join(',\n    ') }\n${ close }${ tail }`;
}

function typeText(node) {
    return oneLine(node).replaceAll(KNOWN_KEY, 'Key').replace(/\bNoInfer<(\w+)>/g, '$1').replace(/^\| /, '');
}

function oneLine(node) {
    return node.getText().replace(/\/\*\*[^]*?\*\//g, '').replace(/\s+/g, ' ').trim();
}

/** As it is written, without what every declaration has. */
function sourceOf(node) {
    return node.getText().replace(/^(export )?(declare )?/, '').replace(/;$/, '');
}

function symbolsIn(checker, node) {
    const found = [];
    const visit = (part) => {
        const name = ts.isTypeReferenceNode(part) ? part.typeName
            : ts.isExpressionWithTypeArguments(part) ? part.expression : undefined;
        const symbol = name && checker.getSymbolAtLocation(name);
        if (symbol !== undefined) {
            const target = resolved(checker, symbol);
            if (isOurs(target) && !SPARED_NAMES.includes(target.name)) {
                found.push(target);
            }
        }
        ts.forEachChild(part, visit);
    };
    visit(node);
    return found;
}

/** JavaScript's own types are not even known here. */
function isOurs({ flags, declarations }) {
    return declarations !== undefined && !(flags & ts.SymbolFlags.TypeParameter);
}

function docOf(node) {
    const tags = ts.getJSDocTags(node);
    const named = (tag) => tags.filter(({ tagName }) => tagName.text === tag);
    const doc = node.jsDoc?.at(-1);
    return {
        text: textOf(doc?.comment),
        throws: named('throws').map((tag) => {
            const type = tag.typeExpression?.type.getText() ?? '';
            return `{@link ${ type }} ${ textOf(tag.comment) }`;
        }),
        typeParameters: named('typeParam').map((tag) => {
            const [, name, text] = /^(\w+)\s+([^]*)$/.exec(textOf(tag.comment));
            return { name, text };
        }),
    };
}

function textOf(comment) {
    return ts.getTextOfJSDocComment(comment) ?? '';
}

module.exports = { readTypings };
