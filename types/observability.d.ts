import type { ConflictError, DatastoreError, Key, Stats } from '../index.js';

/**
 * A call of a datastore, as the tracing channel `kixx-datastore:call` shows it. The channels
 * `tracing:kixx-datastore:call:start`, `end`, `asyncStart`, `asyncEnd` and `error` get the same object.
 * Reads by key (`getItem`, `getItems`, `hasItem`) and `scan` are not among the calls.
 */
export interface CallMessage {
    /** Of the datastore; `':memory:'` for one in memory, undefined for one with an injected `db`. */
    directory: string | undefined;
    /** The method; `'buildView'` is the part of `queryView` in which a thread maps many documents. */
    operation:
        | 'setItem' | 'insertItem' | 'updateItem' | 'deleteItem' | 'batch'
        | 'queryKeys' | 'queryView' | 'buildView' | 'load' | 'flush' | 'close';
    /** Of a write. */
    keys?: string[];
    /** Of a query of a view, or its building. */
    view?: string;
    /** What the call answered, once it is over. */
    result?: unknown;
    /** Why it failed, if so. */
    error?: unknown;
}

/** A call that is over. */
interface FinishedCall extends Omit<CallMessage, 'result'> {
    /** In milliseconds. */
    duration: number;
}

/** A write that was acknowledged: the channel `kixx-datastore:commit`. */
export interface CommitMessage extends Omit<FinishedCall, 'view' | 'error'> {
    /** Of the documents. */
    keys: string[];
}

/** A write that was refused: the channel `kixx-datastore:conflict`. */
export interface ConflictMessage extends Omit<FinishedCall, 'view'> {
    /** Of all documents of the write. */
    keys: string[];
    /** The document in whose place there was another one. */
    key: Key | undefined;
    /** What the call rejects with. */
    error: ConflictError;
}

/** A call that took `slowCallThreshold` or longer: the channel `kixx-datastore:slow-call`. */
export interface SlowCallMessage extends FinishedCall {
    /** In milliseconds. */
    threshold: number;
}

/** This process brought files up to date, or could not: the channel `kixx-datastore:checkpoint`. */
export interface CheckpointMessage {
    /** Of the datastore. */
    directory: string;
    /** How many documents had to be written to their files. */
    documents: number;
    /** In milliseconds. */
    duration: number;
    /** Why it failed, if so. It is tried again. */
    error?: DatastoreError;
}

/** What {@link prometheus} needs of a datastore. */
export interface HasStats {
    /** The figures. */
    stats(): Promise<Stats>;
}
