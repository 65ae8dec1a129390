'use strict';

// Publishes the tarballs of a release, the main package last. What is published already is left alone, so it
// can be run again after a failure.
//
//   node scripts/publish.cjs [--out tarballs] [--tag v1.2.3] [--provenance] [--dry-run]
//
// --tag   the git tag of the release, which has to be that of the version

const fs = require('node:fs');
const { parseArgs } = require('node:util');
const { npm } = require('./npm.cjs');
const { root } = require('./platform.cjs');
const { releasePackages, tarballPath } = require('./pack.cjs');
const { version } = require('../package.json');

function main() {
    const { values } = parseArgs({
        options: {
            out: { type: 'string', default: 'tarballs' },
            tag: { type: 'string', default: `v${ version }` },
            provenance: { type: 'boolean', default: false },
            'dry-run': { type: 'boolean', default: false },
        },
    });
    if (values.tag !== `v${ version }`) {
        throw new Error(`The tag ${ values.tag } does not fit version ${ version } of package.json`);
    }
    const tarballs = releasePackages().map((name) => [name, tarballPath(values.out, name)]);
    const missing = tarballs.filter(([, file]) => !fs.existsSync(file)).map(([, file]) => file);
    if (missing.length > 0) {
        throw new Error(`These tarballs are missing, nothing was published: ${ missing.join(', ') }`);
    }
    for (const [name, file] of tarballs) {
        if (isPublished(name)) {
            console.log(`${ name }@${ version } is published already`);
        } else {
            publish(file, values);
            console.log(`${ name }@${ version } published${ values['dry-run'] ? ' (dry run)' : '' }`);
        }
    }
}

function isPublished(name) {
    try {
        return npm(['view', `${ name }@${ version }`, 'version'], { cwd: root }).trim() === version;
    } catch (error) {
        if (error.message.includes('E404')) {
            return false;
        }
        throw error;
    }
}

function publish(file, { provenance, 'dry-run': dryRun }) {
    npm([
        'publish', file, '--access=public', `--tag=${ version.includes('-') ? 'next' : 'latest' }`,
        ...(provenance ? ['--provenance'] : []),
        ...(dryRun ? ['--dry-run'] : []),
    ], { cwd: root, env: withToken(process.env) });
}

// What actions/setup-node would write into a file that names the registry.
function withToken(environment) {
    const token = environment.NODE_AUTH_TOKEN;
    if (!token) {
        return environment;
    }
    const registry = npm(['config', 'get', 'registry'], { cwd: root }).trim();
    return { ...environment, [`npm_config_${ registry.replace(/^https?:/, '') }:_authToken`]: token };
}

try {
    main();
} catch (error) {
    console.error(error.message);
    process.exitCode = 1;
}
