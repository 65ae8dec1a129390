'use strict';

/** The order of the types: null, false, true, numbers, strings, arrays, objects. */
function rank(value) {
    if (value === null) {
        return 0;
    }
    if (typeof value === 'boolean') {
        return value ? 2 : 1;
    }
    if (typeof value === 'number') {
        return 3;
    }
    if (typeof value === 'string') {
        return 4;
    }
    return Array.isArray(value) ? 5 : 6;
}

function compareScalars(a, b) {
    if (a < b) {
        return -1;
    }
    return a > b ? 1 : 0;
}

/** Element by element; what is a beginning of the other comes first. */
function compareLists(as, bs, compare) {
    for (let i = 0; i < Math.min(as.length, bs.length); i += 1) {
        const order = compare(as[i], bs[i]);
        if (order !== 0) {
            return order;
        }
    }
    return as.length - bs.length;
}

/** The reference for the order of view keys: CouchDB's, with strings by UTF-16 code unit. */
function collate(a, b) {
    const type = rank(a);
    if (type !== rank(b)) {
        return type - rank(b);
    }
    if (type === 5) {
        return compareLists(a, b, collate);
    }
    if (type === 6) {
        return compareLists(Object.entries(a), Object.entries(b), compareMembers);
    }
    return type === 3 || type === 4 ? compareScalars(a, b) : 0;
}

function compareMembers([nameA, valueA], [nameB, valueB]) {
    return compareScalars(nameA, nameB) || collate(valueA, valueB);
}

module.exports = { collate };
