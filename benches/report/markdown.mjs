// The report as Markdown, in a section of a page whose other text is written by hand.

import { allGoals, growthCells, rowCells } from './report.mjs';
import { count, figureText } from './format.mjs';

const BEGIN = '<!-- figures: begin; `npm run bench -- --write` writes from here to the end mark -->';
const END = '<!-- figures: end -->';

const NEW_PAGE = `# Performance\n\n${ BEGIN }\n${ END }\n`;

/**
 * The page with new figures between its marks.
 *
 * @param {string} [page] what there is
 * @throws {Error} when it has no marks
 */
export function withFigures(page = NEW_PAGE, figures) {
    const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
    if (begin < 0 || end < begin) {
        const lines = `${ BEGIN }\n${ END }`;
        throw new Error(`performance.md has no place for its figures. Give it two lines:\n${ lines }`);
    }
    return `${ page.slice(0, begin + BEGIN.length) }\n\n${ figures }\n${ page.slice(end) }`;
}

/** @param {string[]} head what the figures mean @param {string[]} charts file names */
export function figuresMarkdown(report, head, charts) {
    return [
        '## Figures',
        head.map((text) => `- ${ text }`).join('\n'),
        ...goalsTable(allGoals(report)),
        ...charts.map((file) => `![${ file.replace(/\.svg$/, '') }](${ file })`),
        ...report.sections.map((section) => sectionTable(section, report.columns)),
        ...growthTable(report.growth),
    ].join('\n\n').concat('\n');
}

function goalsTable(goals) {
    if (goals.length === 0) {
        return [];
    }
    const rows = goals
        .sort((a, b) => b.id[0].localeCompare(a.id[0]) || Number(a.id.slice(1)) - Number(b.id.slice(1)))
        .map(({ id, row, text, value, reached }) => [
            id, row, text, figureText(value), reached ? 'reached' : '**missed**',
        ]);
    return ['### Goals', table(['', 'row', 'goal', 'measured', ''], rows, [3])];
}

function sectionTable({ title, rows }, columns) {
    const used = columns.filter((name) => rows.some(({ figures }) => figures[name] !== undefined));
    const head = ['', 'unit', ...used, 'against the best peer', 'goal', 'measured'];
    const cells = rows.map((row) => rowCells(row, used));
    return `### ${ title }\n\n${ table(head, cells, numbers(2, used.length)) }`;
}

function growthTable(growth) {
    if (growth === undefined) {
        return [];
    }
    const head = ['', 'unit', 'store', ...growth.sizes.map(count), 'last / first', 'goal', 'measured'];
    return ['### Growth', table(head, growth.rows.map(growthCells), numbers(3, growth.sizes.length + 1))];
}

function numbers(from, length) {
    return Array.from({ length }, (_, index) => from + index);
}

/** @param {number[]} right the columns of numbers */
function table(head, rows, right) {
    const rule = head.map((_, index) => (right.includes(index) ? '---:' : '---'));
    return [head, rule, ...rows].map((cells) => `| ${ cells.join(' | ') } |`).join('\n');
}
