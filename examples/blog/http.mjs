import { STATUS_CODES } from 'node:http';

const BODY_BYTES_MAX = 64 * 1024;

/** What the errors of the datastore mean to a client. */
const STATUS_OF_CODE = { ASSERTION: 400, NOT_FOUND: 404, CONFLICT: 409, CLOSED: 503, LOCKED: 503 };

/** An error that a client gets to see. */
export class HttpError extends Error {
    constructor(status, message, headers = {}) {
        super(message);
        this.status = status;
        this.headers = headers;
        this.code = STATUS_CODES[status].toUpperCase().replaceAll(' ', '_');
    }
}

/**
 * A request listener for a table of routes: `{ pattern, methods: { GET: action, ... } }`. An action gets what
 * the pattern captured, the query as URLSearchParams, and the body as an object; it answers with
 * `{ status, body, headers }`.
 */
export function listenerFor(routes) {
    return async function listener(request, response) {
        try {
            send(response, await answer(routes, request));
        } catch (error) {
            send(response, answerToError(error));
        }
    };
}

async function answer(routes, request) {
    const { pathname, searchParams: query } = parseUrl(request.url);
    const route = routes.find(({ pattern }) => pattern.test(pathname));
    if (!route) {
        throw new HttpError(404, `There is nothing at ${ pathname }`);
    }
    const { [request.method]: action, ...others } = route.methods;
    if (!action) {
        const allow = Object.keys(others).join(', ');
        throw new HttpError(405, `${ pathname } has no ${ request.method }, but ${ allow }`, { allow });
    }
    const [, ...captured] = route.pattern.exec(pathname);
    const hasBody = ['POST', 'PUT', 'PATCH'].includes(request.method);
    return action({ captured, query, body: hasBody ? parseObject(await readBody(request)) : undefined });
}

function parseUrl(url) {
    try {
        return new URL(url, 'http://localhost');
    } catch {
        throw new HttpError(400, `${ url } is no path`);
    }
}

/** Reads to the end even what is too large, without keeping it: only then a client sees the answer. */
function readBody(request) {
    return new Promise((resolve, reject) => {
        const chunks = [];
        let bytes = 0;
        request.on('data', (chunk) => {
            bytes += chunk.length;
            if (bytes > BODY_BYTES_MAX) {
                reject(new HttpError(413, `A body has at most ${ BODY_BYTES_MAX } bytes`));
            } else {
                chunks.push(chunk);
            }
        });
        request.on('end', () => resolve(Buffer.concat(chunks)));
        request.on('error', () => reject(new HttpError(400, 'The body ended too early')));
    });
}

function parseObject(bytes) {
    let value;
    try {
        value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch (error) {
        throw new HttpError(400, `The body is no JSON: ${ error.message }`);
    }
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
        throw new HttpError(400, 'The body must be a JSON object');
    }
    return value;
}

/** What nobody expected is logged, and is not shown. */
function answerToError(error) {
    const status = error.status ?? STATUS_OF_CODE[error.code];
    if (status === undefined) {
        console.error(error);
        const message = 'Something went wrong';
        return { status: 500, body: { error: { code: 'INTERNAL_SERVER_ERROR', message } } };
    }
    return { status, headers: error.headers, body: { error: { code: error.code, message: error.message } } };
}

function send(response, { status = 200, headers, body }) {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body === undefined ? undefined : `${ JSON.stringify(body) }\n`);
}
