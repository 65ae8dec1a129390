// The charts: bars beside the peers, and curves of growth. All axes of figures are logarithmic.

import { STORES } from '../plan.mjs';
import { count, figureText, timesText } from './format.mjs';
import { decades, element, line, logScale, svgFile, text } from './svg.mjs';

const WIDTH = 860;
const LEFT = 250;
const RIGHT = 80;
const BAR = 15;

const COLOURS = {
    'kixx-datastore': '#e8590c', lmdb: '#228be6', 'better-sqlite3': '#37b24d', 'classic-level': '#ae3ec9',
    "storage: 'disk'": '#e8a070', nedb: '#f59f00', 'JavaScript Kixx': '#e64980', 'bare limit': '#868e96',
};

/** Bar charts: file, title, and panels, each with a title and rows `[section, row, label]`. */
const BARS = [
    ['performance-reads.svg', 'Reads: microseconds, shorter is better', [
        ['one document', [['read', 'getHot', 'get, hot'], ['read', 'getCold', 'get, cache off']]],
        ['pages of 20 documents', [
            ['read', 'pageStart', 'hot, at 0'],
            ['read', 'pageMiddle', 'hot, at N/2'],
            ['read', 'pageCold', 'cache off, anywhere'],
        ]],
    ]],
    ['performance-writes.svg', 'Writes: microseconds for each, shorter is better', [
        ['on stable storage when acknowledged (sync)', [
            ['write', 'setMany', '1,000 in flight'], ['write', 'setOne', 'one awaited'],
        ]],
        ['survives the process (os)', [
            ['write-os', 'setMany', '1,000 in flight'], ['write-os', 'setOne', 'one awaited'],
        ]],
    ]],
    ['performance-load.svg', 'Load and memory: shorter is better', [
        ['microseconds for each document; lmdb, better-sqlite3 and classic-level open and read nothing', [
            ['load', 'load', 'load'],
        ]],
        ['resident bytes for each byte of JSON', [['load-many', 'memory', 'after load']]],
    ]],
    ['performance-keyvalue.svg', 'Key-value stores: microseconds for each, shorter is better', [
        ['backend memory', [['kv-memory', 'get', 'get, strings'], ['kv-memory', 'getBytes', 'get, bytes']]],
        ['backend disk, on stable storage when acknowledged', [
            ['kv-disk', 'get', 'get, strings'],
            ['kv-disk', 'getBytes', 'get, bytes'],
            ['kv-disk', 'batch', 'batch of 1,000, each'],
            ['kv-disk', 'setOne', 'set, one awaited'],
        ]],
    ]],
];

/** Panels of the chart of growth: a title, and the rows that share it; the second one is dashed. */
const CURVES = [
    ['get, us: hot; dashed: cache off', ['getHot', 'getCold']],
    ['set, 1,000 in flight, us', ['setMany']],
    ['page of 20, us: at 0; dashed: at N/2', ['pageStart', 'pageMiddle']],
    ['view page of 20, us: at 0; dashed: at N/2', ['viewPageStart', 'viewPageMiddle']],
    ['load, us for each document', ['load']],
    ['resident set, bytes for each byte of JSON', ['memory']],
];

/** @returns {Record<string, string>} SVG texts by file name, for those rows that were measured */
export function makeCharts(report) {
    const bars = BARS
        .map(([file, ...chart]) => [file, barChart(...chart, report.sections)]);
    const all = [...bars, ['performance-growth.svg', growthChart(report.growth)]];
    return Object.fromEntries(all.filter(([, chart]) => chart !== undefined));
}

function barChart(title, panels, sections) {
    const filled = panels
        .map(([name, rows]) => [name, rows.flatMap((row) => barRow(row, sections))])
        .filter(([, rows]) => rows.length > 0);
    if (filled.length === 0) {
        return undefined;
    }
    let y = 50;
    const children = filled.flatMap(([name, rows]) => {
        const panel = barPanel(name, rows, y);
        y = panel.bottom;
        return panel.children;
    });
    const values = filled.flatMap(([, rows]) => rows.flatMap(({ label, bars }) => (
        bars.map(([store, value]) => `${ label } ${ store } ${ figureText(value) }`)
    )));
    return svgFile(WIDTH, y + 10, title, values.join(', '), children);
}

/** The figures of one row, the fastest first. */
function barRow([id, row, label], sections) {
    const figures = sections.find((section) => section.id === id)?.rows
        .find((candidate) => candidate.row === row)?.figures ?? {};
    const bars = Object.entries(figures)
        .filter(([, value]) => typeof value === 'number')
        .sort(([, a], [, b]) => a - b);
    return bars.length > 0 ? [{ label, bars }] : [];
}

function barPanel(title, rows, top) {
    const ticks = decades(rows.flatMap(({ bars }) => bars.map(([, value]) => value)));
    const x = logScale(ticks, LEFT, WIDTH - RIGHT);
    const children = [];
    let y = top + 30;
    for (const { label, bars } of rows) {
        children.push(text(20, y + 11, label));
        for (const [store, value] of bars) {
            const width = Math.max(1, x(value) - LEFT);
            children.push(
                text(LEFT - 8, y + 11, store, { 'text-anchor': 'end', class: 'small' }),
                element('rect', { x: LEFT, y, width, height: BAR - 3, fill: COLOURS[store], rx: 2 }),
                text(LEFT + width + 5, y + 10, figureText(value), { class: 'small' }),
            );
            y += BAR;
        }
        y += 10;
    }
    const grid = ticks.flatMap((tick) => [
        line(x(tick), top + 24, x(tick), y - 6, { class: 'grid' }),
        text(x(tick), y + 7, tickText(tick), { 'text-anchor': 'middle', class: 'small' }),
    ]);
    return { children: [text(20, top + 14, title), ...grid, ...children], bottom: y + 26 };
}

function growthChart(growth) {
    if (growth === undefined) {
        return undefined;
    }
    const [columns, width, height] = [2, WIDTH / 2, 230];
    const children = CURVES.flatMap(([title, rows], index) => {
        const left = (index % columns) * width;
        const top = 60 + Math.floor(index / columns) * height;
        return curvePanel(title, rows, growth, { left, top, width, height });
    });
    const stores = [...new Set(growth.rows.map(({ title }) => title))];
    stores.forEach((store, index) => children.push(
        line(20 + index * 150, 48, 44 + index * 150, 48, { stroke: COLOURS[store], 'stroke-width': 3 }),
        text(50 + index * 150, 52, store),
    ));
    const values = growth.rows.map((row) => `${ row.label } ${ row.title } ${ timesText(row.times) }`);
    const bottom = 60 + Math.ceil(CURVES.length / columns) * height + 10;
    return svgFile(WIDTH, bottom, 'Growth: more and more documents', values.join(', '), children);
}

function curvePanel(title, rows, { sizes, rows: measured }, { left, top, width, height }) {
    const curves = rows.flatMap((row, index) => measured
        .filter((candidate) => candidate.row === row)
        .map(({ title: store, values }) => ({ store, values, dashed: index > 0 })));
    if (curves.length === 0) {
        return [];
    }
    const ticks = decades(curves.flatMap(({ values }) => values));
    const [first, last] = [left + 70, left + width - 30];
    const [bottom, highest] = [top + height - 40, top + 34];
    const x = logScale([sizes[0], sizes.at(-1)], first, last);
    const y = logScale(ticks, bottom, highest);
    return [
        text(left + 20, top + 20, title),
        ...ticks.flatMap((tick) => [
            line(first, y(tick), last, y(tick), { class: 'grid' }),
            text(first - 8, y(tick) + 4, tickText(tick), { 'text-anchor': 'end', class: 'small' }),
        ]),
        ...sizes.filter((_, index) => index % 2 === 0).map((size) => (
            text(x(size), bottom + 18, count(size), { 'text-anchor': 'middle', class: 'small' })
        )),
        ...curves.flatMap((curve) => curveMarks(curve, sizes, x, y)),
    ];
}

function curveMarks({ store, values, dashed }, sizes, x, y) {
    const points = values.map((value, index) => [x(sizes[index]), y(value)].map((at) => at.toFixed(1)));
    const stroke = {
        fill: 'none',
        stroke: COLOURS[store],
        'stroke-width': store === STORES.kixx.title ? 3 : 1.5,
        ...dashed && { 'stroke-dasharray': '5 4' },
    };
    return [
        element('polyline', { points: points.map((point) => point.join(',')).join(' '), ...stroke }),
        ...points.map(([cx, cy]) => element('circle', { cx, cy, r: 2.5, fill: COLOURS[store] })),
    ];
}

function tickText(tick) {
    return tick >= 1 ? count(tick) : String(tick);
}
