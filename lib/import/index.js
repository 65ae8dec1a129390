'use strict';

const { importJsonLines } = require('./json-lines.js');
const { importKixxSqlite } = require('./kixx-sqlite.js');
const { importLevel } = require('./level.js');
const { importLoki } = require('./loki.js');
const { importLowdb } = require('./lowdb.js');
const { importNedb } = require('./nedb.js');

module.exports = { importJsonLines, importKixxSqlite, importLevel, importLoki, importLowdb, importNedb };
