'use strict';

const { testSnippets, testTypes } = require('./helpers/snippets.js');

testSnippets('README.md', { atLeast: 6 });
testTypes('README.md');
