'use strict';

const native = require('../native.cjs');
const { abortable } = require('./abort.js');
const { verifyRequest } = require('./options.js');
const { readBackup } = require('./read.js');

/**
 * Reads a backup to its end and checks everything. Resolves with what it holds; rejects with a CorruptError
 * that says what is damaged, and where.
 *
 * @param {string} path
 * @param {import('../../index.d.ts').VerifyOptions} [options]
 * @returns {Promise<import('../../index.d.ts').BackupContents>}
 */
async function verifyBackup(path, options) {
    const { file, signal, onProgress } = verifyRequest(path, options);
    return await abortable(signal, () => readBackup(file, native.openCheck(), {
        signal,
        onBytes: (done, total) => onProgress({ phase: 'verify', done, total }),
    }));
}

module.exports = { verifyBackup };
