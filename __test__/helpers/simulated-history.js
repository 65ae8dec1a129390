'use strict';

// Histories of a store that exists only here: of a correct one, and with one lie built in.

const { DocumentModel } = require('./document-model.js');

const STEP_MAX = 100;
const UNKNOWN_SHARE = 0.02;

/**
 * The history of a correct store: every operation takes place at one moment between its call and its return.
 * Operations also carry `before`, the state that they met.
 */
function simulate(random, { clients, operations, keys }) {
    const points = [];
    for (let client = 0; client < clients; client += 1) {
        let time = 0;
        for (let n = 0; n < operations / clients; n += 1) {
            const call = time + random.int(STEP_MAX);
            const point = call + random.int(STEP_MAX);
            time = point + random.int(STEP_MAX);
            points.push({ client: `client ${ client }`, call, point, return: time });
        }
    }
    points.sort((a, b) => a.point - b.point);
    const model = new DocumentModel();
    const known = new Map();
    let state = model.initial;
    return points.map(({ point, ...times }, n) => {
        const asked = chooseOperation(random, keys, state, known, n);
        const happened = perform(model, state, asked);
        const operation = { ...times, ...asked, ...happened.result, before: state };
        state = happened.state;
        const key = random.pick(keys);
        known.set(key, state.documents.get(key) ?? null);
        if (asked.writes !== undefined && random.chance(UNKNOWN_SHARE)) {
            return { ...operation, outcome: 'unknown', return: Infinity, revs: undefined };
        }
        return operation;
    });
}

function chooseOperation(random, keys, { documents }, known, value) {
    const key = random.pick(keys);
    const current = (name) => documents.get(name) ?? null;
    const from = known.get(key) ?? null;
    const choices = {
        get: () => ({ reads: [[key, current(key)]] }),
        getAgain: () => ({ reads: [[key, current(key)]] }),
        getMany: () => ({ reads: keys.map((name) => [name, current(name)]) }),
        has: () => ({ reads: [[key, current(key) !== null]] }),
        set: () => ({ writes: [{ key, value }] }),
        setAt: () => ({ writes: [{ key, value, rev: from?.rev ?? 0 }] }),
        insert: () => ({ writes: [{ key, value, absent: true }] }),
        swap: () => ({ writes: [{ key, value, from }] }),
        delete: () => ({ writes: [{ key, value: null }] }),
        deleteAt: () => ({ writes: [{ key, value: null, rev: from?.rev ?? 0 }] }),
        batch: () => ({ writes: keys.map((name) => ({ key: name, value })) }),
    };
    const name = random.pick(Object.keys(choices));
    return { name, ...choices[name]() };
}

/** What a correct store answers: found by asking the model whether it takes that answer. */
function perform(model, state, asked) {
    if (asked.writes === undefined) {
        return { state, result: { outcome: 'ok' } };
    }
    for (const { key } of asked.writes) {
        const result = { outcome: 'conflict', conflict: key };
        if (model.step(state, { ...asked, ...result }) !== undefined) {
            return { state, result };
        }
    }
    const after = model.step(state, { ...asked, outcome: 'unknown' });
    const revs = asked.writes.map(({ key, value }) => (value === null ? null : after.documents.get(key).rev));
    return { state: after, result: { outcome: 'ok', revs } };
}

/** The ways in which a history can lie; the first two can never pass. Each answers a copy, or null. */
const LIES = {
    /** A read sees a document that a write, acknowledged before, has replaced or removed. */
    stale(random, history) {
        const stale = history.flatMap((read, i) => (
            overwrittenBefore(history, read).map((document) => [i, document])
        ));
        return stale.length === 0 ? null : withRead(history, ...random.pick(stale));
    },
    invented(random, history) {
        const reads = history.flatMap((operation, i) => (isSingleRead(operation) ? [i] : []));
        return reads.length === 0 ? null : withRead(history, random.pick(reads), { rev: 0, value: -1 });
    },
    /** A conditional write succeeds where it must not: an update is lost, or a document inserted twice. */
    lostUpdate(random, history) {
        const isRefused = ({ outcome, writes }) => outcome === 'conflict' && writes[0].value !== null;
        return changed(random, history, isRefused, ({ writes: [{ rev = 0 }] }) => (
            { outcome: 'ok', conflict: undefined, revs: [rev + 1] }
        ));
    },
    wrongRevision(random, history) {
        return changed(random, history, ({ outcome, revs }) => outcome === 'ok' && revs?.[0] > 0,
            ({ revs }) => ({ revs: [revs[0] - 1, ...revs.slice(1)] }));
    },
    needlessConflict(random, history) {
        return changed(random, history, ({ name, outcome }) => outcome === 'ok' && name === 'swap',
            ({ writes }) => ({ outcome: 'conflict', conflict: writes[0].key, revs: undefined }));
    },
    /** A read of several keys mixes two moments. */
    tornRead(random, history) {
        const isMixable = ({ name, reads }) => name === 'getMany' && reads[0][1] !== null;
        return changed(random, history, isMixable, ({ call, reads: [[key], ...others] }) => {
            const older = history.filter((other) => other.return < call && other.before.documents.has(key));
            const document = older.length > 0 ? random.pick(older).before.documents.get(key) : null;
            return { reads: [[key, document], ...others] };
        });
    },
    /** Two reads of one key by one client answer in the wrong order. */
    backwards(random, history) {
        for (const [i, first] of history.entries()) {
            const j = history.findIndex((other, at) => at > i && isSingleRead(first) && isSingleRead(other)
                && other.client === first.client && other.reads[0][0] === first.reads[0][0]
                && first.reads[0][1] !== null && other.reads[0][1]?.value > first.reads[0][1].value);
            if (j > 0 && random.chance(0.5)) {
                return withRead(withRead(history, i, history[j].reads[0][1]), j, first.reads[0][1]);
            }
        }
        return null;
    },
};

const isSingleRead = ({ name }) => name === 'get' || name === 'getAgain';

/** The documents of the key of a read that surely were gone when it was called. */
function overwrittenBefore(history, read) {
    if (!isSingleRead(read)) {
        return [];
    }
    const [[key]] = read.reads;
    const gone = history.filter((write) => write.outcome === 'ok' && write.return < read.call
        && write.writes?.some((own) => own.key === key) && write.before.documents.has(key));
    return gone.map((write) => write.before.documents.get(key));
}

function withRead(history, i, document) {
    const [[key]] = history[i].reads;
    return history.with(i, { ...history[i], reads: [[key, document]] });
}

/** A copy in which one of the operations that fit is changed. */
function changed(random, history, fits, change) {
    const indices = history.flatMap((operation, i) => (fits(operation) ? [i] : []));
    if (indices.length === 0) {
        return null;
    }
    const i = random.pick(indices);
    return history.with(i, { ...history[i], ...change(history[i]) });
}

module.exports = { simulate, LIES };
