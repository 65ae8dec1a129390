'use strict';

const { createRequire } = require('node:module');
const path = require('node:path');
const { AssertionError } = require('../errors.js');

/**
 * A package that only some need, so it is not installed with this one. It is looked for beside this package
 * and in the application.
 *
 * @param {string} name
 * @param {string} what why it is needed
 * @param {string} [wanted] what to install, where not any version will do
 */
function peer(name, what, wanted = name) {
    const inApplication = createRequire(path.join(process.cwd(), 'package.json'));
    for (const load of [require, inApplication]) {
        try {
            return load(name);
        } catch (error) {
            if (error.code !== 'MODULE_NOT_FOUND' || !error.message.includes(`'${ name }'`)) {
                throw error;
            }
        }
    }
    throw new AssertionError(`The package ${ name } is needed ${ what }: npm install ${ wanted }`);
}

/** A module of Node, or undefined where this version has none. */
function builtin(name) {
    try {
        return require(name);
    } catch (error) {
        if (error.code === 'ERR_UNKNOWN_BUILTIN_MODULE' || error.code === 'MODULE_NOT_FOUND') {
            return undefined;
        }
        throw error;
    }
}

module.exports = { builtin, peer };
