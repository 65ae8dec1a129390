'use strict';

/** Random numbers from a seed, which is printed: `KIXX_SEED=<n>` runs the same again. */
function random(seed = Number(process.env.KIXX_SEED ?? Date.now() % 2 ** 31)) {
    console.log(`seed ${ seed }`);
    let state = seed;
    function next(below) {
        // Mulberry32.
        state = (state + 0x6D2B79F5) | 0;
        let mixed = Math.imul(state ^ (state >>> 15), state | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
    }
    return { seed, next, pick: (list) => list[next(list.length)] };
}

module.exports = { random };
