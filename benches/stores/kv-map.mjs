// Not a store: the least that reading keys and values costs in JavaScript. Maps, in the order of the keys.

import { keyOf } from '../documents.mjs';
import { inOnePiece, valueOf } from '../values.mjs';

export const settings = {
    'key-value memory': 'the bare limit of reads: a Map, and of bytes a copy in the pool of Buffer, which '
        + 'takes less time than slice()',
};

/** It has all values when it is opened, and takes no others. */
export function open(directory, { seed, documents }) {
    const strings = new Map();
    const bytes = new Map();
    for (let number = 0; number < documents; number += 1) {
        const [key, value] = [inOnePiece(keyOf(number)), valueOf(seed, number)];
        strings.set(key, value);
        bytes.set(key, Buffer.from(value));
    }
    return {
        get: (key) => strings.get(key),
        getBytes: (key) => Buffer.from(bytes.get(key)),
        scan: (callback) => strings.forEach((value, key) => callback(key, value)),
        close() {
            strings.clear();
            bytes.clear();
        },
    };
}
