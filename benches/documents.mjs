// The documents of the bench: 10 fields, a nested object, an array of three, about 262 bytes of JSON.
// Values differ per document, and everything follows from the seed.

const CITIES = ['Amsterdam', 'Barcelona', 'Copenhagen', 'Dortmund', 'Edinburgh', 'Florence', 'Gothenburg'];
const TAGS = ['admin', 'beta', 'customer', 'editor', 'guest', 'partner', 'reader', 'trial'];

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomNumbers(seed) {
    let state = seed;
    return () => {
        state = (state + 0x6D2B79F5) | 0;
        let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
        mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    };
}

export function keyOf(number) {
    return `user:${ String(number).padStart(8, '0') }`;
}

export function makeDocument(number, random) {
    const pick = (list) => list[Math.floor(random() * list.length)];
    const name = `User ${ number.toString(36) } ${ Math.floor(random() * 1e6).toString(36) }`;
    return {
        id: number.toString(36),
        number,
        name,
        email: `${ name.replaceAll(' ', '.').toLowerCase() }@a.org`,
        active: random() < 0.8,
        balance: Math.round(random() * 1e6) / 100,
        createdAt: new Date(1.6e12 + Math.floor(random() * 1e11)).toISOString(),
        address: { city: pick(CITIES), street: pick(CITIES), zip: Math.floor(random() * 1e5) },
        tags: [pick(TAGS), pick(TAGS), pick(TAGS)],
        visits: Math.floor(random() * 1e4),
    };
}

/** The numbers from 0 to `count`, shuffled. */
export function shuffled(count, random) {
    const numbers = Array.from({ length: count }, (_, index) => index);
    for (let last = count - 1; last > 0; last -= 1) {
        const other = Math.floor(random() * (last + 1));
        [numbers[last], numbers[other]] = [numbers[other], numbers[last]];
    }
    return numbers;
}
