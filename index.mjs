import kixx from './index.cjs';

export const {
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
    DatastoreError,
    NotFoundError,
    ConflictError,
    AssertionError,
    ClosedError,
    LockedError,
    CorruptError,
    StorageError,
    TooOldError,
} = kixx;

export default kixx;
