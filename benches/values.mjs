// The values of key-value stores: 100 bytes of ASCII that follow from key, seed and number of changes. They
// begin with a mark that tells them apart, which costs next to nothing to check while time is taken.

import { randomNumbers } from './documents.mjs';

const LENGTH = 100;
const MARK_LENGTH = 6;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const FIRST_LETTER = LETTERS.charCodeAt(0);

/** The value of the key with this number after so many changes. */
export function valueOf(seed, number, changes = 0) {
    const random = randomNumbers(seed + number);
    let text = '';
    for (let rest = markOf(number, changes); text.length < MARK_LENGTH; rest = next(rest)) {
        text += LETTERS[rest % LETTERS.length];
    }
    while (text.length < LENGTH) {
        text += LETTERS[Math.floor(random() * LETTERS.length)];
    }
    return inOnePiece(text);
}

/** Throws when a string is not the value of the key with this number. */
export function checkText(text, number, changes = 0) {
    let rest = markOf(number, changes);
    for (let at = 0; at < MARK_LENGTH; at += 1, rest = next(rest)) {
        if (text?.charCodeAt(at) !== FIRST_LETTER + rest % LETTERS.length) {
            wrong(text, number, changes);
        }
    }
    if (text.length !== LENGTH) {
        wrong(text, number, changes);
    }
}

/** The same for a `Uint8Array`. */
export function checkBytes(bytes, number, changes = 0) {
    let rest = markOf(number, changes);
    for (let at = 0; at < MARK_LENGTH; at += 1, rest = next(rest)) {
        if (bytes?.[at] !== FIRST_LETTER + rest % LETTERS.length) {
            wrong(bytes, number, changes);
        }
    }
    if (bytes.length !== LENGTH) {
        wrong(bytes, number, changes);
    }
}

/** What V8 still has to put together is not the work of a store. */
export function inOnePiece(text) {
    return Buffer.from(text, 'latin1').toString('latin1');
}

function markOf(number, changes) {
    return (Math.imul(number + 1, 0x85EBCA6B) ^ Math.imul(changes, 0x9E3779B1)) >>> 4;
}

function next(rest) {
    return (rest / LETTERS.length) | 0;
}

function wrong(value, number, changes) {
    throw new Error(`wrong answer: value ${ number } with ${ changes } changes is ${ value }`);
}
