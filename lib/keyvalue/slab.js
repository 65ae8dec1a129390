'use strict';

const { markAsUntransferable } = require('node:worker_threads');

const SLAB_BYTES = 8192;

/** Places begin at multiples of it, so that an answer can be read as numbers of any size. */
const ALIGNMENT = 8;

/** V8 makes up to 64 bytes without a buffer, which is as fast as a view of a slab and keeps nothing else. */
const MIN_IN_SLAB = 65;

/** Longer bytes get a buffer of their own; all do where slabs cannot be protected. */
const MAX_IN_SLAB = protect(new ArrayBuffer(0)) ? 1024 : 0;

let slab = new ArrayBuffer(0);
let used = 0;

/**
 * A new Uint8Array with the first `length` bytes of `source`. Making a buffer takes ten times as long as
 * copying a hundred bytes, so short ones share a slab, each with a place of its own.
 *
 * @param {Uint8Array} source at the beginning of its buffer
 * @param {number} length
 */
function copyOf(source, length) {
    if (length < MIN_IN_SLAB || length > MAX_IN_SLAB) {
        return source.slice(0, length);
    }
    // A slab that was detached has no room either.
    if (used + length > slab.byteLength) {
        slab = new ArrayBuffer(SLAB_BYTES);
        protect(slab);
        used = 0;
    }
    const copy = new Uint8Array(slab, used, length);
    // Faster than with `subarray` or a loop.
    copy.set(new Uint8Array(source.buffer, 0, length));
    used += Math.ceil(length / ALIGNMENT) * ALIGNMENT;
    return copy;
}

/**
 * Makes sure that who transfers the buffer of an answer does not take other answers along. False where that
 * cannot be done, such as in older versions of Bun and Deno.
 */
function protect(buffer) {
    try {
        markAsUntransferable(buffer);
        return true;
    } catch {
        return false;
    }
}

module.exports = { copyOf };
