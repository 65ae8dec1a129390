'use strict';

// Where things lie in a journal, by docs/format.md.

const fs = require('node:fs');
const path = require('node:path');

const SEGMENT_HEADER_BYTES = 64;
const RECORD_HEADER_BYTES = 32;
const ALIGNMENT = 8;
const CHECKPOINT = 2;

/** The segments of the journal in `directory`, oldest first: name, path and content. */
function segmentsOf(directory) {
    const internal = path.join(directory, '.datastore');
    return fs.readdirSync(internal).filter((name) => name.startsWith('journal-')).sort().map((name) => {
        const file = path.join(internal, name);
        return { name, file, bytes: fs.readFileSync(file) };
    });
}

/** The records of a sound segment: `start`, `end` of the payload, `next` behind the zeros that fill it up. */
function recordsOf(bytes) {
    const records = [];
    let start = SEGMENT_HEADER_BYTES;
    while (start + RECORD_HEADER_BYTES <= bytes.length && bytes[start + 24] !== 0) {
        const end = start + RECORD_HEADER_BYTES + bytes.readUInt32LE(start);
        const next = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
        records.push({ start, end, next, isCheckpoint: bytes[start + 25] === CHECKPOINT });
        start = next;
    }
    return records;
}

/** How many bytes of a sound segment are not the zeros behind its records. */
function usedLength(bytes) {
    return recordsOf(bytes).at(-1)?.next ?? SEGMENT_HEADER_BYTES;
}

module.exports = { SEGMENT_HEADER_BYTES, segmentsOf, recordsOf, usedLength };
