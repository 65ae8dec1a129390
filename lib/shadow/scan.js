'use strict';

const { answered, isSame, outcomeOf } = require('./outcome.js');

/** How many moments of the new store are tried for one scan. */
const CANDIDATES_MAX = 4;

/** How many items may wait for the new store. */
const ITEMS_MAX = 10_000;

const END = { text: '{"done":true}' };

/**
 * Compares a scan of the old store, item by item as the application takes them, with scans of the new store
 * which begin at the moments that may be the same.
 */
class ScanComparison {
    #report;
    #args;
    #open;
    #onOver;
    #candidates = [];
    #items = [];
    #begun = false;
    #isClear = true;
    #over = false;
    #working;

    constructor(report, args, open, onOver) {
        this.#report = report;
        this.#args = args;
        this.#open = open;
        this.#onOver = onOver;
    }

    /** How the mirror makes it. */
    get call() {
        return {
            method: 'scan', args: this.#args, keys: null,
            repeat: () => this.begin(),
            finish: (isClear) => this.finish(isClear),
            leaveOut: () => this.giveUp(),
        };
    }

    /** Begins a scan of the new store as it is now. */
    async begin() {
        if (this.#over) {
            return;
        }
        if (this.#candidates.length === CANDIDATES_MAX) {
            this.giveUp();
            return;
        }
        const iterator = this.#open()[Symbol.asyncIterator]();
        const candidate = { iterator, first: outcomeOf(() => iterator.next()) };
        this.#candidates.push(candidate);
        await candidate.first;
    }

    /** All scans have begun that could be the same; unless that is clear, a difference says nothing. */
    finish(isClear) {
        this.#begun = true;
        this.#isClear = isClear;
        this.#work();
    }

    /** The old store gave an item. */
    item(value) {
        this.#take(answered({ done: false, value }));
    }

    /** The old store has no more items. */
    end() {
        this.#take(END);
    }

    /** The old store failed. */
    fail(error) {
        this.#take({ error });
    }

    /** The application wants no more items. */
    leave() {
        this.#take(undefined);
    }

    /** Ends without a result. */
    giveUp() {
        this.#conclude(() => this.#report.unchecked('scan'));
    }

    /** Resolves once everything that came so far is compared. */
    async settled() {
        await this.#working;
    }

    #take(outcome) {
        if (this.#over) {
            return;
        }
        if (this.#items.length === ITEMS_MAX) {
            this.giveUp();
            return;
        }
        this.#items.push(outcome);
        this.#work();
    }

    #work() {
        if (this.#begun && this.#working === undefined) {
            this.#working = this.#compareItems().finally(() => {
                this.#working = undefined;
            });
        }
    }

    async #compareItems() {
        while (this.#items.length > 0 && !this.#over) {
            const items = this.#items.splice(0);
            for (const item of items) {
                await this.#compare(item);
            }
        }
    }

    async #compare(old) {
        if (this.#over) {
            return;
        }
        if (old === undefined) {
            this.#conclude(() => this.#report.same('scan'));
            return;
        }
        let other;
        const same = [];
        for (const candidate of this.#candidates) {
            other = await next(candidate);
            if (isSame(old, other)) {
                same.push(candidate);
            } else {
                letGo(candidate);
            }
        }
        this.#candidates = same;
        if (same.length === 0 && !this.#isClear) {
            this.giveUp();
        } else if (same.length === 0) {
            this.#conclude(() => this.#report.different({ method: 'scan', args: this.#args, old, other }));
        } else if (old === END || Object.hasOwn(old, 'error')) {
            this.#conclude(() => this.#report.same('scan'));
        }
    }

    #conclude(tell) {
        if (!this.#over) {
            this.#over = true;
            this.#items.length = 0;
            this.#candidates.forEach(letGo);
            tell();
            this.#onOver();
        }
    }
}

function next(candidate) {
    const { first, iterator } = candidate;
    candidate.first = undefined;
    return first ?? outcomeOf(() => iterator.next());
}

/** Lets the snapshot go. */
function letGo({ iterator }) {
    Promise.resolve(iterator.return?.()).catch(() => undefined);
}

module.exports = { ScanComparison };
