// Results as files: the figures themselves, and what is drawn from them.

import fs from 'node:fs';
import path from 'node:path';
import { makeCharts } from './charts.mjs';
import { headLines } from './head.mjs';
import { figuresMarkdown, withFigures } from './markdown.mjs';
import { makeReport } from './report.mjs';

export const RESULTS_FILE = 'performance.json';
const PAGE_FILE = 'performance.md';

/** Saves results in `directory`, and draws them. */
export function writeResults(results, directory) {
    fs.mkdirSync(directory, { recursive: true });
    fs.writeFileSync(path.join(directory, RESULTS_FILE), `${ JSON.stringify(results, undefined, 1) }\n`);
    drawResults(directory);
}

/** Writes the page and the charts of the results that `directory` holds. */
export function drawResults(directory) {
    const results = JSON.parse(fs.readFileSync(path.join(directory, RESULTS_FILE), 'utf8'));
    const report = makeReport(results);
    const charts = makeCharts(report);
    for (const [file, chart] of Object.entries(charts)) {
        fs.writeFileSync(path.join(directory, file), chart);
    }
    const figures = figuresMarkdown(report, headLines(results), Object.keys(charts));
    fs.writeFileSync(path.join(directory, PAGE_FILE), withFigures(readPage(directory), figures));
}

/** @throws {Error} when the page that is there has no place for figures */
export function checkPage(directory) {
    withFigures(readPage(directory), '');
}

function readPage(directory) {
    const file = path.join(directory, PAGE_FILE);
    return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined;
}
