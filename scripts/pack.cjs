'use strict';

// Makes the tarballs of a release: the main package, and one with the addon for each platform.
//
//   node scripts/pack.cjs [--out tarballs] main | <tuple> | all ...
//
// The addons lie where scripts/build-addon.cjs puts them. Only the packed package.json has the platform
// packages as optional dependencies: in the repository npm ci has to work before they are published.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { npm } = require('./npm.cjs');
const { root, TARGETS, packageName, addonPath } = require('./platform.cjs');
const source = require('../package.json');

const TUPLES = Object.keys(TARGETS);
const LIBC = { gnu: 'glibc', musl: 'musl' };

/** What only development needs. `private` keeps package.json itself from being published. */
const DEVELOPMENT = ['private', 'scripts', 'devDependencies'];

function mainManifest() {
    const manifest = { ...source, ...repository() };
    for (const name of DEVELOPMENT) {
        delete manifest[name];
    }
    manifest.optionalDependencies = Object.fromEntries(
        TUPLES.map((tuple) => [packageName(tuple), source.version])
    );
    return manifest;
}

function platformManifest(tuple) {
    const [system, processor, abi] = tuple.split('-');
    const addon = path.basename(addonPath(tuple));
    return {
        name: packageName(tuple),
        version: source.version,
        description: `The addon of ${ source.name } for ${ tuple }`,
        license: source.license,
        ...repository(),
        engines: source.engines,
        os: [system],
        cpu: [processor],
        ...(LIBC[abi] ? { libc: [LIBC[abi]] } : {}),
        main: addon,
        files: [addon],
        preferUnplugged: true,
    };
}

/** Where the package comes from; a proof of provenance must name the same place. */
function repository() {
    const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env;
    if (source.repository || !name) {
        return source.repository ? { repository: source.repository } : {};
    }
    return { repository: { type: 'git', url: `git+${ server }/${ name }.git` } };
}

/**
 * @param {string} out the directory of the tarballs
 * @param {string[]} names `main` and tuples
 * @param {(tuple: string) => string} [addonOf] where the addons lie
 * @returns {string[]} the paths of the tarballs
 */
function pack(out, names, addonOf = addonPath) {
    const stage = fs.mkdtempSync(path.join(os.tmpdir(), 'kixx-datastore-pack-'));
    try {
        const manifests = names.map((name) => (
            name === 'main' ? stageMain(stage) : stagePlatform(stage, name, addonOf(name))
        ));
        fs.mkdirSync(out, { recursive: true });
        const folders = names.map((name) => `./${ name }`);
        npm(['pack', ...folders, '--pack-destination', path.resolve(out)], { cwd: stage });
        return manifests.map((manifest) => tarballPath(out, manifest.name));
    } finally {
        fs.rmSync(stage, { recursive: true, force: true });
    }
}

function stageMain(stage) {
    // A list up to npm 11, an object by name from npm 12.
    const packed = JSON.parse(npm(['pack', '--dry-run', '--json'], { cwd: root }));
    const [{ files }] = Object.values(packed);
    for (const file of files) {
        copy(path.join(root, file.path), path.join(stage, 'main', file.path));
    }
    return writeManifest(path.join(stage, 'main'), mainManifest());
}

function stagePlatform(stage, tuple, addon) {
    if (!fs.existsSync(addon)) {
        const build = `node scripts/build-addon.cjs --tuple ${ tuple }`;
        throw new Error(`There is no addon for ${ tuple }. Build it first: ${ build }`);
    }
    const directory = path.join(stage, tuple);
    copy(addon, path.join(directory, path.basename(addonPath(tuple))));
    copy(path.join(root, 'LICENSE'), path.join(directory, 'LICENSE'));
    fs.writeFileSync(path.join(directory, 'README.md'), platformReadme(tuple));
    return writeManifest(directory, platformManifest(tuple));
}

function platformReadme(tuple) {
    return `# ${ packageName(tuple) }

The compiled addon of ${ source.name } for ${ tuple }. Install ${ source.name }: npm then takes
the package that fits the platform.
`;
}

function writeManifest(directory, manifest) {
    fs.writeFileSync(path.join(directory, 'package.json'), `${ JSON.stringify(manifest, null, 4) }\n`);
    return manifest;
}

function copy(from, to) {
    fs.mkdirSync(path.dirname(to), { recursive: true });
    fs.copyFileSync(from, to);
}

/** Where `npm pack` puts the package. */
function tarballPath(out, name) {
    return path.join(out, `${ name.replace('@', '').replace('/', '-') }-${ source.version }.tgz`);
}

/** Every package of a release, in the order in which they may be published. */
function releasePackages() {
    return [...TUPLES.map(packageName), source.name];
}

function main() {
    const { values: { out }, positionals } = parseArgs({
        options: { out: { type: 'string', default: 'tarballs' } },
        allowPositionals: true,
    });
    const wanted = positionals.includes('all') ? ['main', ...TUPLES] : positionals;
    const unknown = wanted.filter((name) => name !== 'main' && !TUPLES.includes(name));
    if (wanted.length === 0 || unknown.length > 0) {
        throw new Error(`What to pack? Found ${ unknown.join(', ') || 'nothing' }, expected main, all or ${
            TUPLES.join(', ') }`);
    }
    for (const tarball of pack(out, wanted)) {
        console.log(`${ tarball }  ${ fs.statSync(tarball).size } bytes`);
    }
}

if (require.main === module) {
    try {
        main();
    } catch (error) {
        console.error(error.message);
        process.exitCode = 1;
    }
}

module.exports = { pack, mainManifest, platformManifest, releasePackages, tarballPath };
