'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { KillLoop } = require('./helpers/kill-loop.js');
const { LIES } = require('./helpers/kill-lies.js');
const { Oracle } = require('./helpers/kill-oracle.js');
const { documentOf } = require('./helpers/kill-plan.js');
const { Random, chooseSeed } = require('./helpers/random.js');

const KILLS = Number(process.env.KILL_KILLS ?? 200);
/** How many processes have one directory open at the same time. */
const PROCESSES = Number(process.env.KILL_PROCESSES ?? 1);
/** Directories at the same time, so that one core checks while the other writes. */
const LOOPS = 2;
const LIE_KILLS = 40;

test('whatever is killed, at any moment: what was acknowledged is there, and nothing else', async (t) => {
    const seed = chooseSeed(t);
    const loops = Array.from({ length: LOOPS }, (_, i) => {
        return new KillLoop(t, { random: new Random(seed + i), processes: PROCESSES });
    });
    await Promise.all(loops.map((loop) => loop.run(Math.ceil(KILLS / LOOPS))));
    const sum = (name) => loops.reduce((total, loop) => total + loop[name], 0);
    t.diagnostic(`${ sum('kills') } kills survived, ${ PROCESSES } processes at a time, ${ sum('closes') } `
        + `closes, ${ sum('acknowledged') } acknowledged operations`);
});

for (const lie of Object.keys(LIES)) {
    test(`the kill loop catches a process that lies: ${ lie }`, async (t) => {
        const loop = new KillLoop(t, { random: new Random(chooseSeed(t)), lie });
        await assert.rejects(loop.run(LIE_KILLS), /wrong after \d+ kills/);
    });
}

/** A history for the oracle: the events one after the other, a look as one event. */
class Story {
    #oracle = new Oracle(['a', 'b', 'pair:a', 'pair:b']);
    #events = [];
    #at = 0;

    #add(event) {
        this.#at += 1;
        this.#events.push({ at: this.#at, ...event });
        return this;
    }

    begin(process, id, operation) {
        return this.#add({ type: 'begin', process, operation: { id, ...operation } });
    }

    ack(id, result) {
        return this.#add({ type: 'ack', id, result });
    }

    end(process) {
        return this.#add({ type: 'end', process });
    }

    /** Somebody sees `{ key: [id, rev, was] }`. */
    sees(found) {
        const look = `look ${ this.#at }`;
        const documents = new Map(Object.entries(found).map(([key, [id, rev, was]]) => {
            return [key, { _rev: rev, ...documentOf(id), ...was === undefined ? {} : { was } }];
        }));
        return this.#add({ type: 'look', look }).#add({ type: 'seen', look, documents });
    }

    problems() {
        this.#oracle.take(this.#events);
        return this.#oracle.wrong.length;
    }
}

const set = (key, rev) => ({ type: 'set', key, rev });
const both = { type: 'batch', writes: [set('a'), set('b')] };

/** What was said, what may be seen then, and what may not. */
const STORIES = {
    'an acknowledged write': [
        (story) => story.begin(1, 'x', set('a')).ack('x', { revs: [0] }).end(1),
        [{ a: ['x', 0] }], [{}, { a: ['x', 1] }, { a: ['y', 0] }, { a: ['x', 0], b: ['x', 0] }],
    ],
    'a write under way': [
        (story) => story.begin(1, 'x', set('a')).end(1),
        [{}, { a: ['x', 0] }], [{ a: ['x', 1] }, { b: ['x', 0] }],
    ],
    'a deletion': [
        (story) => story.begin(1, 'x', set('a')).ack('x', { revs: [0] })
            .begin(1, 'y', { type: 'delete', key: 'a', rev: 0 }).ack('y', { revs: [null] }).end(1),
        [{}], [{ a: ['x', 0] }],
    ],
    'a batch under way': [
        (story) => story.begin(1, 'x', both).end(1),
        [{}, { a: ['x', 0], b: ['x', 0] }], [{ a: ['x', 0] }, { b: ['x', 0] }],
    ],
    'two writers of one key, one of them under way': [
        (story) => story.begin(1, 'x', set('a')).begin(2, 'y', set('a')).ack('y', { revs: [1] })
            .end(1).end(2),
        [{ a: ['y', 1] }], [{ a: ['x', 0] }, { a: ['x', 2] }, { a: ['y', 0] }, {}],
    ],
    'a write that fails because of one under way': [
        (story) => story.begin(1, 'x', set('a')).begin(2, 'y', { type: 'insert', key: 'a' })
            .ack('y', { conflict: 'a' }).end(1).end(2),
        [{ a: ['x', 0] }], [{}, { a: ['y', 0] }],
    ],
    'an update names what it replaced': [
        (story) => story.begin(1, 'x', set('a')).ack('x', { revs: [0] })
            .begin(1, 'y', { type: 'update', key: 'a' }).end(1),
        [{ a: ['x', 0] }, { a: ['y', 1, 'x'] }],
        [{ a: ['y', 1, null] }, { a: ['y', 1] }, { a: ['y', 0, 'x'] }],
    ],
    'a dead process writes no more': [
        (story) => story.begin(1, 'x', set('a')).end(1).sees({}), [{}], [{ a: ['x', 0] }],
    ],
    'a pair is always whole, also for who looks while others write': [
        (story) => story.begin(1, 'x', { type: 'batch', writes: [set('pair:a'), set('pair:b')] }),
        [{}, { 'pair:a': ['x', 0], 'pair:b': ['x', 0] }], [{ 'pair:a': ['x', 0] }],
    ],
};

test('the oracle knows what may be seen and what may not', () => {
    for (const [name, [tell, possible, impossible]] of Object.entries(STORIES)) {
        for (const found of [...possible, ...impossible]) {
            const isRight = tell(new Story()).sees(found).problems() === 0;
            assert.equal(isRight, possible.includes(found), `${ name }: ${ JSON.stringify(found) }`);
        }
    }
    const said = (result) => new Story().begin(1, 'x', set('a', 3)).ack('x', result).problems();
    assert.equal(said({ revs: [0] }), 0);
    assert.equal(said({ revs: [4] }), 1, 'a revision out of nothing');
    assert.equal(said({ conflict: 'a' }), 1, 'a conflict with nobody');
});
