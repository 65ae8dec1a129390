'use strict';

// The suites of the public interface run once for each storage; KIXX_TEST_STORAGE says for which.

const STORAGES = ['files', 'disk', 'memory'];

const STORAGE = process.env.KIXX_TEST_STORAGE ?? 'files';

if (!STORAGES.includes(STORAGE)) {
    throw new Error(`KIXX_TEST_STORAGE must be one of ${ STORAGES.join(', ') }, got ${ STORAGE }`);
}

/** The options of a store in the storage under test. What is the default is not said. */
const storageOptions = STORAGE === 'files' ? {} : { storage: STORAGE };

/** The names of what lies in a directory with documents of these keys once it is closed, in order. */
function namesLeft(keys = []) {
    return STORAGE === 'disk' ? ['data.redb'] : keys.map((key) => `${ encodeURIComponent(key) }.json`).sort();
}

module.exports = { STORAGE, storageOptions, namesLeft };
