'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Oracle } = require('./helpers/kill-oracle.js');
const { Planner, allKeys, documentOf, writesOf } = require('./helpers/kill-plan.js');
const { Model } = require('./helpers/model.js');
const { Random, chooseSeed } = require('./helpers/random.js');

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

const PROCESSES = 3;
const TICKS = 4000;
const HISTORIES = 20;

/** Three processes that share a perfect store, in which every operation takes effect at one moment. */
class Simulation {
    #random;
    #model = new Model();
    #started = 0;
    #at = 0;
    #processes;
    #looks = [];
    events = [];

    constructor(random) {
        this.#random = random;
        this.#processes = Array.from({ length: PROCESSES }, (_, slot) => this.#start(slot));
    }

    run() {
        for (let tick = 0; tick < TICKS; tick += 1) {
            const process = this.#random.pick(this.#processes);
            this.#random.pick([
                () => this.#begin(process), () => this.#begin(process), () => this.#takeEffect(process),
                () => this.#takeEffect(process), () => this.#acknowledge(process),
                () => this.#acknowledge(process), () => this.#look(), () => this.#kill(process),
            ].slice(0, this.#random.chance(0.05) ? undefined : -1))();
        }
        while (this.#looks.length > 0) {
            this.#look();
        }
        this.#processes.forEach((process) => this.#kill(process));
        this.#say({ type: 'look', look: 'last' });
        this.#say({ type: 'seen', look: 'last', documents: this.#documents() });
        return this.events;
    }

    #say(event) {
        this.#at += 1;
        this.events.push({ at: this.#at, ...event });
    }

    #documents() {
        return new Map(this.#model.keys().map((key) => [key, this.#model.getItem(key)]));
    }

    #start(slot) {
        this.#started += 1;
        const revisionOf = (key) => this.#model.getItem(key)?._rev;
        const shared = { prefix: `${ this.#started }`, slot, random: this.#random, revisionOf };
        const planner = new Planner({ ...shared, thread: 0 });
        return { name: this.#started, slot, planner, begun: [], done: [] };
    }

    #begin({ name, planner, begun }) {
        const operation = planner.next();
        if (operation !== null) {
            this.#say({ type: 'begin', process: name, operation });
            begun.push(operation);
        }
    }

    #takeEffect({ begun, done }) {
        if (begun.length > 0) {
            const [operation] = begun.splice(this.#random.int(begun.length), 1);
            done.push({ operation, result: resultOf(this.#model, operation) });
        }
    }

    #acknowledge({ planner, done }) {
        if (done.length > 0) {
            const [{ operation, result }] = done.splice(this.#random.int(done.length), 1);
            this.#say({ type: 'ack', id: operation.id, result });
            planner.finished(operation);
        }
    }

    /** Somebody begins to look, sees what there is at some later moment, and says so later again. */
    #look() {
        const random = this.#random;
        const [look] = this.#looks;
        if (look === undefined) {
            this.#looks.push({ look: `look ${ this.#at }` });
            this.#say({ type: 'look', look: this.#looks[0].look });
        } else if (look.documents === undefined) {
            look.documents = this.#documents();
        } else if (random.chance(0.5)) {
            this.#say({ type: 'seen', ...look });
            this.#looks.pop();
        }
    }

    #kill(process) {
        this.#say({ type: 'end', process: process.name });
        this.#processes[process.slot] = this.#start(process.slot);
    }
}

/** Performs an operation on a model, as a process of the kill loop does on its store. */
function resultOf(model, operation) {
    const documentFor = ({ key, type, rev }) => {
        const current = model.getItem(key);
        const update = type === 'update' ? { was: current?.id ?? null } : {};
        return { ...documentOf(operation.id), ...update, ...rev === undefined ? {} : { _rev: rev } };
    };
    const write = (one) => {
        if (one.type === 'delete') {
            return model.deleteItem(one.key, one);
        }
        return one.type === 'insert' ? model.insertItem(one.key, documentFor(one))
            : model.setItem(one.key, documentFor(one));
    };
    try {
        if (operation.type === 'batch') {
            const batch = operation.writes.map((one) => ({ ...one, document: documentFor(one) }));
            return { revs: model.batch(batch).map((answer) => answer._rev ?? null) };
        }
        const answer = write(operation);
        return { revs: [answer._rev ?? null], was: answer.was };
    } catch (error) {
        return { conflict: error.key };
    }
}

test('the oracle finds nothing wrong with a perfect store of several processes', (t) => {
    const seed = chooseSeed(t);
    let acknowledged = 0;
    for (let n = 0; n < HISTORIES; n += 1) {
        const oracle = new Oracle(allKeys(PROCESSES, 1));
        oracle.take(new Simulation(new Random(seed + n)).run());
        assert.deepEqual(oracle.wrong.slice(0, 3), [], `history ${ n }`);
        acknowledged += oracle.acknowledged;
    }
    t.diagnostic(`${ acknowledged } acknowledged operations`);
});

test('the oracle notices each write that is lost at the end', (t) => {
    const seed = chooseSeed(t);
    for (let n = 0; n < HISTORIES; n += 1) {
        const events = new Simulation(new Random(seed + n)).run();
        const { documents } = events.at(-1);
        const lost = new Random(n).pick([...documents.keys()]);
        documents.delete(lost);
        const oracle = new Oracle(allKeys(PROCESSES, 1));
        oracle.take(events);
        // A deletion under way may have been what happened last.
        const mayBeDeleted = events.some(({ type, operation }) => type === 'begin'
            && writesOf(operation).some((write) => write.type === 'delete' && write.key === lost)
            && !events.some(({ type: other, id }) => other === 'ack' && id === operation.id));
        assert.ok(oracle.wrong.length > 0 || mayBeDeleted, `history ${ n }: ${ lost }`);
    }
});
