import { HttpError } from './http.mjs';

const PAGE_ITEMS_MAX = 100;

const text = (charactersMax) => ({
    expected: `a text of 1 to ${ charactersMax } characters`,
    accepts: (value) => typeof value === 'string' && value.length >= 1 && value.length <= charactersMax,
});
const tag = text(50);
const author = { expected: 'the id of a user', accepts: isUserId };
const revision = { expected: 'a revision: 0, 1, 2 ...', accepts: (value) => isWhole(value) && value >= 0 };

/** What the fields of a body may be. */
export const USER = {
    name: text(100),
    email: { expected: 'an e-mail address', accepts: (value) => /^[^@\s]{1,64}@[^@\s]{1,190}$/.test(value) },
    status: { expected: 'active or idle', accepts: (value) => ['active', 'idle'].includes(value) },
    _rev: revision,
};
export const POST = {
    title: text(200),
    body: text(50_000),
    author,
    tags: {
        expected: 'at most 20 tags, each a text of 1 to 50 characters',
        accepts: (value) => Array.isArray(value) && value.length <= 20 && value.every(tag.accepts),
    },
    published: { expected: 'true or false', accepts: (value) => typeof value === 'boolean' },
    _rev: revision,
};
export const COMMENT = { author, text: text(2000) };

export function isUserId(value) {
    return typeof value === 'string' && /^user:[\w-]{1,100}$/.test(value);
}

function isWhole(value) {
    return Number.isSafeInteger(value);
}

/** The body itself, once each of its fields is known and right, and all in `required` are there. */
export function checkFields(body, kind, required = []) {
    for (const name of required.filter((field) => !Object.hasOwn(body, field))) {
        throw new HttpError(400, `${ name } is missing: ${ kind[name].expected }`);
    }
    for (const [name, value] of Object.entries(body)) {
        if (!Object.hasOwn(kind, name)) {
            throw new HttpError(400, `${ name } is no field, but ${ Object.keys(kind).join(', ') } are`);
        }
        if (!kind[name].accepts(value)) {
            throw new HttpError(400, `${ name } must be ${ kind[name].expected }`);
        }
    }
    return body;
}

/** The `limit` and the `offset` of a page. */
export function checkPage(query) {
    const limit = Number(query.get('limit') ?? 10);
    const offset = Number(query.get('offset') ?? 0);
    if (!isWhole(limit) || limit < 1 || limit > PAGE_ITEMS_MAX) {
        throw new HttpError(400, `limit must be a number from 1 to ${ PAGE_ITEMS_MAX }`);
    }
    if (!isWhole(offset) || offset < 0) {
        throw new HttpError(400, 'offset must be the number of items to leave out');
    }
    return [limit, offset];
}
