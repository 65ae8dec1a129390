import kixx from './index.cjs';

export const {
    Datastore,
    DatastoreEngine,
    LockingQueue,
    prometheus,
    shadow,
    DatastoreError,
    NotFoundError,
    ConflictError,
    AssertionError,
    ClosedError,
    LockedError,
    CorruptError,
    StorageError,
} = kixx;

export default kixx;
