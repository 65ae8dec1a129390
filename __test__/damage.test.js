'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { SEGMENT_HEADER_BYTES, recordsOf, segmentsOf, usedLength } = require('./helpers/journal-file.js');
const { leaveOver, statesAfter } = require('./helpers/left-over.js');
const { kixx, errorOf } = require('./helpers/store.js');
const { newDirectory, newRoomyDirectory } = require('./helpers/temp.js');

/** A hang is a failure. */
const LIMIT = { timeout: 240000 };

const PATTERNS = [0x01, 0xff];
/** Zeros behind the records that stay: flips there are tried too. */
const KEPT_ZEROS = 24;

const set = (key, document) => ['setItem', key, document];

/** One array for each process that writes and is killed; each operation makes a record. */
const LIVES = [
    [set('a', { n: 1 }), set('b', { text: 'é' }), ['checkpoint'], set('c', {})],
    [
        ['batch', [
            { type: 'set', key: 'a', document: { n: 2 } },
            { type: 'delete', key: 'b' },
            { type: 'set', key: 'd', document: { n: 1 } },
        ]],
        ['deleteItem', 'c'],
    ],
    [set('b', { text: 'again' }), set('a', { n: 3 }), set('e', { n: 'last' })],
];

/**
 * What killed processes left: the segments of the journal, without most zeros, the other files by name, and
 * what the store holds after each record.
 */
async function leftOver(t, lives = LIVES) {
    const directory = newDirectory(t);
    for (const operations of lives) {
        await leaveOver(t, directory, operations);
    }
    const segments = segmentsOf(directory).map(({ name, bytes }) => {
        return { name, bytes: bytes.subarray(0, usedLength(bytes) + KEPT_ZEROS), records: recordsOf(bytes) };
    });
    if (segments.length < lives.length) {
        t.diagnostic('a machine that stands still for a second lets a checkpoint through: once more');
        return leftOver(t, lives);
    }
    const counts = segments.map(({ records }) => records.length);
    assert.deepEqual(counts, lives.map((operations) => operations.length));
    const names = fs.readdirSync(directory).filter((name) => name !== '.datastore');
    const files = new Map(names.map((name) => [name, fs.readFileSync(path.join(directory, name))]));
    return { segments, files, states: statesAfter(lives.flat()) };
}

/** A directory in which one journal after the other is tried. */
class Bench {
    counts = { refused: 0, whole: 0, shortened: 0 };

    constructor(t, files) {
        this.files = files;
        this.directory = newRoomyDirectory(t, 2 ** 26);
        this.internal = path.join(this.directory, '.datastore');
    }

    /**
     * Loads these segments (name to bytes). Answers the documents, or the error of load(), which has changed
     * nothing then.
     */
    async load(segments) {
        fs.rmSync(this.internal, { recursive: true, force: true });
        for (const name of fs.readdirSync(this.directory)) {
            fs.rmSync(path.join(this.directory, name));
        }
        fs.mkdirSync(this.internal);
        for (const [name, bytes] of segments) {
            fs.writeFileSync(path.join(this.internal, name), bytes);
        }
        for (const [name, bytes] of this.files) {
            fs.writeFileSync(path.join(this.directory, name), bytes);
        }
        const store = new kixx.Datastore({ directory: this.directory });
        try {
            await store.load();
        } catch (error) {
            this.#assertUnchanged(segments);
            return { error };
        } finally {
            this.store = store;
        }
        const { items } = await store.queryKeys({ limit: Infinity, includeDocuments: true });
        await store.close();
        return { documents: Object.fromEntries(items.map(({ key, document }) => [key, document])) };
    }

    #assertUnchanged(segments) {
        const found = segmentsOf(this.directory);
        assert.deepEqual(found.map(({ name }) => name), [...segments.keys()]);
        for (const { name, bytes } of found) {
            assert.ok(bytes.equals(segments.get(name)), `${ name } was changed`);
        }
        assert.deepEqual(fs.readdirSync(this.directory).sort(), ['.datastore', ...this.files.keys()].sort());
        for (const [name, bytes] of this.files) {
            const now = fs.readFileSync(path.join(this.directory, name));
            assert.ok(now.equals(bytes), `${ name } was changed`);
        }
    }

    /** Loads, and expects a CorruptError that names `name`. */
    async refuses(segments, name, label) {
        const { error, documents } = await this.load(segments);
        assert.ok(error, `${ label }: loaded ${ JSON.stringify(documents) }`);
        assert.ok(errorOf('CorruptError', { message: name })(error), label);
        this.counts.refused += 1;
    }

    /** Loads, and expects exactly these documents. */
    async holds(segments, expected, label, outcome = 'whole') {
        const { error, documents } = await this.load(segments);
        assert.equal(error, undefined, `${ label }: ${ error?.message }`);
        assert.deepEqual(documents, expected, label);
        this.counts[outcome] += 1;
    }
}

function journalOf(segments) {
    return new Map(segments.map(({ name, bytes }) => [name, bytes]));
}

test('every byte of a journal flipped: CorruptError, or the last write as a torn tail', LIMIT, async (t) => {
    const { segments, files, states } = await leftOver(t);
    const journal = journalOf(segments);
    const bench = new Bench(t, files);
    let flipped = 0;
    for (const [index, { name, bytes, records }] of segments.entries()) {
        const isLast = index === segments.length - 1;
        for (let at = 0; at < bytes.length; at += 1) {
            flipped += 1;
            for (const pattern of PATTERNS) {
                const damaged = Buffer.from(bytes);
                damaged[at] ^= pattern;
                const tried = new Map(journal).set(name, damaged);
                const label = `byte ${ at } of ${ name } with ${ pattern }`;
                const record = records.findIndex(({ end }) => at < end);
                const isPadding = records.some(({ end, next }) => at >= end && at < next);
                if (isPadding || (isLast && record === -1)) {
                    await bench.holds(tried, states.at(-1), label);
                } else if (isLast && record === records.length - 1 && at >= records[record].start) {
                    await bench.holds(tried, states.at(-2), label, 'shortened');
                } else {
                    await bench.refuses(tried, name, label);
                }
            }
        }
    }
    await bench.holds(journal, states.at(-1), 'no damage');
    const { refused, whole, shortened } = bench.counts;
    t.diagnostic(`${ flipped } bytes flipped in ${ PATTERNS.length } ways: ${ refused } refused, ` +
        `${ shortened } cut the last write, ${ whole } without effect`);
    assert.ok(flipped > 700 && refused > 1000 && shortened > 100 && whole > 50);
});

test('a journal cut at every byte: CorruptError, or the writes up to there', LIMIT, async (t) => {
    const { segments, files, states } = await leftOver(t);
    const bench = new Bench(t, files);
    let first = 0;
    for (const [index, { name, bytes, records }] of segments.entries()) {
        const isLast = index === segments.length - 1;
        for (let length = 0; length < bytes.length; length += 1) {
            const cut = bytes.subarray(0, length);
            const tried = journalOf(segments).set(name, cut);
            const label = `${ name } cut to ${ length } bytes`;
            const whole = records.filter(({ end }) => end <= length).length;
            if (whole === records.length) {
                await bench.holds(tried, states.at(-1), label);
            } else if (isLast) {
                await bench.holds(tried, states[first + whole], label, 'shortened');
            } else {
                // Between two records only the next segment tells that something is missing.
                const rest = cut.subarray(records[whole].start);
                const isBetween = length >= SEGMENT_HEADER_BYTES && rest.every((byte) => byte === 0);
                await bench.refuses(tried, isBetween ? segments[index + 1].name : name, label);
            }
        }
        first += records.length;
    }
    const { refused, whole, shortened } = bench.counts;
    t.diagnostic(`${ refused } cuts refused, ${ shortened } cut the last writes, ${ whole } without effect`);
    assert.ok(refused > 400 && shortened > 200 && whole > 20);
});

test('segments that are missing, swapped or of another journal', LIMIT, async (t) => {
    const { segments, files, states } = await leftOver(t);
    const [one, two, three] = segments;
    const journal = journalOf(segments);
    const isGone = (name, gone) => gone.some((segment) => segment.name === name);
    const without = (...gone) => new Map([...journal].filter(([name]) => !isGone(name, gone)));
    const bench = new Bench(t, files);
    await bench.refuses(without(one), two.name, 'the first is missing');
    await bench.refuses(without(one, two), three.name, 'the first two are missing');
    await bench.refuses(without(two), two.name, 'the second is missing');
    await bench.holds(without(three), states[6], 'nothing tells that there was a last one', 'shortened');

    for (const [a, b] of [[one, two], [one, three], [two, three]]) {
        const swapped = new Map(journal).set(a.name, b.bytes).set(b.name, a.bytes);
        await bench.refuses(swapped, a.name, `${ a.name } and ${ b.name } swapped`);
    }
    for (const [to, from] of [[one, two], [two, one], [three, two]]) {
        const twice = new Map(journal).set(to.name, from.bytes);
        await bench.refuses(twice, to.name, `${ from.name } twice`);
    }
    const gap = new Map(journal).set('journal-0000000000000005.log', three.bytes);
    await bench.refuses(gap, 'journal-0000000000000004.log', 'a gap');

    const longer = LIVES.map((operations) => [set('x', {}), ...operations]);
    const other = await leftOver(t, longer);
    for (const [index, { name, bytes }] of other.segments.entries()) {
        const named = index === 0 ? two.name : name;
        await bench.refuses(new Map(journal).set(name, bytes), named, `${ name } of another journal`);
    }
    // Its numbers are the same, and only what the segments say of each other tells.
    const twin = await leftOver(t);
    for (const [index, { name, bytes }] of twin.segments.entries()) {
        const named = index === 0 ? two.name : name;
        await bench.refuses(new Map(journal).set(name, bytes), named, `${ name } of a journal like this one`);
    }
    const document = Buffer.from('{"_rev":0}');
    await bench.refuses(new Map(journal).set(one.name, document), one.name, 'another file');
    await assert.rejects(bench.store.load({ quarantine: true }), errorOf('CorruptError'), 'no way around');
    await bench.holds(journal, states.at(-1), 'no damage');
});

test('records of another journal do not pass for those of this one', LIMIT, async (t) => {
    const { segments, files } = await leftOver(t);
    const other = await leftOver(t);
    const bench = new Bench(t, files);
    for (const [index, { name, bytes, records }] of segments.entries()) {
        for (const { start, end } of records.slice(0, -1)) {
            const mixed = Buffer.from(bytes);
            other.segments[index].bytes.copy(mixed, start, start, end);
            assert.ok(!mixed.equals(bytes));
            const tried = journalOf(segments).set(name, mixed);
            await bench.refuses(tried, name, `a record at ${ start } of ${ name }`);
        }
    }
});
