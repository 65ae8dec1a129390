'use strict';

/** What a value of the flat form is; src/json/flat says what the number beside it means. */
const KINDS = { STRING: 0, NUMBER: 1, OBJECT: 2, ARRAY: 3, TRUE: 4, FALSE: 5, NULL: 6, TEXT: 7 };

/** What a value adds to the text of a document on average: its name, punctuation, digits. */
const VALUE_SIZE = 10;

/** About the length of the text of a document with so many values, and strings of this length. */
function sizeOf(values, stringsLength) {
    return stringsLength + VALUE_SIZE * values;
}

module.exports = { ...KINDS, sizeOf };
