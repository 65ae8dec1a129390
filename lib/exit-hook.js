'use strict';

// Stores of this environment that are open. Native destructors do not run at process.exit().
const open = new Set();

/** Calls `store.closeNow()` when the process or worker ends, unless it is collected or forgotten before. */
function closeAtExit(store) {
    if (open.size === 0) {
        process.on('exit', closeAll);
    }
    for (const reference of open) {
        if (reference.deref() === undefined) {
            open.delete(reference);
        }
    }
    const reference = new WeakRef(store);
    open.add(reference);
    return reference;
}

/** Takes what `closeAtExit` gave. */
function forgetAtExit(reference) {
    open.delete(reference);
    if (open.size === 0) {
        process.off('exit', closeAll);
    }
}

function closeAll() {
    for (const reference of open) {
        try {
            reference.deref()?.closeNow();
        } catch {
            // The process ends anyway, and what was acknowledged is safe.
        }
    }
}

module.exports = { closeAtExit, forgetAtExit };
