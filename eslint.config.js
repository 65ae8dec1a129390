'use strict';

const js = require('@eslint/js');

const FUNCTION_LINES_MAX = 70;

// What Node has and a plain ECMAScript environment has not.
const nodeGlobals = Object.fromEntries([
    'AbortController', 'AbortSignal', 'Buffer', 'TextDecoder', 'TextEncoder', 'URL', 'clearImmediate',
    'clearInterval', 'clearTimeout', 'console', 'fetch', 'global', 'performance', 'process', 'queueMicrotask',
    'setImmediate', 'setInterval', 'setTimeout', 'structuredClone',
].map((name) => [name, 'readonly']));

const commonjsGlobals = Object.fromEntries(
    ['__dirname', '__filename', 'exports', 'module', 'require'].map((name) => [name, 'readonly']),
);

module.exports = [
    { ignores: ['target/', '**/node_modules/'] },
    js.configs.recommended,
    {
        languageOptions: { ecmaVersion: 2023, globals: nodeGlobals },
        linterOptions: { reportUnusedDisableDirectives: 'error' },
        rules: {
            'curly': 'error',
            'eqeqeq': 'error',
            'indent': ['error', 4, { SwitchCase: 1 }],
            'no-extend-native': 'error',
            'no-shadow': ['error', { allow: ['t'] }],
            'no-throw-literal': 'error',
            'no-unused-vars': ['error', { caughtErrors: 'none', ignoreRestSiblings: true }],
            'no-var': 'error',
            'prefer-const': 'error',
            'quotes': ['error', 'single', { avoidEscape: true }],
            'semi': 'error',
        },
    },
    {
        files: ['**/*.js', '**/*.cjs'],
        languageOptions: { sourceType: 'commonjs', globals: commonjsGlobals },
        rules: { 'strict': ['error', 'global'] },
    },
    {
        // The published code: small functions, documented, nothing printed.
        files: ['bin/*.cjs', 'cli/**/*.js', 'lib/**/*.js', 'index.cjs', 'index.mjs'],
        rules: {
            'max-lines-per-function': ['error', FUNCTION_LINES_MAX],
            'no-console': 'error',
        },
    },
];
