'use strict';

// The main job on real input: the package.json files below node_modules, as documents.
//
//   npm run demo -- [directory for the data] [directory to import from]

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Datastore, ConflictError } = require('../index.cjs');
const { findManifests, licenceOf, readManifests } = require('./demo/packages.cjs');
const { bold, count, fit, heading, milliseconds, note, row, table, timed } = require('./demo/terminal.cjs');

const IN_FLIGHT_MAX = 1000;
const PREFIX = { startKey: 'package:', endKey: 'package:\uffff' };

async function main([target, source = path.join(__dirname, '..', 'node_modules')]) {
    const directory = target ?? temporaryDirectory();
    console.log(`${ bold('kixx-datastore') }: plain JSON files with the crash safety of a database`);
    const datastore = await new Datastore({ directory }).load();
    const documents = await importPackages(datastore, source);
    await readOne(datastore, documents);
    await pageThroughRange(datastore);
    await queryViews(datastore, documents);
    await resolveConflict(datastore, documents);
    await reopen(datastore, directory, documents);
    listFiles(directory);
    console.log();
    const kept = `The files are in ${ directory }`;
    note(target ? kept : 'The directory was temporary. To keep one: npm run demo -- ./data');
}

function temporaryDirectory() {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kixx-datastore-demo-'));
    process.once('exit', () => fs.rmSync(directory, { recursive: true, force: true }));
    return directory;
}

async function importPackages(datastore, source) {
    heading(`1. Import every package.json below ${ path.relative(process.cwd(), source) || source }`);
    const { result: files, ms: findMs } = await timed('looking', () => findManifests(source));
    row('found', `${ count(files.length) } files in ${ milliseconds(findMs) }`);
    const { result, ms: readMs } = await timed('reading', (report) => readManifests(files, report));
    const { documents, copies, skipped } = result;
    const packages = `${ count(documents.size) } packages, ${ count(copies) } copies of them,`;
    row('read', `${ packages } in ${ milliseconds(readMs) }`);
    reportSkipped(skipped, source);

    const { ms } = await timed('storing', (report) => storeAll(datastore, documents, report));
    const rate = count(Math.round(documents.size / (ms / 1000)));
    row('stored', `${ count(documents.size) } documents in ${ milliseconds(ms) } (${ rate } a second)`);
    note('Every one was on disk before its promise settled.');
    return documents;
}

async function storeAll(datastore, documents, report) {
    const entries = [...documents];
    for (let start = 0; start < entries.length; start += IN_FLIGHT_MAX) {
        const chunk = entries.slice(start, start + IN_FLIGHT_MAX);
        await Promise.all(chunk.map(([key, document]) => datastore.setItem(key, document)));
        report(start + chunk.length, entries.length);
    }
}

function reportSkipped(skipped, source) {
    if (skipped.length === 0) {
        return;
    }
    row('skipped', `${ count(skipped.length) } that describe no package, such as:`);
    const problems = new Map(skipped.map((one) => [one.problem, one]));
    table([...problems.values()].map(({ file, problem }) => [problem, path.relative(source, file)]));
}

async function readOne(datastore, documents) {
    heading('2. Read one');
    const key = pick(documents, 'eslint');
    const { result: document, ms } = await timed('reading', () => datastore.getItem(key));
    const { ms: againMs } = await timed('reading', () => datastore.getItem(key));
    row('getItem', `${ key } in ${ milliseconds(ms) }, again in ${ milliseconds(againMs) }`);
    table(['_rev', 'name', 'version', 'license', 'description']
        .map((name) => [name, JSON.stringify(document[name]) ?? '-']));
}

async function pageThroughRange(datastore) {
    heading('3. Page through a range, both ways');
    const range = { ...PREFIX, limit: 4 };
    for (const descending of [false, true]) {
        let offset = 0;
        for (let page = 1; page <= 2 && offset !== null; page += 1) {
            const query = () => datastore.queryKeys({ ...range, descending, inclusiveStartIndex: offset });
            const { result, ms } = await timed('paging', query);
            const direction = descending ? 'downwards' : 'upwards';
            row(direction, `page ${ page } of ${ count(result.total) } keys in ${ milliseconds(ms) }`);
            table(result.items.map((item, index) => [offset + index, item.key]));
            offset = result.exclusiveEndIndex;
        }
    }
}

async function queryViews(datastore, documents) {
    heading('4. Query views: by licence, by keyword, by dependency');
    setViews(datastore);

    const { result: licences, ms } = await timed('mapping', () => distinctKeys(datastore, 'byLicence'));
    row('byLicence', `${ count(licences.length) } licences; mapped and counted in ${ milliseconds(ms) }`);
    table(licences.sort((a, b) => b[0] - a[0]).slice(0, 5));

    const keyword = mostFrequent(documents, (manifest) => [manifest.keywords ?? []].flat());
    await showRows(datastore, 'byKeyword', keyword, 'packages about');

    const dependency = mostFrequent(documents, (manifest) => Object.keys(manifest.dependencies ?? {}));
    await showRows(datastore, 'byDependency', dependency, 'packages need');
}

function setViews(datastore) {
    datastore.setView('byLicence', {
        map: (document, emit) => emit(licenceOf(document)),
    });
    datastore.setView('byKeyword', {
        map: (document, emit) => {
            for (const keyword of [document.keywords ?? []].flat()) {
                emit(keyword, document.description);
            }
        },
    });
    datastore.setView('byDependency', {
        map: (document, emit) => {
            for (const [name, range] of Object.entries(document.dependencies ?? {})) {
                emit(name, range);
            }
        },
    });
}

/** Each key of a view once, with its number of rows: jumps from one key to the next. */
async function distinctKeys(datastore, view) {
    const keys = [];
    for (let index = 0; index !== null;) {
        const { items, total } = await datastore.queryView(view, { inclusiveStartIndex: index, limit: 1 });
        if (items.length === 0) {
            break;
        }
        const rows = (await datastore.queryView(view, { key: items[0].key, limit: 1 })).total;
        keys.push([rows, items[0].key]);
        index = index + rows < total ? index + rows : null;
    }
    return keys;
}

async function showRows(datastore, view, key, words) {
    const { result, ms } = await timed('mapping', () => datastore.queryView(view, { key, limit: 4 }));
    row(view, `${ count(result.total) } ${ words } "${ key }", in ${ milliseconds(ms) }`);
    table(result.items.map((item) => [item.documentKey, item.value ?? '']));
}

async function resolveConflict(datastore, documents) {
    heading('5. Two writers, one document');
    const key = pick(documents, 'typescript');
    const mine = await datastore.getItem(key);
    const theirs = await datastore.getItem(key);
    await datastore.setItem(key, { ...theirs, reviewedBy: 'Ann' });
    row('first writer', `stores revision ${ mine._rev + 1 }`);
    try {
        await datastore.setItem(key, { ...mine, reviewedBy: 'Ben' });
    } catch (error) {
        if (!(error instanceof ConflictError)) {
            throw error;
        }
        row('second writer', `${ error.name } (${ error.code })`);
        note(error.message);
        const current = await datastore.getItem(key);
        const stored = await datastore.setItem(key, { ...current, alsoReviewedBy: 'Ben' });
        const reviewers = `${ stored.reviewedBy } and ${ stored.alsoReviewedBy }`;
        row('retry', `stores revision ${ stored._rev }, reviewed by ${ reviewers }`);
    }
}

async function reopen(datastore, directory, documents) {
    heading('6. Close, and open again');
    const { ms: closeMs } = await timed('closing', () => datastore.close());
    row('closed', `in ${ milliseconds(closeMs) }`);
    const { result: reopened, ms } = await timed('loading', () => new Datastore({ directory }).load());
    const { total } = await reopened.queryKeys({ ...PREFIX, limit: 1 });
    row('loaded', `${ count(total) } documents in ${ milliseconds(ms) }`);
    const { _rev, reviewedBy } = await reopened.getItem(pick(documents, 'typescript'));
    row('still there', `revision ${ _rev }, reviewed by ${ reviewedBy }`);
    await reopened.close();
}

function listFiles(directory) {
    heading('7. On disk: one JSON file for each document');
    const names = fs.readdirSync(directory).filter((name) => name.endsWith('.json')).sort();
    const sizes = names.map((name) => fs.statSync(path.join(directory, name)).size);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    row('directory', `${ count(names.length) } files, ${ count(bytes) } bytes`);
    const every = Math.max(1, Math.floor(names.length / 6));
    const some = names.map((name, index) => [sizes[index], name]).filter((_, index) => index % every === 0);
    table(some.slice(0, 6));
    const [first] = names;
    row('the first', fit(fs.readFileSync(path.join(directory, first), 'utf8'), 64));
}

/** The key of the package `name`, or of the first one if it is not installed. */
function pick(documents, name) {
    const keys = [...documents.keys()];
    return keys.find((key) => key.startsWith(`package:${ name }@`)) ?? keys[0];
}

function mostFrequent(documents, wordsOf) {
    const counts = new Map();
    for (const word of [...documents.values()].flatMap(wordsOf)) {
        counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    const [[word] = ['-']] = [...counts].sort((a, b) => b[1] - a[1]);
    return word;
}

main(process.argv.slice(2)).catch((error) => {
    console.error(error);
    process.exitCode = 1;
});
