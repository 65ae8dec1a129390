'use strict';

// Writes docs/api.md from the typings.
//
//   npm run docs              writes it
//   npm run docs -- --check   fails if it is not what would be written

const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { root } = require('./platform.cjs');
const { Anchors } = require('./markdown.cjs');
const { readTypings } = require('./typings.cjs');

const PAGE = path.join('docs', 'api.md');
const TYPINGS = ['index.d.ts', 'import.d.ts'];

const INTRODUCTION = `# API

<!-- Written by \`npm run docs\` from the typings. Change those. -->

Every class, function and type of the package, as the typings have them. Of methods that know \`Keyed\`
documents the signatures for plain ones are shown. Options may be left out or undefined. Methods that return a
promise reject with the errors that are listed, others throw them; [errors.md](errors.md) tells of each.
`;

const OTHERS = 'Types that the others are made of. They are not exported.';

/**
 * The page, and what lacks a comment.
 *
 * @returns {{ text: string, undocumented: string[], entries: number, members: number }}
 */
function apiPage() {
    const { modules: [index, importers], others } = readTypings(TYPINGS);
    const chapters = [
        chapter('Classes', index.filter(({ kind, isError }) => kind === 'class' && !isError)),
        chapter('Functions', index.filter(({ kind }) => kind === 'function')),
        chapter('Importers', importers.filter(({ kind }) => kind === 'function'),
            'From `kixx-datastore/import`; [import.md](import.md) shows them.'),
        chapter('Errors', index.filter(({ isError }) => isError).map(withCode)),
        chapter('Types', index.filter(({ kind }) => kind === 'type')),
        chapter('Types of the importers', importers.filter(({ kind }) => kind !== 'function')),
        chapter('Helper types', others, OTHERS),
    ];
    const entries = chapters.flatMap((each) => each.entries);
    const anchors = anchorsOf(chapters);
    const texts = chapters.map((each) => chapterText(each, anchors));
    return {
        text: [INTRODUCTION, contents(chapters, anchors), ...texts].join('\n'),
        undocumented: undocumented(entries),
        entries: entries.length,
        members: entries.flatMap(({ members }) => members).length,
    };
}

/** All that a class of one code has besides it comes from the common class. */
function withCode(entry) {
    const { signatures: [type] } = entry.members.find(({ name }) => name === 'static CODE');
    const [, code] = /^'(\w+)'$/.exec(type) ?? [];
    return code === undefined ? entry : { ...entry, code, members: [] };
}

function chapter(title, entries, text = '') {
    return { title, text, entries };
}

/** The anchors of headings as they come, by the names of entries and `Class.method`. */
function anchorsOf(chapters) {
    const anchors = new Anchors();
    anchors.of('API');
    anchors.of('Contents');
    const found = new Map();
    for (const { title, entries } of chapters) {
        found.set(`# ${ title }`, anchors.of(title));
        for (const entry of entries) {
            found.set(entry.name, anchors.of(headingOf(entry)));
            for (const method of methodsOf(entry)) {
                found.set(`${ entry.name }.${ method.name }`, anchors.of(methodHeading(entry, method)));
            }
        }
    }
    return found;
}

function contents(chapters, anchors) {
    const link = (text, name) => `[${ text }](#${ anchors.get(name) })`;
    const lines = ['## Contents', ''];
    for (const { title, entries } of chapters) {
        const plain = entries.filter((entry) => methodsOf(entry).length === 0);
        lines.push(`- ${ link(title, `# ${ title }`) }${ plain.length === 0 ? '' : ': ' }`
            + plain.map((entry) => link(headingOf(entry), entry.name)).join(', '));
        for (const entry of entries.filter((each) => !plain.includes(each))) {
            const methods = methodsOf(entry).map(({ name }) => (
                link(shortName(name), `${ entry.name }.${ name }`)));
            lines.push(`  - ${ link(headingOf(entry), entry.name) }: ${ methods.join(', ') }`);
        }
    }
    return `${ lines.join('\n') }\n`;
}

function chapterText({ title, text, entries }, anchors) {
    const parts = [`## ${ title }`, text, ...entries.flatMap((entry) => entryParts(entry, anchors))];
    return `${ parts.filter((part) => part !== '').join('\n\n') }\n`;
}

function entryParts(entry, anchors) {
    const properties = entry.members.filter(({ kind }) => kind === 'property');
    return [
        `### ${ headingOf(entry) }`,
        block(entry.signatures),
        ...docParts(entry.doc, anchors),
        table(properties, anchors),
        entry.code === undefined ? '' : codeLink(entry.code),
        usesText(entry.uses, anchors),
        ...methodsOf(entry).flatMap((method) => [
            `#### ${ methodHeading(entry, method) }`,
            block(method.signatures),
            ...docParts(method.doc, anchors),
            usesText(method.uses.filter((name) => name !== entry.name), anchors),
        ]),
    ];
}

function docParts({ text, typeParameters, throws }, anchors) {
    const types = typeParameters.map((each) => `- \`${ each.name }\`: ${ prose(each.text, anchors) }`);
    const errors = throws.map((each) => `- ${ prose(each, anchors) }`);
    return [
        paragraphs(text, anchors),
        types.join('\n'),
        errors.length === 0 ? '' : `Errors:\n\n${ errors.join('\n') }`,
    ];
}

/** Indented lines are code; others of a paragraph are one. */
function paragraphs(text, anchors) {
    const isCode = (part) => part.startsWith('    ');
    return text.split(/\n{2,}/)
        .map((part) => (isCode(part) ? block([part.replace(/^ {4}/gm, '')]) : prose(part, anchors)))
        .join('\n\n');
}

function prose(text, anchors) {
    return text.replace(/\s*\n\s*/g, ' ').trim().replace(/\{@link (\w+)\}/g, (_, name) => (
        `[${ name }](#${ anchors.get(name) })`));
}

function table(properties, anchors) {
    if (properties.length === 0) {
        return '';
    }
    const cell = (text) => text.replaceAll('|', '\\|');
    const rows = properties.map(({ name, signatures: [type], doc }) => (
        `| \`${ cell(name) }\` | \`${ cell(type) }\` | ${ cell(prose(doc.text, anchors)) } |`));
    return ['| property | type | |', '|---|---|---|', ...rows].join('\n');
}

function codeLink(code) {
    return `When it happens and what to do: [\`${ code }\`](errors.md#${ code.toLowerCase() }).`;
}

function usesText(names, anchors) {
    const links = names.map((name) => `[${ name }](#${ anchors.get(name) })`);
    return links.length === 0 ? '' : `See ${ links.join(', ') }.`;
}

function block(lines) {
    return `\`\`\`ts\n${ lines.join('\n') }\n\`\`\``;
}

function methodsOf({ kind, members }) {
    return kind === 'class' ? members.filter((member) => member.kind !== 'property') : [];
}

function headingOf({ name, kind }) {
    return kind === 'function' ? `${ name }()` : name;
}

/** As it is written in code: `datastore.getItem()`. */
function methodHeading({ name: of }, { name, kind }) {
    const object = `${ of[0].toLowerCase() }${ of.slice(1) }`;
    if (kind === 'constructor') {
        return `new ${ of }()`;
    }
    const dot = name.startsWith('[') ? '' : '.';
    return `${ object }${ dot }${ name }${ kind === 'getter' ? '' : '()' }`;
}

function shortName(name) {
    return name === 'constructor' ? 'new' : name.replaceAll('[', '\\[').replaceAll(']', '\\]');
}

function undocumented(entries) {
    return entries.flatMap(({ name, doc, members }) => [
        { place: name, doc },
        ...members.map((member) => ({ place: `${ name }: ${ member.name }`, doc: member.doc })),
    ]).filter(({ doc }) => doc.text === '').map(({ place }) => place);
}

function main() {
    const { values: { check } } = parseArgs({ options: { check: { type: 'boolean' } } });
    const { text, undocumented: bare, entries, members } = apiPage();
    const file = path.join(root, PAGE);
    if (bare.length > 0) {
        throw new Error(`The typings have no comment for:\n  ${ bare.join('\n  ') }`);
    }
    if (!check) {
        fs.writeFileSync(file, text);
    } else if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== text) {
        throw new Error(`${ PAGE } is not what the typings say. Run npm run docs`);
    }
    const done = check ? 'is up to date' : 'written';
    console.log(`${ PAGE } ${ done }: ${ entries } sections, ${ members } members`);
}

if (require.main === module) {
    try {
        main();
    } catch (error) {
        console.error(error.message);
        process.exitCode = 1;
    }
}

module.exports = { PAGE, apiPage };
