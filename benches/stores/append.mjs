// Not a store: the least that a durable write costs. Appends the document and calls fdatasync.

import fs from 'node:fs';
import path from 'node:path';

export const settings = 'write + fdatasync of the same bytes, nothing else';

export async function open(directory) {
    const file = fs.openSync(path.join(directory, 'log'), 'a');
    return {
        set(key, document) {
            fs.writeSync(file, JSON.stringify(document));
            fs.fdatasyncSync(file);
        },
        close: () => fs.closeSync(file),
    };
}
