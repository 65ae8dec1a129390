'use strict';

module.exports = require('./lib/import/index.js');
