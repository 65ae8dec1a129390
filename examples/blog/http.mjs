const BODY_BYTES_MAX = 64 * 1024;

/** What the errors of the datastore mean to a client. */
const STATUS_OF_CODE = { ASSERTION: 400, NOT_FOUND: 404, CONFLICT: 409, CLOSED: 503, LOCKED: 503 };

/** An error that a client gets to see. */
export class HttpError extends Error {
    constructor(status, code, message, headers = {}) {
        super(message);
        Object.assign(this, { status, code, headers });
    }
}

export function badInput(message) {
    return new HttpError(400, 'BAD_INPUT', message);
}

/**
 * What to answer to a request: `{ status, headers, body }`. A route is `{ pattern, methods }` with an action
 * for each method. It gets what the pattern captured, the query as URLSearchParams and the body.
 */
export async function answerTo(request, routes) {
    try {
        return await act(request, routes);
    } catch (error) {
        return answerToError(error);
    }
}

export function send(response, { status = 200, headers, body }) {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body === undefined ? undefined : `${ JSON.stringify(body) }\n`);
}

async function act(request, routes) {
    const { pathname, searchParams: query } = parseUrl(request.url);
    const route = routes.find(({ pattern }) => pattern.test(pathname));
    if (!route) {
        throw new HttpError(404, 'NOT_FOUND', `There is nothing at ${ pathname }`);
    }
    const action = route.methods[request.method];
    if (!action) {
        const allow = Object.keys(route.methods).join(', ');
        const message = `${ pathname } has no ${ request.method }, but ${ allow }`;
        throw new HttpError(405, 'METHOD_NOT_ALLOWED', message, { allow });
    }
    const [, ...captured] = route.pattern.exec(pathname);
    const hasBody = ['POST', 'PUT', 'PATCH'].includes(request.method);
    return action({ captured, query, body: hasBody ? parseObject(await readBody(request)) : undefined });
}

function parseUrl(url) {
    try {
        return new URL(url, 'http://localhost');
    } catch {
        throw badInput(`${ url } is no path`);
    }
}

/** Reads to the end even what is too large, without keeping it: many clients listen only then. */
function readBody(request) {
    return new Promise((resolve, reject) => {
        const chunks = [];
        let bytes = 0;
        request.on('data', (chunk) => {
            bytes += chunk.length;
            if (bytes <= BODY_BYTES_MAX) {
                chunks.push(chunk);
            }
        });
        request.on('end', () => {
            if (bytes <= BODY_BYTES_MAX) {
                resolve(Buffer.concat(chunks));
            } else {
                reject(new HttpError(413, 'TOO_LARGE', `A body has at most ${ BODY_BYTES_MAX } bytes`));
            }
        });
        request.on('error', () => reject(badInput('The body ended too early')));
    });
}

function parseObject(bytes) {
    let value;
    try {
        value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch (error) {
        throw badInput(`The body is no JSON: ${ error.message }`);
    }
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
        throw badInput('The body must be a JSON object');
    }
    return value;
}

/** What nobody expected is logged, and is not shown. */
function answerToError(error) {
    const status = error instanceof HttpError ? error.status : STATUS_OF_CODE[error.code];
    if (status === undefined) {
        console.error(error);
        return { status: 500, body: { error: { code: 'INTERNAL', message: 'Something went wrong' } } };
    }
    return { status, headers: error.headers, body: { error: { code: error.code, message: error.message } } };
}
