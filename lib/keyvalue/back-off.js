'use strict';

const { setTimeout: delay } = require('node:timers/promises');

const MAX_DELAY_MS = 64;

/** Waits before the next attempt: longer after more of them, and never as long as others. */
async function backOff(attempt, random) {
    await delay(random() * Math.min(2 ** attempt, MAX_DELAY_MS));
}

module.exports = { backOff };
