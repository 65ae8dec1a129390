'use strict';

/** What Node's own functions reject with when their signal says so. */
class AbortError extends Error {
    constructor(cause) {
        super('The operation was aborted', { cause });
        this.name = 'AbortError';
        this.code = 'ABORT_ERR';
    }
}

/** Throws if the signal says that nobody wants it any more. */
function assertWanted(signal) {
    if (signal?.aborted) {
        throw new AbortError(signal.reason);
    }
}

/** Does `work`. However it fails once the signal was given, that is why. */
async function abortable(signal, work) {
    assertWanted(signal);
    try {
        return await work();
    } catch (error) {
        assertWanted(signal);
        throw error;
    }
}

module.exports = { abortable, assertWanted };
