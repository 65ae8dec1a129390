'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { PageReader } = require('../../lib/page-reader.js');

/** Writes what native code would, into a buffer of `size` numbers: [text, numbers]. */
function pageOf(columns, size) {
    const numbers = [];
    const list = [];
    for (const { value, listed } of columns) {
        const hasRoom = !listed && numbers.length < size;
        const isNumber = typeof value === 'number' || value === undefined;
        if (hasRoom) {
            numbers.push(isNumber ? value ?? Infinity : NaN);
        }
        if (!hasRoom || !isNumber) {
            list.push(value === undefined ? '1e999' : JSON.stringify(value));
        }
    }
    return [`[${ list.join(',') }]`, Float64Array.from(numbers)];
}

test('a page reads the same, however much of it the buffer has room for', () => {
    const keys = ['a', '\ud83d\ude00', 'a'];
    const sequences = [0, 7, 2 ** 40];
    const rows = [0, undefined, null, { a: [1] }, 'text', -1.5e-7];
    const free = (values) => values.map((value) => ({ value, listed: false }));
    const listed = (values) => values.map((value) => ({ value, listed: true }));
    for (const next of [undefined, 13]) {
        const columns = [...free([20, next, 3]), ...listed(keys), ...free([...sequences, ...rows])];
        for (let size = 0; size <= columns.length; size += 1) {
            const page = new PageReader(...pageOf(columns, size));
            assert.deepEqual([page.total, page.next, page.length], [20, next ?? null, 3]);
            assert.deepEqual(page.column(), keys);
            assert.deepEqual(page.values(), sequences);
            assert.deepEqual(rows.map(() => page.value()), rows);
        }
    }
});
