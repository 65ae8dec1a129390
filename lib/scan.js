'use strict';

const native = require('./native.cjs');
const { ClosedError, errorFromThrown } = require('./errors.js');
const { Stretch } = require('./stretch.js');

const CHUNK = 256;

/**
 * Yields the items of a key range as they are when the first one is asked for, whatever is written later.
 *
 * @param {() => Promise<{ handle: object, query: import('./query-options.js').Query }>} begin
 */
async function* scan(begin) {
    const { handle, query: { start, end, descending, includeDocuments } } = await begin();
    const snapshot = openSnapshot(handle);
    try {
        let after = null;
        let limit = CHUNK;
        const stretch = new Stretch();
        for (;;) {
            const page = readPage(snapshot, [start, end, descending, after], limit, includeDocuments ? 1 : 0);
            limit = page.limit;
            for (let i = 0; i < page.keys.length; i += 1) {
                const key = page.keys[i];
                yield includeDocuments
                    ? { key, documentKey: key, document: page.documents[i] }
                    : { key, documentKey: key };
            }
            if (page.keys.length < limit) {
                return;
            }
            after = page.keys[limit - 1];
            if (stretch.isOver()) {
                await stretch.giveWay();
            }
        }
    } finally {
        native.closeSnapshot(snapshot);
    }
}

function openSnapshot(handle) {
    try {
        return native.openSnapshot(handle);
    } catch (error) {
        throw errorFromThrown(error);
    }
}

/** Large documents may not fit into one string together, so a failed page is tried with fewer of them. */
function readPage(snapshot, range, limit, documents) {
    for (;;) {
        try {
            return { limit, ...JSON.parse(native.snapshotPage(snapshot, ...range, limit, documents)) };
        } catch (thrown) {
            const error = errorFromThrown(thrown);
            if (limit === 1 || error instanceof ClosedError) {
                throw error;
            }
            limit >>= 1;
        }
    }
}

module.exports = { scan };
