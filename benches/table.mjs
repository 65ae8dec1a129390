// Prints the result of the bench as one table.

const UNITS = { load: 'ms' };
const ROWS = [
    ['getHot', 'get, hot'],
    ['getUncached', 'get, cache off'],
    ['setMany', 'set, 1,000 in flight'],
    ['setOne', 'set, one awaited'],
    ['pageStart', 'page of 20, at 0'],
    ['pageMiddle', 'page of 20, at N/2'],
    ['load', 'open (we: load all files)'],
];

/** @param columns [{ title, peer, times: { row: number[] } }], ours first */
export function printTable(columns) {
    const lines = [['', '', ...columns.map((column) => column.title), 'we against the best']];
    for (const [row, label] of ROWS) {
        const medians = columns.map((column) => median(column.times[row]));
        // Opening is not compared: the peers read nothing before they are asked.
        const comparison = row === 'load' ? '-' : compare(medians, columns);
        lines.push([label, UNITS[row] ?? 'us', ...medians.map(format), comparison]);
    }
    const widths = lines[0].map((_, column) => Math.max(...lines.map((cells) => cells[column].length)));
    for (const cells of lines) {
        const padded = cells.map((cell, column) => (
            column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])
        ));
        console.log(padded.join('  ').trimEnd());
    }
}

function compare([ours, ...others], [, ...columns]) {
    const peers = others.filter((value, index) => value !== undefined && columns[index].peer);
    if (peers.length === 0) {
        return '-';
    }
    const ratio = Math.min(...peers) / ours;
    return ratio >= 1 ? `${ ratio.toFixed(2) }x faster` : `${ (1 / ratio).toFixed(2) }x slower`;
}

export function median(values = []) {
    const sorted = [...values].sort((a, b) => a - b);
    const middle = sorted.length / 2;
    return sorted.length % 2 ? sorted[Math.floor(middle)] : average(sorted[middle - 1], sorted[middle]);
}

function average(a, b) {
    return a === undefined ? undefined : (a + b) / 2;
}

function format(value) {
    if (value === undefined) {
        return '-';
    }
    return value < 100 ? value.toFixed(2) : Math.round(value).toLocaleString('en-US');
}
