import { promisify } from 'node:util';
import express from 'express';
import session from 'express-session';
import { Accounts } from './accounts.mjs';

const HOUR_MS = 60 * 60 * 1000;
const STATUS_OF_CODE = { CONFLICT: 409, CLOSED: 503, LOCKED: 503 };

/** The application: accounts, login, and a page that counts visits. */
export function createApp({ datastore, store, secret }) {
    const accounts = new Accounts(datastore);
    const app = express();
    app.use(express.json({ limit: '16kb' }));
    app.use(session({
        store,
        secret,
        resave: false,
        saveUninitialized: false,
        rolling: true,
        cookie: { maxAge: HOUR_MS, sameSite: 'lax', secure: 'auto' },
    }));

    app.post('/accounts', async (request, response) => {
        const { name, password } = checkCredentials(request.body);
        await accounts.create(name, password);
        response.status(201).json({ name });
    });

    app.post('/login', async (request, response) => {
        const { name, password } = checkCredentials(request.body);
        if (!await accounts.isPassword(name, password)) {
            response.status(401).json({ error: 'Wrong name or password' });
            return;
        }
        // A new id, which nobody can know from before.
        await promisify(request.session.regenerate).call(request.session);
        request.session.user = name;
        await promisify(request.session.save).call(request.session);
        response.json({ user: name });
    });

    app.get('/', async (request, response) => {
        const { user } = request.session;
        if (!user) {
            response.status(401).json({ error: 'Log in first: POST /login' });
            return;
        }
        response.json({ user, visits: await accounts.countVisit(user) });
    });

    app.post('/logout', async (request, response) => {
        await promisify(request.session.destroy).call(request.session);
        response.status(204).end();
    });

    app.use(answerError);
    return app;
}

function checkCredentials(body) {
    const { name, password } = body ?? {};
    const isName = typeof name === 'string' && /^\w{1,50}$/.test(name);
    const isPassword = typeof password === 'string' && password.length >= 8 && password.length <= 200;
    if (!isName || !isPassword) {
        const expected = 'a name of 1 to 50 letters and digits, a password of 8 to 200 characters';
        throw Object.assign(new Error(`The body must have ${ expected }`), { status: 400, expose: true });
    }
    return { name, password };
}

// Express knows it by its four parameters.
function answerError(error, request, response, next) {
    const status = error.status ?? STATUS_OF_CODE[error.code] ?? 500;
    if (status === 500) {
        console.error(error);
    }
    if (response.headersSent) {
        next(error);
        return;
    }
    response.status(status).json({ error: status === 500 ? 'Something went wrong' : error.message });
}
