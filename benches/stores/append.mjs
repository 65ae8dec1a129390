// Not a store: the least that a write costs. Appends the document, and calls fdatasync.

import fs from 'node:fs';
import path from 'node:path';

export const settings = {
    sync: 'the bare limit of writes: write + fdatasync of the same JSON, a thousand in one write',
    os: 'the bare limit of writes: write of the same JSON, a thousand in one write',
};

export async function open(directory, { durability = 'sync' } = {}) {
    const file = fs.openSync(path.join(directory, 'log'), 'a');
    const append = (text) => {
        const written = fs.writeSync(file, text);
        if (durability === 'sync') {
            fs.fdatasyncSync(file);
        }
        return written;
    };
    return {
        set: (key, document) => append(JSON.stringify(document)),
        setMany(pairs) {
            const written = append(pairs.map(([, document]) => JSON.stringify(document)).join('\n'));
            return pairs.map(() => written);
        },
        isStored: (answer) => answer > 0,
        close: () => fs.closeSync(file),
    };
}
