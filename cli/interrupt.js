'use strict';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** A signal that asked us to stop. */
class InterruptedError extends Error {
    name = 'InterruptedError';
    code = 'INTERRUPTED';
    /** The signal, to end by once everything is in order. */
    signal;

    constructor(signal) {
        super(`Interrupted by ${ signal }`);
        this.signal = signal;
    }
}

/**
 * Runs `work(abortSignal)`. The first signal aborts it, with an InterruptedError as the reason, and it should
 * leave things in order; a second one ends the process at once, which loses nothing that was acknowledged.
 */
async function interruptible(work) {
    const controller = new AbortController();
    const abort = (signal) => {
        release();
        controller.abort(new InterruptedError(signal));
    };
    const release = () => SIGNALS.forEach((signal) => process.off(signal, abort));
    SIGNALS.forEach((signal) => process.on(signal, abort));
    try {
        return await work(controller.signal);
    } finally {
        release();
    }
}

module.exports = { InterruptedError, interruptible };
