import session from 'express-session';
import { updateWithRetry } from './update.mjs';

const PREFIX = 'session:';
const MINUTE_MS = 60_000;
const SWEPT_AT_ONCE_MAX = 1000;

/**
 * Keeps the sessions of `express-session` in a Datastore, each as the document `session:<id>`. A session that
 * was destroyed leaves a tombstone, so that a request which began before cannot bring it back.
 */
export class KixxSessionStore extends session.Store {
    #datastore;
    #ttl;
    #now;
    #timer;
    #sweeping;

    /**
     * @param {object} options
     * @param {import('kixx-datastore').Datastore} options.datastore which may hold other documents, too
     * @param {number} [options.ttl] milliseconds to keep tombstones, and sessions whose cookie has no end
     * @param {number} [options.sweepInterval] milliseconds from one removal of old sessions to the next
     * @param {() => number} [options.now] the time, in milliseconds since 1970
     */
    constructor({ datastore, ttl = 24 * 60 * MINUTE_MS, sweepInterval = 10 * MINUTE_MS, now = Date.now }) {
        super();
        this.#datastore = datastore;
        this.#ttl = ttl;
        this.#now = now;
        this.#setViews();
        this.#timer = setInterval(() => {
            this.#sweeping = this.sweep().catch(warn);
        }, sweepInterval).unref();
    }

    /** Calls back with null where there is no session. */
    get(id, callback) {
        settle(this.#get(id), callback);
    }

    set(id, data, callback) {
        const expires = this.#endOf(data);
        // A copy: a Session is no plain object, and its request goes on changing it.
        const document = { type: 'session', session: { ...data }, expires };
        settle(this.#update(id, (current) => (isDestroyed(current) ? null : document)), callback);
    }

    /** Puts off the end of a session that is there. */
    touch(id, { cookie }, callback) {
        const expires = this.#endOf({ cookie });
        settle(this.#update(id, (current) => (
            this.#isLive(current) ? { ...current, session: { ...current.session, cookie }, expires } : null
        )), callback);
    }

    destroy(id, callback) {
        settle(this.#destroy(id), callback);
    }

    /** Calls back with an array of sessions, each with its `id`. */
    all(callback) {
        settle(this.#all(), callback);
    }

    length(callback) {
        settle(this.#queryLive({ limit: 1 }).then(({ total }) => total), callback);
    }

    /** Destroys all sessions. */
    clear(callback) {
        settle(this.#clear(), callback);
    }

    /** Removes what has come to its end. Happens by itself, too. */
    async sweep() {
        for (;;) {
            const ended = { endKey: this.#now(), limit: SWEPT_AT_ONCE_MAX };
            const { items } = await this.#datastore.queryView('sessions', ended);
            if (items.length === 0) {
                return;
            }
            await Promise.all(items.map(({ documentKey, value: rev }) => this.#remove(documentKey, rev)));
        }
    }

    /** Ends the sweeping. The datastore stays open. */
    async close() {
        clearInterval(this.#timer);
        await this.#sweeping;
    }

    /** Two views by the time of the end: of all documents, and of the sessions that are no tombstones. */
    #setViews() {
        this.#datastore.setView('sessions', {
            map(document, emit) {
                if (document.type === 'session') {
                    emit(document.expires, document._rev);
                }
            },
        });
        this.#datastore.setView('liveSessions', {
            map(document, emit) {
                if (document.type === 'session' && !isDestroyed(document)) {
                    emit(document.expires);
                }
            },
        });
    }

    async #get(id) {
        const [document] = await this.#datastore.getItems([PREFIX + id]);
        return this.#isLive(document) ? document.session : null;
    }

    async #destroy(id) {
        const tombstone = { type: 'session', session: null, expires: this.#now() + this.#ttl };
        await this.#update(id, (current) => (current === null || isDestroyed(current) ? null : tombstone));
    }

    async #all() {
        const { items } = await this.#queryLive({ limit: Infinity, includeDocuments: true });
        return items.map(({ documentKey, document }) => ({ ...document.session, id: idOf(documentKey) }));
    }

    async #clear() {
        const { items } = await this.#queryLive({ limit: Infinity });
        await Promise.all(items.map(({ documentKey }) => this.#destroy(idOf(documentKey))));
    }

    /** Unless the session was prolonged meanwhile. */
    async #remove(key, rev) {
        try {
            await this.#datastore.deleteItem(key, { rev });
        } catch (error) {
            if (error.code !== 'CONFLICT') {
                throw error;
            }
        }
    }

    #queryLive(options) {
        return this.#datastore.queryView('liveSessions', { startKey: this.#now() + 1, ...options });
    }

    #update(id, change) {
        return updateWithRetry(this.#datastore, PREFIX + id, change);
    }

    #endOf({ cookie }) {
        return cookie.expires ? new Date(cookie.expires).getTime() : this.#now() + this.#ttl;
    }

    #isLive(document) {
        return document !== null && !isDestroyed(document) && document.expires > this.#now();
    }
}

function isDestroyed(document) {
    return document?.session === null;
}

function idOf(key) {
    return key.slice(PREFIX.length);
}

/** What a callback throws is its own failure, and not that of the promise. */
function settle(promise, callback = warn) {
    promise.then(
        (result) => process.nextTick(callback, null, result),
        (error) => process.nextTick(callback, error)
    );
}

function warn(error) {
    if (error) {
        process.emitWarning(error);
    }
}
