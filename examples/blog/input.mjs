import { badInput } from './http.mjs';

const PAGE_ITEMS_MAX = 100;

const text = (charactersMax) => ({
    expected: `a text of 1 to ${ charactersMax } characters`,
    accepts: (value) => typeof value === 'string' && value.length >= 1 && value.length <= charactersMax,
});
const oneOf = (...values) => ({
    expected: values.join(' or '),
    accepts: (value) => values.includes(value),
});
const matching = (pattern, expected) => ({
    expected,
    accepts: (value) => typeof value === 'string' && pattern.test(value),
});
const listOf = (field, itemsMax) => ({
    expected: `a list of at most ${ itemsMax }, each ${ field.expected }`,
    accepts: (value) => Array.isArray(value) && value.length <= itemsMax && value.every(field.accepts),
});
const optional = (field) => ({ ...field, isOptional: true });
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
const author = matching(/^user:[\w-]{1,100}$/, 'the id of a user');
const revision = optional({ expected: 'a revision: 0, 1, 2 ...', accepts: isCount });

/** The fields of each kind of body. */
export const USER = {
    name: text(100),
    email: matching(/^[^@\s]{1,64}@[^@\s]{1,190}$/, 'an e-mail address'),
    status: optional(oneOf('active', 'idle')),
};
export const POST = {
    title: text(200),
    body: text(50_000),
    author,
    tags: optional(listOf(text(50), 20)),
    published: optional(oneOf(true, false)),
};
export const COMMENT = { author, text: text(2000) };

/** The body, once all its fields are right and none is missing. */
export function checkNew(body, kind) {
    for (const [name, { expected, isOptional }] of Object.entries(kind)) {
        if (!isOptional && !Object.hasOwn(body, name)) {
            throw badInput(`${ name } is missing: ${ expected }`);
        }
    }
    return checkFields(body, kind);
}

/** The body, once all its fields are right. It may say which revision it is for. */
export function checkUpdates(body, kind) {
    return checkFields(body, { ...kind, _rev: revision });
}

function checkFields(body, kind) {
    for (const [name, value] of Object.entries(body)) {
        if (!Object.hasOwn(kind, name)) {
            throw badInput(`There is no field ${ name }, but ${ Object.keys(kind).join(', ') }`);
        }
        if (!kind[name].accepts(value)) {
            throw badInput(`${ name } must be ${ kind[name].expected }`);
        }
    }
    return body;
}

/** The `limit` and the `offset` of a page. */
export function checkPage(query) {
    const limit = Number(query.get('limit') ?? 10);
    const offset = Number(query.get('offset') ?? 0);
    if (!isCount(limit) || limit < 1 || limit > PAGE_ITEMS_MAX) {
        throw badInput(`limit must be a number from 1 to ${ PAGE_ITEMS_MAX }`);
    }
    if (!isCount(offset)) {
        throw badInput('offset must be a number from 0');
    }
    return [limit, offset];
}
