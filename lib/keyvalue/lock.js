'use strict';

const { randomUUID } = require('node:crypto');
const native = require('../native.cjs');
const { ConflictError, LockedError } = require('../errors.js');
const { quote } = require('../describe.js');
const { openPort } = require('../port.js');
const { backOff } = require('./back-off.js');

/**
 * Runs `work({ token, signal })` while nobody else has the lock `key`.
 *
 * @param {object} store
 * @param {object} handle its native handle
 * @param {string} key
 * @param {{ ttl: number, timeout: number, random: () => number }} options milliseconds
 * @param {(lock: { token: number, signal: AbortSignal }) => unknown} work
 */
async function withLock(store, handle, key, { ttl, timeout, random }, work) {
    const owner = randomUUID();
    const token = await acquire(handle, key, owner, { ttl, timeout, random });
    const lost = new AbortController();
    const stop = keep(store, key, owner, ttl, lost);
    const release = async () => {
        await stop();
        if (!await store.compareAndSwap(key, owner, undefined)) {
            lost.abort(lostLock(key));
        }
    };
    let result;
    try {
        result = await work({ token, signal: lost.signal });
    } catch (error) {
        // The first error is the one to tell.
        await release().catch(() => undefined);
        throw error;
    }
    await release();
    lost.signal.throwIfAborted();
    return result;
}

/** Waits for the lock. Resolves with how often it was taken by now. */
async function acquire(handle, key, owner, { ttl, timeout, random }) {
    const end = performance.now() + timeout;
    for (let attempt = 1; ; attempt += 1) {
        const before = await openPort().ask((id) => native.takeLock(handle, id, key, owner, ttl));
        if (before >= 0) {
            return before + 1;
        }
        if (performance.now() >= end) {
            const message = `The lock ${ quote(key) } was held for ${ timeout } ms by somebody else`;
            throw new LockedError(message, { key });
        }
        await backOff(attempt, random);
    }
}

/** Renews the lock until the function that it answers with is called. */
function keep(store, key, owner, ttl, lost) {
    let renewing = Promise.resolve();
    const renew = async () => {
        try {
            if (!await store.compareAndSwap(key, owner, owner, { expiresIn: ttl })) {
                lost.abort(lostLock(key));
            }
        } catch (error) {
            lost.abort(error);
        }
    };
    const timer = setInterval(() => {
        renewing = renewing.then(renew);
    }, Math.max(1, Math.floor(ttl / 3)));
    return () => {
        clearInterval(timer);
        return renewing;
    };
}

function lostLock(key) {
    const message = `The lock ${ quote(key) } was lost: not renewed in time, or removed by somebody else`;
    return new ConflictError(message, { key });
}

module.exports = { withLock };
