'use strict';

// The bench itself: that it measures every row, draws what it measured, and leaves nothing behind. What the
// figures are is not looked at.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawn, spawnSync } = require('node:child_process');
const { SaxesParser } = require('saxes');
const { eventually, newDirectory } = require('./helpers/temp.js');

const BENCHES = path.join(__dirname, '..', 'benches');
const TINY = ['--quick', '--no-peers', '--documents', '400', '--milliseconds', '2'];

/** What only some stores tell, and not yet ours. */
const OPTIONAL = new Set(['memoryCounted']);

function bench(args, script = 'bench.mjs') {
    const command = [path.join(BENCHES, script), ...args];
    const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
    return { status, stdout, stderr };
}

test('a tiny run measures every row and draws it', async (t) => {
    const { SECTIONS, GROWTH_ROWS } = await import('../benches/report/rows.mjs');
    const { STORES } = await import('../benches/plan.mjs');
    const [directory, output] = [newDirectory(t), newDirectory(t)];
    const { status, stdout, stderr } = bench([...TINY, '--directory', directory, '--output', output]);
    assert.equal(status, 0, stderr);
    assert.deepEqual(fs.readdirSync(directory), [], 'data was left behind');

    const results = JSON.parse(fs.readFileSync(path.join(output, 'performance.json'), 'utf8'));
    const page = fs.readFileSync(path.join(output, 'performance.md'), 'utf8');
    for (const { id, rows } of SECTIONS) {
        for (const [row, label] of rows.filter(([name]) => !OPTIONAL.has(name))) {
            const ours = (results.cases[id]?.stores ?? []).filter((store) => STORES[store].kind === 'ours');
            assert.notEqual(ours.length, 0, `${ id } was not measured`);
            for (const store of ours) {
                assertFigure(results.cases[id].figures[store][row], `${ id } ${ store } ${ row }`);
            }
            assert.ok(stdout.includes(label) && page.includes(`| ${ label } |`), `${ label } is not shown`);
        }
    }
    const growth = Object.values(results.cases).filter(({ module }) => module === 'growth');
    assert.deepEqual(growth.map(({ documents }) => documents), [40, 126, 400, 1265, 4000]);
    for (const { documents, figures } of growth) {
        for (const [row] of GROWTH_ROWS.filter(([name]) => !OPTIONAL.has(name))) {
            assertFigure(figures.kixx[row], `${ row } of ${ documents } documents`);
        }
    }
    for (const [id, store, row] of [
        ['read', 'map', 'getHot'], ['write', 'append', 'setOne'], ['load', 'original', 'load'],
        ['kv-memory', 'kv-map', 'get'], ['kv-memory', 'kv-map', 'getBytes'], ['kv-memory', 'kv-map', 'scan'],
    ]) {
        assertFigure(results.cases[id].figures[store][row], `${ store } ${ row }`);
    }
    assertDrawn(page, output);
    assertRedrawn(page, output);
});

function assertFigure(figure, name) {
    assert.ok(figure, `${ name } was not measured`);
    assert.ok(Number.isFinite(figure.median) && figure.median >= 0, `${ name } is ${ figure.median }`);
    assert.equal(figure.values.length, 1);
}

/** Every chart is whole XML, and the page shows it. */
function assertDrawn(page, output) {
    const charts = fs.readdirSync(output).filter((name) => name.endsWith('.svg'));
    const names = ['growth', 'keyvalue', 'load', 'reads', 'writes'];
    const expected = names.map((name) => `performance-${ name }.svg`);
    assert.deepEqual(charts, expected);
    for (const name of charts) {
        assert.ok(page.includes(`(${ name })`), `the page does not show ${ name }`);
        const text = fs.readFileSync(path.join(output, name), 'utf8');
        assert.deepEqual(elementCounts(text).svg, 1);
        assert.ok(elementCounts(text).text > 10, `${ name } says nothing`);
        assert.doesNotMatch(text, /NaN|undefined|Infinity/);
    }
}

function elementCounts(text) {
    const counts = {};
    const parser = new SaxesParser({ xmlns: true });
    parser.on('error', (error) => {
        throw error;
    });
    parser.on('opentag', ({ name }) => {
        counts[name] = (counts[name] ?? 0) + 1;
    });
    parser.write(text).close();
    return counts;
}

/** Drawing again gives the same, and keeps what was written by hand. */
function assertRedrawn(page, output) {
    const file = path.join(output, 'performance.md');
    fs.writeFileSync(file, `Before.\n\n${ page }\nAfter.\n`);
    assert.equal(bench([output], 'draw.mjs').stderr, '');
    assert.equal(fs.readFileSync(file, 'utf8'), `Before.\n\n${ page }\nAfter.\n`);
    fs.writeFileSync(file, 'All by hand.\n');
    const { status, stderr } = bench([...TINY, '--output', output]);
    assert.equal(status, 1);
    assert.match(stderr, /performance\.md has no place for its figures/);
    assert.equal(fs.readFileSync(file, 'utf8'), 'All by hand.\n');
}

test('a bad option is a clear error, and nothing runs', () => {
    for (const [args, message] of [
        [['--documents', 'many'], /--documents has to be a whole number from 400, not many/],
        [['--rounds', '0'], /--rounds has to be a whole number from 1, not 0/],
        [['--only', 'P1,P12'], /--only knows P1, .*growth, not P12/],
        [['--directory', path.join(BENCHES, 'bench.mjs')], /--directory has to be a directory that exists/],
        [['--write', '--no-peers'], /--write is for all rows/],
        [['--fast'], /Unknown option '--fast'/],
    ]) {
        const { status, stdout, stderr } = bench(args);
        assert.deepEqual([status, stdout], [1, ''], args.join(' '));
        assert.match(stderr, message);
        assert.match(stderr, /npm run bench -- --help/);
    }
    assert.match(bench(['--help']).stdout, /--quick[^]*--only[^]*--write/);
});

/** How many there are while others make and remove some. */
function filesBelow(directory) {
    try {
        return fs.readdirSync(directory, { recursive: true }).length;
    } catch (error) {
        assert.match(error.code, /^(ENOENT|ENOTDIR)$/);
        return 0;
    }
}

test('an interrupted run leaves nothing behind', async (t) => {
    const directory = newDirectory(t);
    const command = [path.join(BENCHES, 'bench.mjs'), ...TINY, '--directory', directory];
    const child = spawn(process.execPath, command);
    const ended = new Promise((resolve) => {
        child.on('exit', resolve);
    });
    await eventually(() => filesBelow(directory) > 10, 'data is made');
    child.kill('SIGINT');
    assert.equal(await ended, 130);
    assert.deepEqual(fs.readdirSync(directory), []);
});
