'use strict';

// The session store of `examples/`, with the real Express, installed into an empty directory.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { once } = require('node:events');
const { pathToFileURL } = require('node:url');
const { test } = require('node:test');
const { ensureDependencies } = require('../scripts/prepare.cjs');
const { root } = require('../scripts/platform.cjs');
const { startServer, terminate } = require('./helpers/example.js');
const { runWell } = require('./helpers/run.js');
const { extract } = require('./helpers/snippets.js');
const {
    allDocuments, directoryOf, errorOf, kixx, makeStore, openStore, reopen,
} = require('./helpers/store.js');
const { cleanup, newDirectory, newPath } = require('./helpers/temp.js');

const example = path.join(root, 'examples', 'express-session');
const SECRET = { SESSION_SECRET: 'of the tests' };
const JANE = { name: 'jane', password: 'correct horse' };
const DAY_MS = 24 * 60 * 60 * 1000;

/** The example, installed as its README says. */
function install(t) {
    const directory = newDirectory(t);
    const isOurs = (file) => path.basename(file) !== 'node_modules';
    fs.cpSync(example, directory, { recursive: true, filter: isOurs });
    ensureDependencies(directory);
    fs.symlinkSync(root, path.join(directory, 'node_modules', 'kixx-datastore'), 'junction');
    return directory;
}

/** The methods of a session store, as promises. */
function promised(store) {
    const names = ['get', 'set', 'touch', 'destroy', 'all', 'length', 'clear'];
    return Object.fromEntries(names.map((name) => [name, (...args) => new Promise((resolve, reject) => {
        store[name](...args, (error, result) => (error ? reject(error) : resolve(result)));
    })]));
}

/** One who keeps cookies. */
class Browser {
    cookie = '';

    constructor(url) {
        this.url = url;
    }

    async call(method, pathname, body) {
        const headers = { 'cookie': this.cookie, 'content-type': 'application/json' };
        const sent = body && JSON.stringify(body);
        const response = await fetch(this.url + pathname, { method, headers, body: sent });
        const [cookie] = response.headers.getSetCookie();
        this.cookie = cookie?.split(';')[0] ?? this.cookie;
        const text = await response.text();
        return { status: response.status, ...(text && JSON.parse(text)) };
    }

    /** The same one, at another server. */
    at(url) {
        return Object.assign(new Browser(url), { cookie: this.cookie });
    }
}

test('the session store of examples/', async (t) => {
    const directory = install(t);
    const load = (name) => import(pathToFileURL(path.join(directory, name)));
    const { KixxSessionStore } = await load('session-store.mjs');
    const { createApp } = await load('app.mjs');

    /** A session store whose clock is `clock.now`. */
    async function openSessions(st, options = {}) {
        const clock = { now: 1_000_000 };
        const datastore = options.datastore ?? await openStore(st);
        const store = new KixxSessionStore({ now: () => clock.now, ...options, datastore });
        cleanup(st, () => store.close());
        return { store, datastore, clock, sessions: promised(store) };
    }

    const start = (st, data = newPath(st)) => (
        startServer(st, path.join(directory, 'server.mjs'), SECRET, ['--directory', data])
    );

    await t.test('the snippet of its README', async () => {
        const readme = fs.readFileSync(path.join(example, 'README.md'), 'utf8');
        const [{ code }] = extract(readme);
        const request = `
            app.get('/', ({ session: current }, response) => {
                current.visits = (current.visits ?? 0) + 1;
                response.json(current.visits);
            });
            const server = app.listen(0, async () => {
                const url = \`http://localhost:\${ server.address().port }\`;
                const first = await fetch(url);
                const [cookie] = first.headers.getSetCookie();
                // The session is stored when the response has ended, and not when it begins.
                const visits = await first.json();
                const second = await fetch(url, { headers: { cookie: cookie.split(';')[0] } });
                console.log(visits, await second.json());
                server.closeAllConnections();
                server.close(() => store.close());
            });
        `;
        fs.writeFileSync(path.join(directory, 'snippet.mjs'), code + request);
        const options = { cwd: directory, env: { ...process.env, ...SECRET } };
        assert.equal(await runWell([process.execPath, 'snippet.mjs'], options), '1 2\n');
    });

    await t.test('it keeps sessions', async (st) => {
        const { sessions, datastore } = await openSessions(st);
        assert.equal(await sessions.get('a'), null);
        const cookie = { originalMaxAge: null, expires: null, path: '/' };
        await sessions.set('a', { cookie, user: 'jane', cart: [{ n: 1 }] });
        await sessions.set('b', { cookie, when: new Date(0) });
        await datastore.setItem('other', { n: 1 });
        assert.deepEqual(await sessions.get('a'), { cookie, user: 'jane', cart: [{ n: 1 }] });
        assert.deepEqual(await sessions.get('b'), { cookie, when: '1970-01-01T00:00:00.000Z' });
        await sessions.set('a', { cookie, user: 'omar' });
        assert.deepEqual((await sessions.all()).sort((x, y) => (x.id < y.id ? -1 : 1)), [
            { id: 'a', cookie, user: 'omar' }, { id: 'b', cookie, when: '1970-01-01T00:00:00.000Z' },
        ]);
        assert.equal(await sessions.length(), 2);
        await sessions.destroy('a');
        await sessions.destroy('unknown');
        assert.deepEqual([await sessions.get('a'), await sessions.length()], [null, 1]);
        await sessions.clear();
        assert.deepEqual([await sessions.all(), await sessions.length()], [[], 0]);
        const left = JSON.stringify([...await allDocuments(datastore)]);
        assert.equal(left.includes('omar'), false, 'no data are left');
        assert.equal(await datastore.hasItem('session:unknown'), false);
        assert.equal((await datastore.getItem('other')).n, 1);
    });

    await t.test('callbacks may be left out, and get what fails', async (st) => {
        const { sessions, store, datastore } = await openSessions(st);
        store.set('a', { cookie: {} });
        await sessions.touch('a', { cookie: {} });
        await assert.rejects(sessions.set('a', { cookie: {}, size: 1n }), errorOf('AssertionError'));
        assert.deepEqual(await sessions.get('a'), { cookie: {} });
        await datastore.close();
        for (const [name, ...args] of [['get', 'a'], ['set', 'a', { cookie: {} }], ['destroy', 'a'], ['all'],
            ['touch', 'a', { cookie: {} }], ['length'], ['clear']]) {
            await assert.rejects(sessions[name](...args), errorOf('ClosedError'), name);
        }
        const warned = once(process, 'warning');
        store.destroy('a');
        assert.equal((await warned)[0].code, 'CLOSED');
    });

    await t.test('sessions end, and are swept away', async (st) => {
        const { sessions, store, datastore, clock } = await openSessions(st, { ttl: 1000 });
        const until = (time) => ({ cookie: { expires: new Date(time) } });
        await sessions.set('cookie', until(clock.now + 500));
        await sessions.set('touched', { ...until(clock.now + 500), user: 'jane' });
        await sessions.set('ttl', { cookie: { expires: null } });
        await sessions.set('destroyed', until(clock.now + 5000));
        await sessions.destroy('destroyed');
        const alive = async () => (await sessions.all()).map(({ id }) => id).sort();
        clock.now += 499;
        assert.deepEqual(await alive(), ['cookie', 'touched', 'ttl']);
        await sessions.touch('touched', { ...until(clock.now + 1000), user: 'omar' });
        clock.now += 1;
        assert.deepEqual([await alive(), await sessions.length()], [['touched', 'ttl'], 2]);
        assert.equal(await sessions.get('cookie'), null);
        assert.equal((await sessions.get('touched')).user, 'jane', 'touch changes the cookie only');
        await sessions.touch('cookie', until(clock.now + 1000));
        assert.equal(await sessions.get('cookie'), null, 'what has ended is not prolonged');
        assert.equal((await datastore.queryKeys()).total, 4);
        await store.sweep();
        const keys = async () => (await datastore.queryKeys()).items.map(({ key }) => key);
        assert.deepEqual(await keys(), ['session:destroyed', 'session:touched', 'session:ttl']);
        clock.now += 500;
        await store.sweep();
        assert.deepEqual(await keys(), ['session:touched']);
        clock.now += DAY_MS;
        await store.sweep();
        assert.deepEqual(await keys(), []);
    });

    await t.test('a sweep takes many, and not what is prolonged meanwhile', async (st) => {
        const datastore = makeStore(st);
        const { sessions, store, clock } = await openSessions(st, { ttl: 1000, datastore });
        const data = { cookie: {} };
        await Promise.all(Array.from({ length: 2500 }, (_, n) => sessions.set(`s${ n }`, data)));
        clock.now += 1000;
        const { queryView } = kixx.Datastore.prototype;
        datastore.queryView = async function queryThenProlong(...args) {
            delete datastore.queryView;
            const page = await queryView.apply(this, args);
            await sessions.set('s0', data);
            return page;
        };
        await store.sweep();
        assert.deepEqual((await sessions.all()).map(({ id }) => id), ['s0']);
        assert.equal((await datastore.queryKeys()).total, 1);
    });

    await t.test('what is destroyed stays destroyed', async (st) => {
        const data = { cookie: {}, user: 'jane' };
        const one = await openStore(st);
        const other = await openStore(st, { directory: directoryOf(one) });
        const first = await openSessions(st, { datastore: one });
        const second = await openSessions(st, { datastore: other });
        for (let n = 0; n < 40; n += 1) {
            const id = `s${ n }`;
            await first.sessions.set(id, data);
            const use = ({ sessions }) => [sessions.touch(id, data), sessions.set(id, data)];
            const uses = [...use(first), ...use(second)];
            await Promise.all([...uses, first.sessions.destroy(id), ...use(first), ...use(second)]);
            await second.sessions.set(id, data);
            assert.equal(await first.sessions.get(id), null);
        }
        await other.close();
        const again = await openSessions(st, { datastore: await reopen(st, one) });
        await again.sessions.set('s0', data);
        assert.deepEqual(await again.sessions.all(), []);
    });

    await t.test('its timer does not keep a process alive', async (st) => {
        const program = `
            import { Datastore } from 'kixx-datastore';
            import { KixxSessionStore } from './session-store.mjs';
            const datastore = await new Datastore({ directory: process.argv[1] }).load();
            const store = new KixxSessionStore({ datastore });
            store.set('a', { cookie: {} }, () => console.log('stored'));
        `;
        const command = [process.execPath, '--input-type=module', '-e', program, newPath(st)];
        assert.equal(await runWell(command, { cwd: directory, timeout: 60_000 }), 'stored\n');
    });

    await t.test('a login, until the logout', async (st) => {
        const { child, url } = await start(st);
        const [jane, omar] = [new Browser(url), new Browser(url)];
        assert.equal((await jane.call('GET', '/')).status, 401);
        assert.equal(jane.cookie, '', 'no session without a reason');
        assert.equal((await jane.call('POST', '/accounts', { name: 'jane' })).status, 400);
        assert.equal((await jane.call('POST', '/accounts', JANE)).status, 201);
        assert.equal((await omar.call('POST', '/accounts', JANE)).status, 409);
        assert.equal((await omar.call('POST', '/login', { ...JANE, password: 'wrong horse' })).status, 401);
        assert.equal((await omar.call('POST', '/login', { ...JANE, name: 'nobody' })).status, 401);
        assert.equal((await jane.call('POST', '/login', JANE)).status, 200);
        assert.deepEqual(await jane.call('GET', '/'), { status: 200, user: 'jane', visits: 1 });
        assert.deepEqual(await jane.call('GET', '/'), { status: 200, user: 'jane', visits: 2 });
        const stolen = jane.at(url);
        stolen.cookie = stolen.cookie.replace(/\.[^.]*$/, '.forged');
        assert.equal((await stolen.call('GET', '/')).status, 401);
        const old = jane.at(url);
        await jane.call('POST', '/login', JANE);
        assert.notEqual(jane.cookie, old.cookie);
        assert.equal((await old.call('GET', '/')).status, 401, 'a login ends the session before');
        assert.equal((await jane.call('POST', '/logout')).status, 204);
        assert.equal((await jane.call('GET', '/')).status, 401);
        assert.equal(child.stderr, '');
    });

    await t.test('a session goes on after a restart, and after a kill', async (st) => {
        const data = newPath(st);
        const first = await start(st, data);
        const jane = new Browser(first.url);
        await jane.call('POST', '/accounts', JANE);
        await jane.call('POST', '/login', JANE);
        assert.equal((await jane.call('GET', '/')).visits, 1);
        const { code, stderr } = await terminate(first.child);
        assert.deepEqual([code, stderr], [0, '']);
        assert.equal(fs.existsSync(path.join(data, '.datastore')), false);

        const second = await start(st, data);
        assert.equal((await jane.at(second.url).call('GET', '/')).visits, 2);
        const browsers = [];
        async function logInForever() {
            for (;;) {
                const browser = new Browser(second.url);
                assert.equal((await browser.call('POST', '/login', JANE)).status, 200);
                browsers.push(browser);
                if (browsers.length === 8) {
                    second.child.kill();
                }
            }
        }
        const ends = await Promise.allSettled(Array.from({ length: 4 }, logInForever));
        assert.deepEqual(ends.filter(({ reason }) => !(reason instanceof TypeError)), []);

        const third = await start(st, data);
        for (const [n, browser] of [jane, ...browsers].entries()) {
            assert.equal((await browser.at(third.url).call('GET', '/')).visits, 3 + n);
        }
    });

    await t.test('200 requests at once, at two processes', async (st) => {
        const data = newPath(st);
        const urls = [(await start(st, data)).url, (await start(st, data)).url];
        const jane = new Browser(urls[0]);
        await jane.call('POST', '/accounts', JANE);
        await jane.call('POST', '/login', JANE);
        const visit = (n) => jane.at(urls[n % 2]).call('GET', '/');
        const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => visit(n)));
        const visits = answers.map((answer) => answer.visits).sort((a, b) => a - b);
        assert.deepEqual(visits, Array.from({ length: 200 }, (_, n) => n + 1));

        const logout = (n) => (n === 100 ? jane.at(urls[0]).call('POST', '/logout') : visit(n));
        const mixed = await Promise.all(Array.from({ length: 200 }, (_, n) => logout(n)));
        assert.deepEqual(mixed.filter(({ status }) => ![200, 204, 401].includes(status)), []);
        assert.deepEqual([(await visit(0)).status, (await visit(1)).status], [401, 401]);
    });

    await t.test('a login ends with its hour', async (st) => {
        let later = 0;
        const { store, datastore, sessions } = await openSessions(st, { now: () => Date.now() + later });
        const server = createApp({ datastore, store, secret: 'of the tests' }).listen(0, '127.0.0.1');
        cleanup(st, () => new Promise((resolve) => {
            server.close(resolve);
            server.closeAllConnections();
        }));
        await once(server, 'listening');
        const jane = new Browser(`http://127.0.0.1:${ server.address().port }`);
        await jane.call('POST', '/accounts', JANE);
        await jane.call('POST', '/login', JANE);
        later = DAY_MS / 48;
        assert.equal((await jane.call('GET', '/')).status, 200);
        assert.equal(await sessions.length(), 1);
        later = DAY_MS / 12;
        assert.equal((await jane.call('GET', '/')).status, 401);
        assert.equal(await sessions.length(), 0);
    });
});
