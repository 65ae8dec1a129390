'use strict';

const LATE = 'called emit after it had returned: that adds no row, maps are synchronous';

/**
 * Wraps the map function of a view so that native code can call it with a batch.
 *
 * @param {string} id of the view, for warnings
 * @param {{ map: (document: object, emit: (key: unknown, value?: unknown) => void) => unknown }} view
 * @returns {(text: string) => string} takes a JSON array of documents, answers JSON: per document its
 *     rows, or the message of the error that its map threw. Never throws.
 */
function batchMapper(id, view) {
    const { map } = view;
    const warn = warnOnce(id);

    function rowsOf(document) {
        const rows = [];
        let returned = false;
        const emit = (key, value) => {
            if (returned) {
                warn('KIXX_VIEW_LATE', LATE);
            } else {
                // As text at once: what was emitted may be changed afterwards.
                rows.push(JSON.stringify(value === undefined ? [key] : [key, value]));
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

    return function mapBatch(text) {
        try {
            return `[${ JSON.parse(text).map(rowsOf).join(',') }]`;
        } catch (error) {
            return JSON.stringify(messageOf(error));
        }
    };
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
