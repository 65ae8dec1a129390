'use strict';

const { setImmediate: breathe } = require('node:timers/promises');
const native = require('../native.cjs');
const { assertWanted } = require('../backup/abort.js');
const { call } = require('../views.js');

/** What is copied in one commit, and compared at once. */
const CHUNK_BYTES = 2 ** 20;

/**
 * Copies the documents of `source` into `target`, with their texts and revisions as they are. What an earlier
 * copy brought there stays.
 *
 * @param {import('../store.js').Store} source
 * @param {import('../store.js').Store} target
 * @param {{ signal?: AbortSignal, onDocuments: (done: number) => void }} options
 * @returns {Promise<boolean>} false if `target` holds something that is no beginning of a copy
 */
async function copyDocuments(source, target, { signal, onDocuments }) {
    const lines = new Lines(source);
    try {
        const copied = new Lines(target);
        let bytes;
        try {
            bytes = await firstDifference(lines, copied, { signal, onDocuments });
        } finally {
            copied.close();
        }
        for (; bytes?.length > 0; bytes = lines.next()) {
            assertWanted(signal);
            await target.importLines(bytes);
            onDocuments(lines.documents);
        }
        return bytes !== undefined;
    } finally {
        lines.close();
    }
}

/** Whether two stores have the same documents, with the same texts and revisions. */
async function haveSameDocuments(source, target, { signal, onDocuments }) {
    const [lines, others] = [new Lines(source), new Lines(target)];
    try {
        const rest = await firstDifference(lines, others, { signal, onDocuments });
        return rest?.length === 0;
    } finally {
        lines.close();
        others.close();
    }
}

/** What `lines` has behind all that `beginning` has; undefined if the beginning is another one. */
async function firstDifference(lines, beginning, { signal, onDocuments }) {
    for (;;) {
        assertWanted(signal);
        const [bytes, others] = [lines.next(), beginning.next()];
        if (others.length === 0) {
            return bytes;
        }
        if (!bytes.equals(others)) {
            return undefined;
        }
        onDocuments(lines.documents);
        await breathe();
    }
}

/** The documents of a store at one moment, in the order of their keys, as the lines of a backup. */
class Lines {
    #source;

    constructor(store) {
        this.#source = store.openExport();
    }

    /** Whole lines; what they are depends on the documents only. Empty at the end. */
    next() {
        return call(native.exportLines, this.#source, CHUNK_BYTES);
    }

    /** How many documents there were so far. */
    get documents() {
        return native.exportCounts(this.#source)[0];
    }

    close() {
        native.closeExport(this.#source);
    }
}

module.exports = { copyDocuments, haveSameDocuments };
