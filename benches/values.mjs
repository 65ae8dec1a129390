// The values of key-value stores: 100 bytes of ASCII that follow from key, seed and number of changes.

import { randomNumbers } from './documents.mjs';

const LENGTH = 100;
const DIGITS = 8;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz ';
const FIRST_DIGIT = '0'.charCodeAt(0);

/** The value of the key with this number after so many changes. */
export function valueOf(seed, number, changes = 0) {
    const random = randomNumbers(seed + number);
    let text = `${ digits(number) } ${ digits(changes) } `;
    while (text.length < LENGTH) {
        text += LETTERS[Math.floor(random() * LETTERS.length)];
    }
    return inOnePiece(text);
}

/** Throws when a string is not the value of the key with this number. Cheap, because it is timed. */
export function checkText(text, number, changes = 0) {
    if (text?.length !== LENGTH || !hasDigits((at) => text.charCodeAt(at), number, changes)) {
        throw new Error(`wrong answer: value ${ number } with ${ changes } changes is ${ text }`);
    }
}

/** The same for a `Uint8Array`. */
export function checkBytes(bytes, number, changes = 0) {
    if (bytes?.length !== LENGTH || !hasDigits((at) => bytes[at], number, changes)) {
        throw new Error(`wrong answer: value ${ number } with ${ changes } changes is ${ bytes }`);
    }
}

/** What V8 still has to put together is not the work of a store. */
export function inOnePiece(text) {
    return Buffer.from(text, 'latin1').toString('latin1');
}

function hasDigits(codeAt, number, changes) {
    return numberAt(codeAt, 0) === number && numberAt(codeAt, DIGITS + 1) === changes;
}

function numberAt(codeAt, start) {
    let number = 0;
    for (let at = start; at < start + DIGITS; at += 1) {
        number = number * 10 + codeAt(at) - FIRST_DIGIT;
    }
    return number;
}

function digits(number) {
    return String(number).padStart(DIGITS, '0');
}
