'use strict';

const errors = require('./errors.js');
const { convert } = require('./convert/index.js');
const { verifyBackup } = require('./backup/verify.js');
const { Datastore } = require('./datastore.js');
const { DatastoreEngine } = require('./engine.js');
const { Distributor } = require('./keyvalue/distributor.js');
const { KeyValueStore } = require('./keyvalue/store.js');
const { LockingQueue } = require('./locking-queue.js');
const { compact } = require('./maintenance.js');
const { prometheus } = require('./prometheus.js');
const { shadow } = require('./shadow.js');

module.exports = {
    Datastore,
    DatastoreEngine,
    Distributor,
    KeyValueStore,
    LockingQueue,
    compact,
    convert,
    prometheus,
    shadow,
    verifyBackup,
    DatastoreError: errors.DatastoreError,
    NotFoundError: errors.NotFoundError,
    ConflictError: errors.ConflictError,
    AssertionError: errors.AssertionError,
    ClosedError: errors.ClosedError,
    LockedError: errors.LockedError,
    CorruptError: errors.CorruptError,
    StorageError: errors.StorageError,
    TooOldError: errors.TooOldError,
};
