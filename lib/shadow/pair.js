'use strict';

const { AssertionError } = require('../errors.js');
const { answered, copyOf, isSameText } = require('./outcome.js');
const { Update } = require('./turns.js');

/**
 * Makes calls of an old store or engine, whose answers are the answers, and has them repeated in a new one.
 * `keys` are those of the documents that a call is about, or null for all.
 */
class Pair {
    #mirror;
    #turns;
    #old;
    #other;
    #prefix;

    constructor(mirror, turns, { old, other, prefix = '' }) {
        this.#mirror = mirror;
        this.#turns = turns;
        this.#old = old;
        this.#other = other;
        this.#prefix = prefix;
    }

    /** A read that may answer with a promise. */
    async read(method, args, keys) {
        const call = this.#call(method, args, keys);
        const read = this.#mirror.beginRead(call);
        try {
            const answer = await this.#old[method](...args);
            this.#mirror.endRead(read, answered(answer));
            return answer;
        } catch (error) {
            this.#mirror.endRead(read, { error });
            throw error;
        }
    }

    /** A read that answers at once, unless an engine of another kind does not. */
    now(method, args, keys) {
        const read = this.#mirror.beginRead(this.#call(method, args, keys));
        return this.#finish(method, args, (outcome) => this.#mirror.endRead(read, outcome));
    }

    /** A call that answers at once and concerns everything that follows, such as one that sets a view. */
    change(method, args) {
        const write = this.#mirror.beginWrite(this.#call(method, args, null));
        return this.#finish(method, args, (outcome) => this.#mirror.endWrite(write, outcome));
    }

    /** A write. */
    async write(method, args, keys) {
        const call = this.#call(method, args, keys);
        return await this.#turns.take(keys ?? [], async (hasWaited) => {
            const write = this.#mirror.beginWrite(call);
            try {
                // Who had to wait does so with the arguments as they were.
                const answer = await this.#old[method](...(hasWaited ? copyOf(call.args) : args));
                this.#mirror.endWrite(write, answered(answer));
                return answer;
            } catch (error) {
                this.#mirror.endWrite(write, { error });
                throw error;
            }
        });
    }

    /** An update: its function runs for the old store only, and the new one gets what it returned. */
    async update([key, change, ...rest], keys) {
        const call = this.#call('updateItem', [key, change, ...rest], keys);
        const options = call.args.slice(2);
        return await this.#turns.take(keys, async () => {
            const update = new Update(keys);
            const run = new UpdateRun(change, update);
            const repeat = () => run.repeat((again) => this.#other.updateItem(key, again, ...options));
            const write = this.#mirror.beginWrite({ ...call, repeat });
            try {
                const answer = await this.#old.updateItem(key, run.change, ...options);
                this.#mirror.endWrite(write, answered(answer));
                return answer;
            } catch (error) {
                if (run.hasThrown || update.isContended) {
                    this.#mirror.dropWrite(write);
                } else {
                    this.#mirror.endWrite(write, { error });
                }
                throw error;
            } finally {
                update.isActive = false;
            }
        });
    }

    #call(method, args, keys) {
        this.#turns.assertOpen();
        callOf(this.#old, method, 'old');
        const copies = copyOf(args);
        const repeat = () => callOf(this.#other, method, 'new')(...copyOf(copies));
        return { method: this.#prefix + method, args: copies, keys, repeat };
    }

    #finish(method, args, end) {
        try {
            const answer = this.#old[method](...args);
            if (typeof answer?.then === 'function') {
                answer.then((value) => end(answered(value)), (error) => end({ error }));
            } else {
                end(answered(answer));
            }
            return answer;
        } catch (error) {
            end({ error });
            throw error;
        }
    }
}

/** One update in the old store, and what it takes to make the same in the new one. */
class UpdateRun {
    /** Whether the function failed, rather than a store. */
    hasThrown = false;
    #update;
    #given;
    #result;

    constructor(change, update) {
        this.#update = update;
        this.#result = change;
        this.change = change;
        if (typeof change === 'function') {
            this.change = (document) => this.#run(change, document);
        }
    }

    /** Calls `updateItem` of the new store with the result that there was. */
    async repeat(updateItem) {
        if (this.change === this.#result) {
            return await updateItem(this.#result);
        }
        let given;
        const answer = await updateItem((document) => {
            given = JSON.stringify(document);
            return copyOf(this.#result);
        });
        if (!this.#update.isContended && !isSameText(this.#given, given)) {
            throw new AssertionError(`The update function would have got another document: ${ given }`);
        }
        return answer;
    }

    #run(change, document) {
        this.#given = JSON.stringify(document);
        this.hasThrown = true;
        const result = this.#update.run(change, document);
        return typeof result?.then === 'function'
            ? Promise.resolve(result).then((value) => this.#keep(value))
            : this.#keep(result);
    }

    #keep(result) {
        this.hasThrown = false;
        this.#result = copyOf(result);
        return result;
    }
}

/** A method of a store; an AssertionError where it has none. */
function callOf(store, method, which) {
    if (typeof store?.[method] !== 'function') {
        throw new AssertionError(`The ${ which } store has no method ${ method }()`);
    }
    return (...args) => store[method](...args);
}

module.exports = { Pair, callOf };
