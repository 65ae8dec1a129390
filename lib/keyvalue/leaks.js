'use strict';

const native = require('../native.cjs');
const { quote } = require('../describe.js');

/** Handles that were collected without being closed. */
const leaks = new FinalizationRegistry(({ handle, id, backend }) => {
    native.dropNamed(handle);
    const which = `A handle on the ${ backend } store ${ quote(id) }`;
    const message = `${ which } was collected without being closed: call close()`;
    process.emitWarning(message, { type: 'DatastoreWarning', code: 'KIXX_STORE_LEAKED' });
});

/** Closes the native handle of `store` when it is collected, and warns. */
function reportLeaks(store, held) {
    leaks.register(store, held, store);
}

/** The store was closed. */
function forgetLeaks(store) {
    leaks.unregister(store);
}

module.exports = { forgetLeaks, reportLeaks };
