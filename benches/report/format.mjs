// Numbers as people read them.

export function count(value) {
    return Math.round(value).toLocaleString('en-US');
}

/** About three digits; an error as it is; nothing where nothing was measured. */
export function figureText(value) {
    if (value === undefined || typeof value === 'string') {
        return value ?? '';
    }
    if (value >= 100) {
        return count(value);
    }
    return value.toFixed(value >= 10 ? 1 : 2);
}

export function timesText(value) {
    return `${ figureText(value) }x`;
}
