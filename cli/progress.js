'use strict';

const { Presets, SingleBar } = require('cli-progress');

/** What is done before is not worth a bar. */
const DELAY_MS = 1_000;

/**
 * A bar on stderr, from the first update after a second on, if that is a terminal.
 *
 * @param {string} title
 * @param {{ stream?: object, now?: () => number }} [options]
 */
function startProgress(title, { stream = process.stderr, now = performance.now.bind(performance) } = {}) {
    const began = now();
    let bar;
    return {
        /** How much is done, of how much. */
        update(done, total) {
            if (!stream.isTTY || now() - began < DELAY_MS || !(total > 0)) {
                return;
            }
            bar ??= newBar(title, total, stream);
            bar.setTotal(total);
            bar.update(Math.min(done, total));
        },
        /** Leaves nothing on the screen. */
        stop() {
            bar?.stop();
            bar = undefined;
        },
    };
}

function newBar(title, total, stream) {
    const format = `${ title } {bar} {percentage}% ETA {eta_formatted}`;
    const options = { format, stream, hideCursor: true, clearOnComplete: true, gracefulExit: false };
    const bar = new SingleBar(options, Presets.shades_classic);
    bar.start(total, 0);
    return bar;
}

/** Runs `work(progress)`; whatever comes of it, the bar goes. */
async function withProgress(title, work, options) {
    const progress = startProgress(title, options);
    try {
        return await work(progress);
    } finally {
        progress.stop();
    }
}

module.exports = { startProgress, withProgress };
