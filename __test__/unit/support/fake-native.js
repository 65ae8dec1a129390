'use strict';

// A stand-in for native.cjs: one resident store per directory in plain JavaScript, which counts calls and
// lets a test write "from another thread" at any moment. For tests of lib/ alone.

const loader = require.resolve('../../../lib/native.cjs');

/** What an answer of a reader is when it is not flat. */
const TEXT = 7;

/** The tag of the first failed write of a block. */
const FIRST_COMMIT = 2;

const stores = new Map();
const calls = new Map();

/** Puts the stand-in into the place of the native module. Call it before lib/ is required. */
function install() {
    require.cache[loader] = { id: loader, filename: loader, loaded: true, exports: counted };
    return { calls, storeOf, writeElsewhere, reset: () => calls.clear() };
}

function storeOf(directory) {
    if (!stores.has(directory)) {
        stores.set(
            directory,
            { entries: new Map(), sequence: 0, head: new Uint32Array(2), views: new Map(), changes: [] },
        );
    }
    return stores.get(directory);
}

/** What a commit of another thread does. `document` is without `_rev`; null deletes. */
function writeElsewhere(directory, key, document) {
    const text = document === null ? null : JSON.stringify({ _rev: 0, ...document });
    return apply(storeOf(directory), [{ key, text, kind: 0, value: 0, exact: -1 }]);
}

function apply(store, operations) {
    const staged = new Map(store.entries);
    const sequence = store.sequence + 1;
    const answers = operations.map((operation) => {
        store.changes.push({ key: operation.key, sequence });
        const current = staged.get(operation.key);
        check(operation, current);
        if (operation.text === null) {
            staged.delete(operation.key);
            return [-1, sequence];
        }
        const version = operation.exact >= 0 ? operation.exact : (
            current === undefined ? 0 : current.version + 1
        );
        staged.set(operation.key, { version, sequence, rest: operation.text.slice('{"_rev":0'.length) });
        return [version, sequence];
    });
    store.entries = staged;
    store.sequence = sequence;
    store.head[0] = sequence;
    return answers;
}

function check({ key, kind, value }, current) {
    const holds = [
        () => true,
        () => current === undefined,
        () => current?.version === value,
        () => current === undefined || current.version === value,
        () => current?.sequence === value,
    ][kind]();
    if (!holds) {
        fail(
            'CONFLICT', `expected ${ value }, found ${ current?.version }`, { key, expected: String(value) }
        );
    }
}

function fail(code, message, details = {}) {
    throw new Error(JSON.stringify({ code, message, ...details }));
}

const textOf = ({ version, rest }) => `{"_rev":${ version }${ rest }`;
const compare = (a, b) => (a < b ? -1 : Number(a > b));

function range(entries, start, end, descending) {
    const turned = descending && start !== null && end !== null && start > end;
    const [low, high] = turned ? [end, start] : [start, end];
    const keys = [...entries.keys()].sort(compare)
        .filter((key) => (low === null || key >= low) && (high === null || key <= high));
    return descending ? keys.reverse() : keys;
}

function open(handle) {
    if (handle.closed) {
        fail('CLOSED', 'The datastore is closed');
    }
    return handle.loaded ? handle.store : fail('ASSERTION', 'load() first');
}

function finish(port, id, work) {
    setImmediate(() => {
        try {
            port.done.push([id, 0, work()]);
        } catch (error) {
            port.done.push([id, 1, error.message]);
        }
        port.callback();
    });
}

/** What a block of the flat form holds. */
function readOperations(count, kinds, numbers, strings, structures) {
    let at = 0;
    let from = 0;
    const string = (length) => strings.slice(from, from += length);
    const value = () => {
        const number = numbers[at];
        switch (kinds[at++]) {
            case 0:
                return JSON.stringify(string(number));
            case 1:
                return JSON.stringify(number);
            case 2:
                return `{${ structures[number].map((name) => `${ name }:${ value() }`).join(',') }}`;
            case 3:
                return `[${ Array.from({ length: number }, value).join(',') }]`;
            case TEXT:
                return string(number).replace(/^\{"_rev":0,?/, '{');
            default:
                return ['true', 'false', 'null'][kinds[at - 1] - 4];
        }
    };
    return Array.from({ length: count }, () => {
        const [key, kind, number, body] = [JSON.parse(value()), Number(value()), Number(value()), value()];
        const text = body === 'null' ? null : `{"_rev":0${ body === '{}' ? '}' : `,${ body.slice(1) }` }`;
        return { key, text, kind, value: number, exact: -1 };
    });
}

const native = {
    openPort: (callback) => ({ callback, done: [], settled: [] }),
    drain(port) {
        const drained = [Float64Array.from(port.settled.splice(0).flat()), ...port.done.splice(0).flat()];
        return drained;
    },
    createStore(port, options) {
        const { directory = Symbol('memory') } = JSON.parse(options);
        return { port, store: storeOf(directory), loaded: false, closed: false, page: [] };
    },
    load(handle, id) {
        finish(handle.port, id, () => {
            if (handle.store.damage) {
                fail('CORRUPT', handle.store.damage);
            }
            handle.loaded = true;
            return '{"documents":0,"quarantined":[]}';
        });
    },
    watchCheckpoints: () => {},
    isLoaded: (handle) => handle.loaded,
    head: (handle) => open(handle).head,
    forgetHead: () => {},
    keysChangedSince(handle, since) {
        const changes = open(handle).changes.filter(({ sequence }) => sequence > since);
        return JSON.stringify(changes.map(({ key }) => key));
    },
    openReader(handle) {
        const kinds = Uint8Array.of(TEXT).buffer;
        const numbers = new Float64Array(1);
        const get = (key, known) => counted.get(handle, key, known, numbers);
        return { get, names: () => '[]', kinds, numbers: numbers.buffer };
    },
    get(handle, key, known, numbers) {
        const entry = open(handle).entries.get(key);
        handle.store.afterGet?.();
        if (entry === undefined) {
            return null;
        }
        if (entry.sequence === known) {
            return undefined;
        }
        numbers[0] = entry.sequence;
        return textOf(entry);
    },
    has: (handle, key) => open(handle).entries.has(key),
    getMany(handle, keys) {
        const { entries } = open(handle);
        return `[${ keys.map((key) => (entries.has(key) ? textOf(entries.get(key)) : 'null')).join(',') }]`;
    },
    openWriter: (handle) => ({ handle, structures: [] }),
    defineStructure: ({ structures }, names) => structures.push(names) - 1,
    commitEach({ handle, structures }, id, count, kinds, numbers, strings) {
        const store = open(handle);
        const operations = readOperations(count, kinds, numbers, strings, structures);
        setImmediate(() => {
            const outcomes = operations.map((operation, index) => {
                try {
                    const [outcome] = apply(store, [operation]);
                    store.afterCommit?.();
                    return outcome;
                } catch (error) {
                    handle.port.done.push([id, FIRST_COMMIT + index, error.message]);
                    return [-2, 0];
                }
            });
            handle.port.settled.push([id, count, ...outcomes.flat()]);
            handle.port.callback();
        });
    },
    commitBatch(handle, id, keys, texts, checks) {
        const store = open(handle);
        finish(handle.port, id, () => JSON.stringify(apply(store, keys.map((key, i) => {
            const [kind, value, exact] = checks.slice(3 * i, 3 * i + 3);
            return { key, text: texts[i], kind, value, exact };
        }))));
    },
    page(handle, numbers, start, end, descending, offset, limit) {
        const { entries } = open(handle);
        const all = range(entries, start, end, descending);
        const keys = all.slice(offset, offset + limit);
        handle.page = keys.map((key) => entries.get(key));
        const sequences = handle.page.map(({ sequence }) => sequence);
        const next = offset + limit < all.length ? offset + limit : Infinity;
        numbers.set([all.length, next, keys.length, ...sequences]);
        return JSON.stringify(keys);
    },
    forgetPage: (handle) => { handle.page = []; },
    pageDocuments: (handle, indices) => `[${ Array.from(indices, (i) => textOf(handle.page[i])).join(',') }]`,
    setView(handle, id, signature, mapBatch) {
        open(handle).views.set(id, mapBatch);
    },
    deleteView: (handle, id) => open(handle).views.delete(id),
    openSnapshot: (handle) => ({ entries: open(handle).entries, open: true }),
    snapshotPage(snapshot, start, end, descending, after, limit, documents) {
        const keys = range(snapshot.entries, start, end, descending)
            .filter((key) => after === null || (descending ? key < after : key > after)).slice(0, limit);
        const texts = keys.map((key) => textOf(snapshot.entries.get(key)));
        return `{"keys":${ JSON.stringify(keys) }${ documents ? `,"documents":[${ texts }]` : '' }}`;
    },
    closeSnapshot(snapshot) {
        snapshot.open = false;
        native.lastClosedSnapshot = snapshot;
    },
    flush: (handle, id) => finish(handle.port, id, () => undefined),
    close: (handle, id) => finish(handle.port, id, () => {
        handle.closed = true;
    }),
    closeSync(handle) {
        handle.closed = true;
    },
    stats: (handle) => JSON.stringify({ documents: open(handle).entries.size }),
};

const counted = Object.fromEntries(Object.entries(native).map(([name, call]) => [name, (...args) => {
    calls.set(name, (calls.get(name) ?? 0) + 1);
    return call(...args);
}]));

module.exports = { install };
