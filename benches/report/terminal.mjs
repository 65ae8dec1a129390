// The report as one table on a terminal.

import { allGoals, growthCells, rowCells } from './report.mjs';
import { count } from './format.mjs';

/** @param {(line: string) => void} print */
export function printReport(report, print) {
    const { columns, sections, growth } = report;
    const lines = [];
    for (const { title, rows } of sections) {
        lines.push({ title });
        lines.push(...rows.map((row) => ({ cells: rowCells(row, columns) })));
    }
    if (lines.length > 0) {
        const head = ['', '', ...columns, 'against the best peer', 'goal', 'measured'];
        printTable(head, lines, 2 + columns.length, print);
    }
    if (growth) {
        const head = ['Growth', '', '', ...growth.sizes.map(count), 'last / first', 'goal', 'measured'];
        const cells = growth.rows.map((row) => ({ cells: growthCells(row) }));
        printTable(head, cells, 4 + growth.sizes.length, print);
    }
    printGoals(allGoals(report), print);
}

/** Columns from the third to `lastNumber` are numbers. */
function printTable(head, lines, lastNumber, print) {
    const rows = [head, ...lines.flatMap(({ cells }) => (cells ? [cells] : []))];
    const widths = head.map((_, at) => Math.max(...rows.map((cells) => cells[at].length)));
    const show = (cells) => print(cells.map((cell, at) => (
        at >= 2 && at < lastNumber ? cell.padStart(widths[at]) : cell.padEnd(widths[at])
    )).join('  ').trimEnd());
    show(head);
    for (const { title, cells } of lines) {
        if (cells) {
            show(cells);
        } else {
            print(`\n${ title }`);
        }
    }
    print('');
}

function printGoals(goals, print) {
    if (goals.length === 0) {
        return;
    }
    const missed = goals.filter(({ reached }) => !reached);
    print(`goals reached: ${ goals.length - missed.length } of ${ goals.length }`);
    for (const { id, row, text, value } of missed) {
        print(`missed: ${ id } ${ row }: ${ text }, measured ${ value.toFixed(2) }`);
    }
    print('');
}
