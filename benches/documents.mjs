// The documents of the bench. Values differ per document, and a document follows from its number and the
// seed alone, so that no process has to keep all of them to know what a store has to answer.

const CITIES = ['Amsterdam', 'Barcelona', 'Copenhagen', 'Dortmund', 'Edinburgh', 'Florence', 'Gothenburg'];
const TAGS = ['admin', 'beta', 'customer', 'editor', 'guest', 'partner', 'reader', 'trial'];
const WORDS = [
    'apple', 'bridge', 'candle', 'dragon', 'engine', 'forest', 'garden', 'harbour', 'island', 'jacket',
];

const ITEMS = 28;
const SCORES = 130;
const TEXT_WORDS = 120;

/** What a shape is called in reports, how a document is made, and the copy that nobody makes faster. */
const SHAPES = {
    small: { title: '60 bytes', make: makeSmall, copy: (document) => ({ ...document }) },
    medium: { title: '262 bytes', make: makeMedium, copy: copyMedium },
    large: { title: '4 KB', make: makeLarge, copy: copyLarge },
};

export const SHAPE_NAMES = Object.keys(SHAPES);

export function shapeTitle(name) {
    return SHAPES[name].title;
}

/**
 * The documents of one shape and seed.
 *
 * `check` throws when a document is not the one with this number, `changes` writes after it was made.
 */
export function documentsOf(shape, seed) {
    const { make, copy } = SHAPES[shape];
    return {
        copy,
        make(number) {
            return make(number, visitsOf(seed, number), randomNumbers(mix(seed, number)));
        },
        check(document, number, changes = 0) {
            if (document?.number !== number || document.visits !== visitsOf(seed, number) + changes) {
                const found = JSON.stringify(document)?.slice(0, 200);
                throw new Error(`wrong answer: document ${ number } with ${ changes } changes is ${ found }`);
            }
        },
    };
}

export function keyOf(number) {
    return `user:${ String(number).padStart(8, '0') }`;
}

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

/** The numbers from 0 to `count`, shuffled. */
export function shuffled(count, random) {
    const numbers = Uint32Array.from({ length: count }, (_, index) => index);
    for (let last = count - 1; last > 0; last -= 1) {
        const other = Math.floor(random() * (last + 1));
        [numbers[last], numbers[other]] = [numbers[other], numbers[last]];
    }
    return numbers;
}

/** Cheap, because every answer is checked with it while it is timed. */
function visitsOf(seed, number) {
    return (mix(seed, number) >>> 8) % 10_000;
}

function mix(seed, number) {
    return Math.imul(seed, 0x9E3779B1) ^ Math.imul(number + 1, 0x85EBCA6B);
}

function makeSmall(number, visits, random) {
    const name = `User ${ Math.floor(random() * 1e6).toString(36) }`;
    return { number, visits, name, active: random() < 0.8 };
}

function makeMedium(number, visits, random) {
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
        visits,
    };
}

function makeLarge(number, visits, random) {
    const pick = (list) => list[Math.floor(random() * list.length)];
    return {
        ...makeMedium(number, visits, random),
        text: Array.from({ length: TEXT_WORDS }, () => pick(WORDS)).join(' '),
        scores: Array.from({ length: SCORES }, () => Math.floor(random() * 1e4)),
        items: Array.from({ length: ITEMS }, (_, position) => ({
            position,
            title: `${ pick(WORDS) } ${ pick(WORDS) }`,
            price: Math.round(random() * 1e5) / 100,
            tags: [pick(TAGS), pick(TAGS)],
        })),
    };
}

function copyMedium(document) {
    return { ...document, address: { ...document.address }, tags: [...document.tags] };
}

function copyLarge(document) {
    const items = document.items.map((item) => ({ ...item, tags: [...item.tags] }));
    return { ...copyMedium(document), scores: [...document.scores], items };
}
