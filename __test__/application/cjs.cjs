'use strict';

const { strict: assert } = require('node:assert');
const kixx = require('kixx-datastore');

async function main() {
    const { default: check } = await import('./check.mjs');
    assert.equal((await import('kixx-datastore')).Datastore, kixx.Datastore);
    await check(kixx);
}

main();
