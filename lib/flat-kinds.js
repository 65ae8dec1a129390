'use strict';

/** What a value of the flat form is; src/json/flat says what the number beside it means. */
module.exports = { STRING: 0, NUMBER: 1, OBJECT: 2, ARRAY: 3, TRUE: 4, FALSE: 5, NULL: 6, TEXT: 7 };
