// Not a store: the least that a read costs in JavaScript. A Map, and a copy of a parsed document by a
// function that was written for its shape (hot), or JSON.parse (cold).

import { documentsOf, keyOf } from '../documents.mjs';

export const settings = {
    read: 'the bare limit of reads: a Map, and hot a hand-written copy, with the cache off JSON.parse',
};

/** It keeps nothing on disk: it makes its documents when it is opened. */
export const keepsAllInMemory = true;

export async function open(directory, { cache = 0, shape, seed, documents }) {
    const { make, copy } = documentsOf(shape, seed);
    const values = new Map();
    const sorted = [];
    for (let number = 0; number < documents; number += 1) {
        const document = make(number);
        values.set(keyOf(number), cache > 0 ? document : JSON.stringify(document));
        sorted.push(keyOf(number));
    }
    const get = cache > 0 ? (key) => copy(values.get(key)) : (key) => JSON.parse(values.get(key));
    return {
        get,
        page: (offset, limit) => sorted.slice(offset, offset + limit).map(get),
        close: () => values.clear(),
    };
}
