'use strict';

// The blog of `examples/`, as a process, over HTTP.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { once } = require('node:events');
const { test } = require('node:test');
const { startServer, terminate } = require('./helpers/example.js');
const { newDirectory, newPath } = require('./helpers/temp.js');

const example = path.join(__dirname, '..', 'examples', 'blog');
const CURL = /^curl (?:-X (\w+) )?'?localhost:8080([^\s']+)'?(?: -d '(.+)')?/;
const JANE = { name: 'Jane', email: 'jane@example.com' };

/** A running blog: its process, its address, and what it answers. */
class Blog {
    constructor(child, url) {
        this.child = child;
        this.url = url;
    }

    /** In a new directory unless one is given. */
    static async start(t, directory = newPath(t)) {
        const script = path.join(example, 'server.mjs');
        const { child, url } = await startServer(t, script, { BLOG_DIRECTORY: directory });
        return Object.assign(new Blog(child, url), { directory });
    }

    async call(method, pathname, body) {
        const isRaw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
        const sent = isRaw ? body : JSON.stringify(body);
        const response = await fetch(this.url + pathname, { method, body: sent });
        const { status, headers } = response;
        const text = await response.text();
        return { status, headers, body: text === '' ? undefined : JSON.parse(text) };
    }

    /** The body of an answer that has to be a good one. */
    async ok(method, pathname, body) {
        const answer = await this.call(method, pathname, body);
        assert.ok(answer.status < 300, `${ method } ${ pathname }: ${ JSON.stringify(answer) }`);
        return answer.body;
    }

    async failure(method, pathname, body) {
        const { status, body: { error } } = await this.call(method, pathname, body);
        return [status, error.code, error.message];
    }

    async addPost(author, fields = {}) {
        return this.ok('POST', '/posts', { title: 'One', body: 'Text', author, ...fields });
    }
}

test('users, posts, tags and comments', async (t) => {
    const blog = await Blog.start(t);
    const { status, headers, body: jane } = await blog.call('POST', '/users', JANE);
    assert.deepEqual([status, headers.get('location')], [201, `/users/${ jane.id }`]);
    assert.deepEqual(await blog.ok('GET', `/users/${ jane.id }`), jane);
    const omar = await blog.ok('POST', '/users', { name: 'Omar', email: 'a@example.com' });
    const emails = async () => (await blog.ok('GET', '/users')).items.map((user) => user.email);
    assert.deepEqual(await emails(), ['a@example.com', 'jane@example.com']);
    await blog.ok('PATCH', `/users/${ omar.id }`, { status: 'idle' });
    assert.deepEqual(await emails(), ['jane@example.com']);

    const draft = await blog.addPost(jane.id, { title: 'Draft', tags: ['a'] });
    const news = await blog.addPost(jane.id, { title: 'News', tags: ['a', 'b', 'a'], published: true });
    const titles = async (pathname) => (await blog.ok('GET', pathname)).items.map((post) => post.title);
    assert.deepEqual(await titles('/posts'), ['News']);
    assert.deepEqual(await titles('/posts?tag=a'), ['News']);
    assert.deepEqual(await titles('/posts?tag='), []);
    assert.deepEqual((await titles(`/users/${ jane.id }/posts`)).sort(), ['Draft', 'News']);
    await blog.ok('PATCH', `/posts/${ draft.id }`, { published: true, title: 'Published' });
    assert.deepEqual((await titles('/posts')).sort(), ['News', 'Published']);
    const first = await blog.ok('GET', '/posts?tag=a&limit=1');
    assert.deepEqual([first.total, first.next], [2, 1]);
    const second = await blog.ok('GET', `/posts?tag=a&limit=1&offset=${ first.next }`);
    assert.equal(second.next, null);
    const found = [first, second].map(({ items: [post] }) => post.id);
    assert.deepEqual(found.sort(), [draft.id, news.id].sort());

    const said = { author: omar.id, text: 'First!' };
    const comment = await blog.ok('POST', `/posts/${ news.id }/comments`, said);
    assert.deepEqual((await blog.ok('GET', `/posts/${ news.id }`)).comments, [comment]);
    const written = await blog.ok('GET', `/users/${ omar.id }/comments`);
    assert.deepEqual(written.items, [{ post: news.id, ...comment }]);

    assert.equal((await blog.call('DELETE', `/posts/${ news.id }`)).status, 204);
    assert.equal((await blog.call('DELETE', `/posts/${ news.id }`)).status, 204);
    assert.deepEqual(await titles('/posts?tag=b'), []);
    assert.equal((await blog.ok('GET', `/users/${ omar.id }/comments`)).total, 0);
    await blog.ok('DELETE', `/users/${ jane.id }`);
    assert.equal((await blog.call('GET', `/users/${ jane.id }`)).status, 404);
    assert.deepEqual(await titles('/posts'), ['Published']);
});

test('what is wrong is answered with what is wrong', async (t) => {
    const blog = await Blog.start(t);
    const { id } = await blog.ok('POST', '/users', JANE);
    const post = await blog.addPost(id);
    const at = `/posts/${ post.id }`;
    const cases = [
        ['GET', '/nothing', undefined, 404, 'NOT_FOUND', '/nothing'],
        ['GET', '/posts/post:none', undefined, 404, 'NOT_FOUND', 'post:none'],
        ['GET', `/posts/${ id }`, undefined, 404, 'NOT_FOUND', id],
        ['PATCH', '/posts/post:none', { title: 'A' }, 404, 'NOT_FOUND', 'post:none'],
        ['PATCH', '/users/user:none', { name: 'A' }, 404, 'NOT_FOUND', 'user:none'],
        ['POST', '/posts/post:none/comments', { author: id, text: 'A' }, 404, 'NOT_FOUND', 'post:none'],
        ['GET', '//', undefined, 400, 'BAD_INPUT', '//'],
        ['GET', '/posts?limit=101', undefined, 400, 'BAD_INPUT', 'limit'],
        ['GET', '/posts?limit=x', undefined, 400, 'BAD_INPUT', 'limit'],
        ['GET', '/posts?offset=-1', undefined, 400, 'BAD_INPUT', 'offset'],
        ['POST', '/users', '{', 400, 'BAD_INPUT', 'JSON'],
        ['POST', '/users', Buffer.from([0x22, 0xff, 0x22]), 400, 'BAD_INPUT', 'JSON'],
        ['POST', '/users', '', 400, 'BAD_INPUT', 'JSON'],
        ['POST', '/users', '[]', 400, 'BAD_INPUT', 'object'],
        ['POST', '/users', { name: 'A' }, 400, 'BAD_INPUT', 'email is missing'],
        ['POST', '/users', { ...JANE, role: 'admin' }, 400, 'BAD_INPUT', 'role'],
        ['POST', '/users', { ...JANE, _rev: 0 }, 400, 'BAD_INPUT', '_rev'],
        ['POST', '/users', '{"__proto__":1,"name":"A","email":"a@b"}', 400, 'BAD_INPUT', '__proto__'],
        ['POST', '/posts', { title: 'A', body: 'B', author: 'user:none' }, 400, 'BAD_INPUT', 'user:none'],
        ['PATCH', at, { author: id }, 400, 'BAD_INPUT', 'author'],
        ['PATCH', at, { tags: ['a', ''] }, 400, 'BAD_INPUT', 'tags'],
        ['PATCH', at, { title: 'A', _rev: 'x' }, 400, 'BAD_INPUT', '_rev'],
        ['PATCH', at, { title: 'A', _rev: 7 }, 409, 'CONFLICT', post.id],
        ['PUT', at, { title: 'A' }, 405, 'METHOD_NOT_ALLOWED', 'GET, PATCH, DELETE'],
    ];
    for (const [method, pathname, body, ...expected] of cases) {
        const [status, code, message] = await blog.failure(method, pathname, body);
        assert.deepEqual([status, code], expected.slice(0, 2), `${ method } ${ pathname }: ${ message }`);
        assert.ok(message.includes(expected[2]), `"${ expected[2] }" is not in "${ message }"`);
    }
    assert.deepEqual(await blog.ok('GET', at), post);
    assert.equal(blog.child.stderr, '');
});

test('a large body is refused, whether it tells its size or not', async (t) => {
    const blog = await Blog.start(t);
    const tooMuch = Buffer.alloc(4 * 1024 * 1024, ' ');
    assert.deepEqual((await blog.failure('POST', '/users', tooMuch)).slice(0, 2), [413, 'TOO_LARGE']);
    const request = http.request(`${ blog.url }/users`, { method: 'POST' });
    request.flushHeaders();
    for (let i = 0; i < 64; i += 1) {
        request.write(tooMuch.subarray(0, 64 * 1024));
    }
    request.end();
    const [response] = await once(request, 'response');
    assert.equal(response.statusCode, 413);
    response.resume();
    const largest = JSON.stringify(JANE).padEnd(64 * 1024);
    assert.equal((await blog.call('POST', '/users', largest)).status, 201);
});

test('of updates for one revision one wins, the others are told', async (t) => {
    const blog = await Blog.start(t);
    const { id } = await blog.ok('POST', '/users', JANE);
    const post = await blog.addPost(id);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => (
        blog.call('PATCH', `/posts/${ post.id }`, { title: `Title ${ n }`, _rev: post._rev })
    )));
    const winners = answers.filter(({ status }) => status === 200);
    assert.equal(winners.length, 1);
    assert.equal(answers.filter(({ status }) => status === 409).length, 19);
    assert.deepEqual(await blog.ok('GET', `/posts/${ post.id }`), winners[0].body);
});

test('updates without a revision, and comments, are all kept', async (t) => {
    const blog = await Blog.start(t);
    const { id } = await blog.ok('POST', '/users', JANE);
    const post = await blog.addPost(id);
    const texts = Array.from({ length: 30 }, (_, n) => `Comment ${ n }`);
    const updates = [{ title: 'New' }, { body: 'New text' }, { tags: ['new'] }, { published: true }];
    await Promise.all([
        ...texts.map((text) => blog.ok('POST', `/posts/${ post.id }/comments`, { author: id, text })),
        ...updates.map((update) => blog.ok('PATCH', `/posts/${ post.id }`, update)),
    ]);
    const { title, body, tags, publishedAt, comments, _rev } = await blog.ok('GET', `/posts/${ post.id }`);
    assert.deepEqual([title, body, tags, _rev], ['New', 'New text', ['new'], 34]);
    assert.ok(publishedAt);
    assert.deepEqual(comments.map(({ text }) => text).sort(), texts.sort());
});

test('two processes on one directory', async (t) => {
    const directory = newPath(t);
    const blogs = [await Blog.start(t, directory), await Blog.start(t, directory)];
    const { id } = await blogs[0].ok('POST', '/users', JANE);
    const post = await blogs[1].addPost(id, { published: true });
    const comment = { author: id, text: 'A' };
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => (
        blogs[n % 2].call('POST', `/posts/${ post.id }/comments`, comment)
    )));
    const stored = answers.filter(({ status }) => status === 201);
    assert.deepEqual(answers.filter(({ status }) => ![201, 409].includes(status)), []);
    for (const blog of blogs) {
        const { comments } = await blog.ok('GET', `/posts/${ post.id }`);
        assert.deepEqual(comments.map((one) => one.id).sort(), stored.map(({ body }) => body.id).sort());
        assert.equal((await blog.ok('GET', '/posts')).items[0].comments, stored.length);
    }
});

test('a killed blog has everything that it answered', async (t) => {
    const blog = await Blog.start(t);
    const { id } = await blog.ok('POST', '/users', JANE);
    const known = await blog.addPost(id);
    const posts = new Map();
    const comments = [];
    async function write(writer) {
        for (let n = 0; ; n += 1) {
            const text = `${ writer }.${ n }`;
            const post = await blog.addPost(id, { title: text, published: true, tags: ['all'] });
            posts.set(post.id, post);
            posts.set(post.id, await blog.ok('PATCH', `/posts/${ post.id }`, { body: text }));
            comments.push(await blog.ok('POST', `/posts/${ known.id }/comments`, { author: id, text }));
            if (comments.length === 50) {
                blog.child.kill();
            }
        }
    }
    const ends = await Promise.allSettled(Array.from({ length: 8 }, (_, writer) => write(writer)));
    const others = ends.filter(({ reason }) => !(reason instanceof TypeError));
    assert.deepEqual(others, [], 'all ended because the connection did');
    assert.equal((await blog.child.exited).signal, 'SIGKILL');

    const again = await Blog.start(t, blog.directory);
    for (const post of posts.values()) {
        const found = await again.ok('GET', `/posts/${ post.id }`);
        assert.ok(found._rev >= post._rev);
        if (found._rev === post._rev) {
            assert.deepEqual(found, post);
        }
    }
    const found = await again.ok('GET', `/posts/${ known.id }`);
    const ids = new Set(found.comments.map((comment) => comment.id));
    assert.deepEqual(comments.filter((comment) => !ids.has(comment.id)), []);
    assert.equal(found._rev, found.comments.length, 'each once');
    const { total } = await again.ok('GET', '/posts?tag=all&limit=1');
    assert.ok(total >= posts.size && total <= posts.size + 8, `${ total } of ${ posts.size }`);
});

test('SIGTERM lets a request under way end, and leaves plain files', async (t) => {
    const blog = await Blog.start(t);
    const agent = new http.Agent({ keepAlive: true });
    const headers = { expect: '100-continue' };
    const request = http.request(`${ blog.url }/users`, { method: 'POST', agent, headers });
    request.flushHeaders();
    await once(request, 'continue');
    const exited = terminate(blog.child);
    assert.deepEqual(await blog.child.until('Shutting down'), []);
    await assert.rejects(fetch(`${ blog.url }/users`), TypeError);
    request.end(JSON.stringify(JANE));
    const [response] = await once(request, 'response');
    const { id } = JSON.parse(Buffer.concat(await response.toArray()));
    assert.deepEqual([response.statusCode, response.headers.connection], [201, 'close']);
    const { code, stderr } = await exited;
    assert.deepEqual([code, stderr, await blog.child.rest()], [0, '', ['Closed']]);
    assert.deepEqual(fs.readdirSync(blog.directory), [`${ encodeURIComponent(id) }.json`]);
});

test('the lines of its README', async (t) => {
    const readme = fs.readFileSync(path.join(example, 'README.md'), 'utf8');
    const blog = await Blog.start(t, newDirectory(t));
    const ids = {};
    const lines = readme.split('\n').filter((line) => line.startsWith('curl '));
    for (const line of lines) {
        const shown = line.replace(/'?\$(\w+)'?/g, (_, name) => ids[name]);
        const [, method, address, body] = shown.match(CURL);
        const answer = await blog.call(method ?? (body ? 'POST' : 'GET'), address, body);
        assert.ok(answer.status < 300, `${ shown }: ${ JSON.stringify(answer.body) }`);
        const [kind] = answer.body?.id?.split(':') ?? [];
        ids[kind] ??= answer.body?.id;
    }
    assert.equal(lines.length, 14);
});
