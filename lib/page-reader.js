'use strict';

// A page crosses the border as numbers in a buffer, which cost next to nothing, and a JSON array of
// everything else. The order of the values is that of src/node/pages.rs and src/node/views.rs.

/** Longer pages cross as text from there on. */
const MAX_NUMBERS = 4_096;

/** Where native code leaves the numbers of the page that it answers, until the next one. */
const pageNumbers = new Float64Array(MAX_NUMBERS);

/** For a page that came from a thread, which had no buffer. */
const NO_NUMBERS = new Float64Array(0);

/** What JSON cannot say means that there is no value. */
const NOTHING = Infinity;

/**
 * Reads the values of a page in their order. It begins with the window: `total`, `next`, where the next page
 * begins or null, and `length`, the number of rows.
 */
class PageReader {
    #numbers;
    #list;
    // Where the next number and the next element of the list are.
    #at = 0;
    #from = 0;

    /** Of what native code answered just now, and left in `numbers`. */
    constructor(text, numbers = pageNumbers) {
        this.#numbers = numbers;
        this.#list = JSON.parse(text);
        this.total = this.value();
        this.next = this.value() ?? null;
        this.length = this.value();
    }

    /** Any value, or undefined where there is none. */
    value() {
        const number = this.#at < this.#numbers.length ? this.#numbers[this.#at++] : NaN;
        const value = Number.isNaN(number) ? this.#list[this.#from++] : number;
        return value === NOTHING ? undefined : value;
    }

    /** As many values as there are rows. */
    values() {
        const values = new Array(this.length);
        for (let i = 0; i < values.length; i += 1) {
            values[i] = this.value();
        }
        return values;
    }

    /** As many keys or documents as there are rows. */
    column() {
        const from = this.#from;
        this.#from = from + this.length;
        return this.#list.slice(from, this.#from);
    }
}

module.exports = { NO_NUMBERS, PageReader, pageNumbers };
