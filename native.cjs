'use strict';

// Loads the native addon: the one built here, or else the one of the platform's own package. Internal.

const fs = require('node:fs');
const { addonPath, platformTuple } = require('./scripts/platform.cjs');

const local = addonPath();

module.exports = require(fs.existsSync(local) ? local : `kixx-datastore-${ platformTuple() }`);
