'use strict';

// What a correct store does with documents, one operation after the other, as `checkLinearizable` wants it.
//
// An operation reads, or writes, or both:
//     reads   [[key, document]] what it saw: `{ rev, value }`, null for none, or only whether there was one
//     page    { prefix, order, descending, offset, limit, total, items: [{ key, rev, value }] }, a page of
//             the keys that begin with the prefix, in the order of 'key', or all of them by 'value'
//     writes  [{ key, value, ... }] with the value null for a deletion, all or none of them, under a check:
//             `absent: true`, `rev`, or `from`, the document (or null) that must still be there
// and its outcome is 'ok', with the new `revs` of its writes; 'conflict', with the key that it named; or
// 'unknown'. No two writes have the same value, so a document is known by its value.

class DocumentModel {
    initial = stateOf(new Map());
    // null stands for a deletion.
    #seen = new Set([null]);

    /** A model for one history, or for a beginning of it. */
    constructor(history = []) {
        for (const { reads = [], page, writes = [] } of history) {
            for (const seen of [...reads.map(([, document]) => document), ...page?.items ?? []]) {
                this.#seen.add(seen?.value);
            }
            writes.forEach(({ from }) => this.#seen.add(from?.value));
        }
    }

    /** The same text for writes that differ in nothing but values that nobody ever saw. */
    likeness({ writes, outcome, revs }) {
        if (writes === undefined || outcome !== 'ok') {
            return undefined;
        }
        const visible = writes.map(({ value, ...write }) => (
            this.#seen.has(value) ? { value, ...write } : write
        ));
        return JSON.stringify([visible, revs]);
    }

    /** The state after an operation, or undefined where it cannot have gone like this. */
    step(state, operation) {
        const { reads = [], page, writes, outcome } = operation;
        if (outcome === 'unknown') {
            return perform(state, writes).state;
        }
        if (!reads.every(([key, seen]) => isSeen(state, key, seen))) {
            return undefined;
        }
        if (page !== undefined && !isPage(state, page)) {
            return undefined;
        }
        if (writes === undefined) {
            return state;
        }
        const { state: after, revs, conflict } = perform(state, writes);
        if (outcome === 'conflict') {
            return conflict === operation.conflict ? state : undefined;
        }
        return conflict === undefined && isSameList(revs, operation.revs) ? after : undefined;
    }
}

function stateOf(documents) {
    const texts = [...documents].map(([key, { rev, value }]) => `${ key }=${ value }@${ rev }`);
    return { documents, id: texts.sort().join(' ') };
}

/** All writes, or none and the key that did not fit. */
function perform(state, writes) {
    const documents = new Map(state.documents);
    const revs = [];
    for (const write of writes) {
        const { key, value } = write;
        const current = documents.get(key) ?? null;
        if (!holds(write, current)) {
            return { state, conflict: key };
        }
        const rev = value === null ? null : (current?.rev ?? -1) + 1;
        revs.push(rev);
        if (value === null) {
            documents.delete(key);
        } else {
            documents.set(key, { rev, value });
        }
    }
    const isIdle = documents.size === 0 && state.documents.size === 0;
    const after = stateOf(documents);
    return { state: isIdle || after.id === state.id ? state : after, revs };
}

function holds(write, current) {
    if ('from' in write) {
        return isSame(write.from, current);
    }
    if (write.absent) {
        return current === null;
    }
    if (write.rev === undefined) {
        return true;
    }
    // A document may be put back where it is gone; only a deletion wants to meet it.
    return current === null ? write.value !== null : current.rev === write.rev;
}

function isSame(a, b) {
    return a === null || b === null ? a === b : a.rev === b.rev && a.value === b.value;
}

function isSeen({ documents }, key, seen) {
    const current = documents.get(key) ?? null;
    return typeof seen === 'boolean' ? seen === (current !== null) : isSame(seen, current);
}

function isPage({ documents }, { prefix, order, descending, offset, limit, total, items }) {
    const inRange = [...documents].filter(([key]) => key.startsWith(prefix));
    const all = inRange.map(([key, { rev, value }]) => ({ key, rev, value }));
    all.sort((a, b) => compare(a[order], b[order]) || compare(a.key, b.key));
    if (descending) {
        all.reverse();
    }
    const expected = all.slice(offset, offset + (limit ?? Infinity));
    return total === all.length && items.length === expected.length && items.every((item, i) => (
        item.key === expected[i].key
            && (item.rev ?? expected[i].rev) === expected[i].rev
            && (item.value ?? expected[i].value) === expected[i].value
    ));
}

function compare(a, b) {
    return a < b ? -1 : Number(a > b);
}

function isSameList(as, bs) {
    return as.length === bs.length && as.every((a, i) => a === bs[i]);
}

/** What an operation says about one key, or undefined. A history linearizes only if that of each key does. */
function ofKey(operation, key) {
    const { reads, page, writes, outcome, conflict, revs, ...rest } = operation;
    const isOfKey = (write) => write.key === key;
    if (writes?.some(isOfKey)) {
        if (outcome === 'conflict') {
            const refused = { ...rest, writes: writes.filter(isOfKey), outcome, conflict };
            return conflict === key ? refused : undefined;
        }
        const ownRevs = revs?.filter((_, i) => isOfKey(writes[i]));
        return { ...rest, writes: writes.filter(isOfKey), outcome, revs: ownRevs };
    }
    const own = reads?.filter(([name]) => name === key) ?? [];
    if (own.length > 0) {
        return { ...rest, reads: own, outcome };
    }
    const isWhole = page !== undefined && page.items.length === page.total && key.startsWith(page.prefix);
    if (!isWhole) {
        return undefined;
    }
    const item = page.items.find((candidate) => candidate.key === key);
    if (item === undefined || item.rev === undefined) {
        return { ...rest, reads: [[key, item !== undefined]], outcome };
    }
    return { ...rest, reads: [[key, { rev: item.rev, value: item.value }]], outcome };
}

/** An operation as a line of text. */
function showOperation({ call, return: returned, client, name, reads, page, writes, outcome, ...result }) {
    const micros = (time) => (time / 1000).toFixed(1);
    const times = `${ micros(call) } .. ${ outcome === 'unknown' ? '?' : micros(returned) } us`;
    const { conflict, revs } = result;
    const what = JSON.stringify({ reads, page, writes });
    const how = JSON.stringify({ conflict, revs });
    return `${ client } ${ name } [${ times }] ${ what } -> ${ outcome } ${ how === '{}' ? '' : how }`;
}

module.exports = { DocumentModel, ofKey, showOperation };
