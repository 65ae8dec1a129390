// How long things take. Everything runs as often as fits into the time that a figure may take, so a slow
// store costs no more time than a fast one.

/**
 * Microseconds for each operation of `run(input)`, over as many passes as fit. What `prepare()` does for a
 * pass, such as making keys that no store has seen as strings yet, is not timed.
 *
 * @param {{ milliseconds: number, operations: number, prepare?: () => unknown,
 *     run: (input: unknown) => unknown }} plan `operations` of one pass
 */
export async function timePasses({ milliseconds, operations, prepare = () => undefined, run }) {
    let elapsed = 0;
    let passes = 0;
    do {
        const input = prepare();
        const started = performance.now();
        await run(input);
        elapsed += performance.now() - started;
        passes += 1;
    } while (elapsed < milliseconds);
    return elapsed * 1000 / (passes * operations);
}

/** Microseconds for each call of `perform(number)`, after a warm-up of a quarter of the time. */
export async function timeCalls(milliseconds, perform) {
    await callFor(milliseconds / 4, perform);
    const { calls, elapsed } = await callFor(milliseconds, perform);
    return elapsed * 1000 / calls;
}

/** Calls until the time is over; the clock is read about every millisecond. */
async function callFor(milliseconds, perform) {
    const started = performance.now();
    let calls = 0;
    let between = 1;
    let elapsed = 0;
    do {
        const before = elapsed;
        for (const end = calls + between; calls < end; calls += 1) {
            const answer = perform(calls);
            if (answer instanceof Promise) {
                await answer;
            }
        }
        elapsed = performance.now() - started;
        between = elapsed - before < 1 ? between * 2 : between;
    } while (elapsed < milliseconds);
    return { calls, elapsed };
}

/** Microseconds of each call of an awaited `perform(number)`: mean, and 99 of 100. */
export async function timeEach(milliseconds, perform) {
    const times = [];
    const started = performance.now();
    let last = started;
    do {
        await perform(times.length);
        const now = performance.now();
        times.push((now - last) * 1000);
        last = now;
    } while (last - started < milliseconds);
    const mean = (last - started) * 1000 / times.length;
    times.sort((a, b) => a - b);
    return { mean, p99: times[Math.floor((times.length - 1) * 0.99)] };
}

/** Milliseconds that `work` took. */
export async function timeOnce(work) {
    const started = performance.now();
    await work();
    return performance.now() - started;
}

export function median(values) {
    const sorted = [...values].sort((a, b) => a - b);
    const middle = sorted.length / 2;
    return sorted.length % 2 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}
