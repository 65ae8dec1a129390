'use strict';

// The generated loader of the native part, with an error that says what to do.

try {
    module.exports = require('../native.cjs');
} catch (cause) {
    const error = new Error(
        `kixx-datastore has no native module for ${ process.platform }-${ process.arch }: ` +
        'run `npx kixx-datastore build` (needs Rust; in a checkout: `npm run build`)',
        { cause }
    );
    error.code = 'ERR_NATIVE_NOT_FOUND';
    throw error;
}
