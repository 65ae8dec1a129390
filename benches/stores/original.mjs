// How the JavaScript Kixx Datastore loads: all files at once, each parsed, all kept.

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

export const settings = {
    read: 'the way of the JavaScript Kixx: readdir, then readFile and JSON.parse of all files at once; '
        + 'fails with EMFILE where there are more files than a process may open',
};

export const keepsAllInMemory = true;

export async function open(directory) {
    const names = (await readdir(directory)).filter((name) => name.endsWith('.json'));
    const documents = new Map();
    await Promise.all(names.map(async (name) => {
        const document = JSON.parse(await readFile(path.join(directory, name), 'utf8'));
        documents.set(decodeURIComponent(name.slice(0, -'.json'.length)), document);
    }));
    return {
        get: (key) => documents.get(key),
        close: () => documents.clear(),
    };
}
