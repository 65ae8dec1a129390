import { badInput } from './http.mjs';
import { COMMENT, POST, USER, checkNew, checkPage, checkUpdates } from './input.mjs';

/** What the blog answers at which path. */
export function makeRoutes({ blog, users }) {
    async function checkAuthor({ author }) {
        if (!await users.hasUser(author)) {
            throw badInput(`author must be the id of a user, and there is no ${ author }`);
        }
    }

    return [
        {
            pattern: /^\/users$/,
            methods: {
                async GET({ query }) {
                    const page = await users.getActiveUsers(...checkPage(query));
                    return pageOf(page, (item) => item.document);
                },
                async POST({ body }) {
                    return created('users', await users.createUser(checkNew(body, USER)));
                },
            },
        },
        {
            pattern: /^\/users\/(user:[\w-]+)$/,
            methods: {
                async GET({ captured: [id] }) {
                    return { body: await users.getUser(id) };
                },
                async PATCH({ captured: [id], body }) {
                    return { body: await users.updateUser(id, checkUpdates(body, USER)) };
                },
                async DELETE({ captured: [id] }) {
                    await users.deleteUser(id);
                    return { status: 204 };
                },
            },
        },
        {
            pattern: /^\/users\/(user:[\w-]+)\/posts$/,
            methods: {
                async GET({ captured: [id], query }) {
                    return pageOf(await blog.getPostsByAuthor(id, ...checkPage(query)));
                },
            },
        },
        {
            pattern: /^\/users\/(user:[\w-]+)\/comments$/,
            methods: {
                async GET({ captured: [id], query }) {
                    return pageOf(await blog.getCommentsByAuthor(id, ...checkPage(query)));
                },
            },
        },
        {
            pattern: /^\/posts$/,
            methods: {
                async GET({ query }) {
                    const page = checkPage(query);
                    const tag = query.get('tag');
                    return pageOf(tag !== null
                        ? await blog.getPostsByTag(tag, ...page)
                        : await blog.getPostsByDate(...page));
                },
                async POST({ body }) {
                    const post = checkNew(body, POST);
                    await checkAuthor(post);
                    return created('posts', await blog.createPost(post));
                },
            },
        },
        {
            pattern: /^\/posts\/(post:[\w-]+)$/,
            methods: {
                async GET({ captured: [id] }) {
                    return { body: await blog.getPost(id) };
                },
                async PATCH({ captured: [id], body }) {
                    const { author: _, ...kind } = POST;
                    return { body: await blog.updatePost(id, checkUpdates(body, kind)) };
                },
                async DELETE({ captured: [id] }) {
                    await blog.deletePost(id);
                    return { status: 204 };
                },
            },
        },
        {
            pattern: /^\/posts\/(post:[\w-]+)\/comments$/,
            methods: {
                async POST({ captured: [id], body }) {
                    const comment = checkNew(body, COMMENT);
                    await checkAuthor(comment);
                    return { status: 201, body: await blog.addComment(id, comment) };
                },
            },
        },
    ];
}

function created(collection, document) {
    return { status: 201, headers: { location: `/${ collection }/${ document.id }` }, body: document };
}

/** `next` is the offset of the page that follows, or null. */
function pageOf({ items, total, exclusiveEndIndex }, show = (item) => item.value) {
    return { body: { items: items.map(show), total, next: exclusiveEndIndex } };
}
