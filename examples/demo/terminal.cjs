'use strict';

// Output for people: headings, aligned rows, progress. Colour and progress only on a terminal.

const WIDTH = 80;
const PROGRESS_AFTER_MS = 1000;
const PROGRESS_EVERY_MS = 100;

const { stdout } = process;
const coloured = Boolean(stdout.isTTY) && !process.env.NO_COLOR && process.env.TERM !== 'dumb';

// Whoever reads the output may stop early, as `head` does.
stdout.on('error', (error) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
});

function style(code) {
    return (text) => (coloured ? `\x1b[${ code }m${ text }\x1b[0m` : text);
}

const bold = style('1');
const dim = style('2');

function heading(text) {
    console.log(`\n${ bold(text) }`);
}

/** Running text, wrapped. */
function note(text) {
    const lines = [''];
    for (const word of text.split(' ')) {
        const longer = `${ lines.at(-1) } ${ word }`;
        if (longer.length < WIDTH) {
            lines[lines.length - 1] = longer;
        } else {
            lines.push(` ${ word }`);
        }
    }
    console.log(dim(lines.map((line) => ` ${ line }`).join('\n')));
}

/** One line: a label of fixed width, and what there is to say. */
function row(label, text) {
    console.log(`  ${ label.padEnd(14) }${ fit(String(text), WIDTH - 16) }`);
}

/** Lines in columns; numbers to the right. */
function table(lines) {
    const texts = lines.map((cells) => cells.map((cell) => (typeof cell === 'number' ? count(cell) : cell)));
    const widths = lines[0]?.map((_, column) => Math.max(...texts.map((cells) => cells[column].length)));
    for (const [index, cells] of lines.entries()) {
        const padded = texts[index].map((text, column) => (
            typeof cells[column] === 'number' ? text.padStart(widths[column]) : text.padEnd(widths[column])
        ));
        console.log(fit(`    ${ padded.join('  ') }`.trimEnd(), WIDTH));
    }
}

function fit(text, width) {
    return text.length > width ? `${ text.slice(0, width - 3) }...` : text;
}

function count(number) {
    return number.toLocaleString('en-US');
}

function milliseconds(ms) {
    return `${ ms.toFixed(ms < 10 ? 2 : 0) } ms`;
}

/** Runs `work`, which may report `(done, total)`, and resolves to its result and how many ms it took. */
async function timed(label, work) {
    const started = performance.now();
    let shownAt = started + PROGRESS_AFTER_MS - PROGRESS_EVERY_MS;
    let shown = false;
    const result = await work((done, total) => {
        const now = performance.now();
        if (stdout.isTTY && now - shownAt >= PROGRESS_EVERY_MS) {
            stdout.write(`\r  ${ label }: ${ count(done) } of ${ count(total) }`);
            shownAt = now;
            shown = true;
        }
    });
    if (shown) {
        stdout.write('\r\x1b[K');
    }
    return { result, ms: performance.now() - started };
}

module.exports = { bold, count, fit, heading, milliseconds, note, row, table, timed };
