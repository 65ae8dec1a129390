'use strict';

// Finds and reads the package.json files below a directory.

const fs = require('node:fs/promises');
const path = require('node:path');

/** The paths of all package.json files below `directory`, in order. */
async function findManifests(directory) {
    const names = await fs.readdir(directory, { recursive: true });
    return names.filter((name) => path.basename(name) === 'package.json').sort()
        .map((name) => path.join(directory, name));
}

/**
 * Reads manifests into documents by key `package:<name>@<version>`.
 * @returns what was found: the documents, how many were copies of one already there, and what was skipped
 */
async function readManifests(files, report) {
    const documents = new Map();
    const skipped = [];
    let copies = 0;
    for (const [index, file] of files.entries()) {
        report(index, files.length);
        const { manifest, problem } = await readManifest(file);
        if (problem) {
            skipped.push({ file, problem });
            continue;
        }
        const key = `package:${ manifest.name }@${ manifest.version }`;
        copies += documents.has(key) ? 1 : 0;
        documents.set(key, manifest);
    }
    return { documents, copies, skipped };
}

async function readManifest(file) {
    let manifest;
    try {
        manifest = JSON.parse(await fs.readFile(file, 'utf8'));
    } catch (error) {
        return { problem: error instanceof SyntaxError ? 'not JSON' : error.code };
    }
    if (typeof manifest?.name !== 'string' || typeof manifest.version !== 'string') {
        return { problem: 'no name and version' };
    }
    // The revision belongs to the store.
    delete manifest._rev;
    return { manifest };
}

/** The licence as text, in its present form and in the two that came before. */
function licenceOf(manifest) {
    const licence = manifest.license ?? manifest.licenses;
    const names = [licence].flat().map((entry) => entry?.type ?? entry);
    return names.every((name) => typeof name === 'string') ? names.join(' OR ') : 'none';
}

module.exports = { findManifests, licenceOf, readManifests };
