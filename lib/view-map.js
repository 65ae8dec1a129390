'use strict';

const { FlatDocuments } = require('./flat-documents.js');

const LATE = 'called emit after it had returned: that adds no row, maps are synchronous';

/**
 * Wraps the map function of a view so that it takes batches, as native code gives them.
 *
 * @param {string} id of the view, for warnings
 * @param {{ map: (document: object, emit: (key: unknown, value?: unknown) => void) => unknown }} view
 * @param {(structure: number) => string} names see native.setView
 * @returns {(batch: [Uint8Array, Float64Array, string]) => string} answers JSON: per document its rows, or
 *     the message of the error that its map threw. Never throws.
 */
function batchMapper(id, view, names) {
    const { map } = view;
    const warn = warnOnce(id);
    const documents = new FlatDocuments(names);

    function rowsOf(document) {
        const rows = [];
        let returned = false;
        const emit = (key, value) => {
            if (returned) {
                warn('KIXX_VIEW_LATE', LATE);
            } else {
                // As text at once: what was emitted may be changed afterwards.
                rows.push(value === undefined ? `[${ text(key) }]` : `[${ text(key) },${ text(value) }]`);
            }
        };
        try {
            const result = map.call(view, document, emit);
            if (typeof result?.then === 'function') {
                Promise.resolve(result).catch((error) => warn('KIXX_VIEW_FAILED', failure(error)));
            }
            return `[${ rows.join(',') }]`;
        } catch (error) {
            warn('KIXX_VIEW_FAILED', failure(error));
            return JSON.stringify(messageOf(error));
        } finally {
            returned = true;
        }
    }

    return function mapBatch(batch) {
        try {
            // All before the first is mapped: a map function may query this view.
            return `[${ documents.buildAll(batch).map(rowsOf).join(',') }]`;
        } catch (error) {
            return JSON.stringify(messageOf(error));
        }
    };
}

/** What JSON.stringify makes of it in an array. */
function text(value) {
    return Number.isFinite(value) ? String(value) : JSON.stringify([value]).slice(1, -1);
}

function failure(error) {
    return `threw for a document, which gets no rows: ${ messageOf(error) }. stats() lists the failures`;
}

function messageOf(error) {
    try {
        return String(error?.message ?? error);
    } catch {
        return 'an error without a message';
    }
}

/** One warning of each kind is enough, however many documents there are. */
function warnOnce(id) {
    const warned = new Set();
    return (code, what) => {
        if (!warned.has(code)) {
            warned.add(code);
            process.emitWarning(`The map function of view ${ JSON.stringify(id) } ${ what }`, {
                type: 'DatastoreWarning',
                code,
            });
        }
    };
}

module.exports = { batchMapper };
