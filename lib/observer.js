'use strict';

const { channel, tracingChannel } = require('node:diagnostics_channel');
const { ConflictError, errorFromText } = require('./errors.js');

// What others may listen to, by node:diagnostics_channel. Where nobody does it costs a look at the channels.

const tracing = tracingChannel('kixx-datastore:call');
const committed = channel('kixx-datastore:commit');
const conflicted = channel('kixx-datastore:conflict');
const slow = channel('kixx-datastore:slow-call');
const checkpointed = channel('kixx-datastore:checkpoint');

const DEFAULT_SLOW_CALL_MS = 100;

const watched = [
    committed, conflicted, slow,
    tracing.start, tracing.end, tracing.asyncStart, tracing.asyncEnd, tracing.error,
];

/**
 * Tells those who listen what is called on one store. The messages are declared in types/observability.d.ts.
 */
class Observer {
    /** Conflicts that were found before native code was asked. */
    conflicts = 0;
    directory;
    #slowCallThreshold;

    constructor({ directory, slowCallThreshold = DEFAULT_SLOW_CALL_MS } = {}) {
        this.directory = directory;
        this.#slowCallThreshold = slowCallThreshold;
    }

    /** Runs `work`, which writes the documents at `keys`. */
    write(operation, keys, work) {
        return isWatched() ? this.#watch({ operation, keys }, work) : work();
    }

    /** Runs `work`, which may concern a view. */
    call(operation, work, view) {
        if (!isWatched()) {
            return work();
        }
        return this.#watch(view === undefined ? { operation } : { operation, view }, work);
    }

    async #watch(details, work) {
        const call = { directory: this.directory, ...details };
        const started = performance.now();
        try {
            // It writes result and error into what it gets.
            const result = await tracing.tracePromise(async () => work(), { ...call });
            this.#publish({ ...call, duration: performance.now() - started });
            return result;
        } catch (error) {
            this.#publish({ ...call, duration: performance.now() - started, error });
            throw error;
        }
    }

    #publish(call) {
        const { keys, error, duration } = call;
        if (keys !== undefined && error === undefined) {
            committed.publish(call);
        }
        if (error instanceof ConflictError) {
            conflicted.publish({ ...call, key: error.key });
        }
        if (duration >= this.#slowCallThreshold) {
            slow.publish({ ...call, threshold: this.#slowCallThreshold });
        }
    }
}

function isWatched() {
    for (let i = 0; i < watched.length; i += 1) {
        if (watched[i].hasSubscribers) {
            return true;
        }
    }
    return false;
}

/** Takes the messages of native code about the checkpoints of a directory. */
function checkpointListener(directory) {
    return (text) => {
        const { documents, milliseconds, warn, error: errorText } = JSON.parse(text);
        const checkpoint = { directory, documents, duration: milliseconds };
        if (errorText !== null) {
            checkpoint.error = errorFromText(errorText);
        }
        if (warn) {
            const message = `The files of ${ directory } could not be brought up to date: `
                + `${ checkpoint.error.message }. It is tried again; the journal has everything`;
            process.emitWarning(message, { type: 'DatastoreWarning', code: 'KIXX_CHECKPOINT_FAILED' });
        }
        checkpointed.publish(checkpoint);
    };
}

module.exports = { DEFAULT_SLOW_CALL_MS, Observer, checkpointListener };
