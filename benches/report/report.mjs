// From results to what is shown: the same for the terminal, Markdown and charts.

import { shapeTitle } from '../documents.mjs';
import { STORES } from '../plan.mjs';
import { count, figureText, timesText } from './format.mjs';
import { GROWTH_ROWS, OURS, SECTIONS, UNITS } from './rows.mjs';

/**
 * @param results as bench.mjs saves them
 * @returns {{ columns: string[], sections: object[], growth: object | undefined }} sections with rows:
 *     `label`, `unit`, `figures` by column (a number, or the code of an error), `best` peer and `goals`
 */
export function makeReport(results) {
    const sections = SECTIONS
        .filter(({ id }) => results.cases[id])
        .map((section) => makeSection(section, results.cases[section.id]));
    const used = new Set(sections.flatMap(({ rows }) => rows.flatMap(({ figures }) => Object.keys(figures))));
    const columns = [...new Set(Object.values(STORES).map(({ title }) => title))];
    const growth = makeGrowth(results.cases);
    return { columns: columns.filter((title) => used.has(title)), sections, growth };
}

/** Every goal of the report once: `{ id, text, row, value, reached }`. */
export function allGoals({ sections, growth }) {
    const rows = [...sections.flatMap((section) => section.rows), ...growth?.rows ?? []];
    return rows.flatMap((row) => row.goals.map((goal) => ({ ...goal, row: row.label })));
}

function makeSection({ title, id, rows, what }, measured) {
    const ours = measured.stores.find((store) => STORES[store].kind === 'ours');
    const figure = (store, row) => measured.figures[store === OURS ? ours : store]?.[row]?.median;
    const input = what ?? `documents of ${ shapeTitle(measured.shape) }`;
    return {
        id,
        title: `${ title }: ${ count(measured.documents) } ${ input }`,
        rows: rows
            .map(([row, label, unit, goals]) => ({
                row,
                label,
                unit,
                figures: figuresOf(measured, row),
                best: bestPeer(figure, row, unit),
                goals: goals.map((goal) => judge(goal, goal.value(figure, row))).filter(Boolean),
            }))
            .filter(({ figures }) => Object.keys(figures).length > 0),
    };
}

/** By the titles of columns. The bare limits share one: they never meet in a row. */
function figuresOf(measured, row) {
    const cells = Object.entries(measured.figures)
        .filter(([, rows]) => rows[row] !== undefined)
        .map(([store, rows]) => [STORES[store].title, rows[row].median ?? rows[row].failed]);
    return Object.fromEntries(cells);
}

/** The best of the peers and how many times as good we are; undefined where there is none. */
function bestPeer(figure, row, unit) {
    const ours = figure(OURS, row);
    const { better } = UNITS[unit];
    const peers = Object.keys(STORES)
        .filter((store) => STORES[store].kind === 'peer' && figure(store, row) !== undefined)
        .sort((a, b) => (figure(a, row) - figure(b, row)) * (better === 'lower' ? 1 : -1));
    if (ours === undefined || peers.length === 0) {
        return undefined;
    }
    const [best] = peers;
    const times = better === 'lower' ? figure(best, row) / ours : ours / figure(best, row);
    return { times, text: `${ timesText(times) } ${ STORES[best].title }` };
}

/** undefined where what the goal compares with was not measured. */
function judge({ id, text, least = -Infinity, most = Infinity }, value) {
    if (!Number.isFinite(value)) {
        return undefined;
    }
    return { id, text, value, reached: value >= least && value <= most };
}

function makeGrowth(cases) {
    const sizes = Object.values(cases)
        .filter(({ module }) => module === 'growth')
        .sort((a, b) => a.documents - b.documents);
    if (sizes.length === 0) {
        return undefined;
    }
    const rows = GROWTH_ROWS.flatMap(([row, label, unit, goal]) => (
        Object.keys(sizes[0].figures)
            .map((store) => ({ store, values: sizes.map(({ figures }) => figures[store]?.[row]?.median) }))
            .filter(({ values }) => values.every((value) => value !== undefined))
            .map(({ store, values }) => {
                const times = values.at(-1) / values[0];
                const judged = goal && store === 'kixx' ? judge(goal, times) : undefined;
                const goals = judged ? [judged] : [];
                return { row, label, unit, store, title: STORES[store].title, values, times, goals };
            })
    ));
    return { sizes: sizes.map(({ documents }) => documents), rows };
}

/** A row as text: label, unit, a cell for each column, the best peer, goal with value, verdict. */
export function rowCells({ label, unit, figures, best, goals }, columns) {
    return [
        label, unit,
        ...columns.map((title) => figureText(figures[title])),
        best?.text ?? '',
        goals.map(({ id, text }) => `${ id }: ${ text }`).join('; '),
        verdict(goals),
    ];
}

/** As `rowCells`, with a cell for each size. */
export function growthCells({ label, unit, title, values, times, goals }) {
    return [
        label, unit, title,
        ...values.map(figureText),
        timesText(times),
        goals.map(({ id, text }) => `${ id }: ${ text }`).join('; '),
        verdict(goals),
    ];
}

function verdict(goals) {
    return goals.map(({ value, reached }) => `${ figureText(value) } ${ reached ? 'yes' : 'NO' }`).join('; ');
}
