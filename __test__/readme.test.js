'use strict';

const { testSnippets } = require('./helpers/snippets.js');

testSnippets('README.md', { atLeast: 6 });
