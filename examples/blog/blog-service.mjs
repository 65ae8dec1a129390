import { randomUUID } from 'node:crypto';
import { AssertionError, NotFoundError } from 'kixx-datastore';

const COMMENTS_MAX = 1000;

/** The posts, each a document `post:<uuid>` that holds its comments. */
export class BlogService {
    constructor(datastore) {
        this.datastore = datastore;
        this.setupViews();
    }

    /** Arrays as keys sort by their first element, then by the second: posts of one tag by date. */
    setupViews() {
        this.#setPostView('postsByDate', (post, emit) => {
            if (post.publishedAt) {
                emit(post.publishedAt, summaryOf(post));
            }
        });
        this.#setPostView('postsByTag', (post, emit) => {
            if (post.publishedAt) {
                new Set(post.tags).forEach((tag) => emit([tag, post.publishedAt], summaryOf(post)));
            }
        });
        this.#setPostView('postsByAuthor', (post, emit) => {
            emit([post.author, post.createdAt], summaryOf(post));
        });
        this.#setPostView('commentsByAuthor', (post, emit) => {
            for (const comment of post.comments) {
                emit([comment.author, comment.createdAt], { post: post.id, ...comment });
            }
        });
    }

    async createPost({ published = false, ...postData }) {
        const id = `post:${ randomUUID() }`;
        const createdAt = new Date().toISOString();
        const publishedAt = published ? createdAt : null;
        const post = { tags: [], ...postData, id, type: 'post', createdAt, publishedAt, comments: [] };
        return this.datastore.insertItem(id, post);
    }

    async getPost(postId) {
        return this.datastore.getItem(postId);
    }

    /** Changes what is in `updates`. A `_rev` in it has to be the current one: otherwise a ConflictError. */
    async updatePost(postId, { published, ...updates }) {
        return this.#update(postId, (post) => {
            const updatedAt = new Date().toISOString();
            const publishedAt = published ? post.publishedAt ?? updatedAt : null;
            return { ...post, ...updates, updatedAt, ...(published !== undefined && { publishedAt }) };
        });
    }

    async deletePost(postId) {
        return this.datastore.deleteItem(postId);
    }

    /** Updates of one post queue up, so that no comment is lost. */
    async addComment(postId, commentData) {
        const comment = { id: randomUUID(), ...commentData, createdAt: new Date().toISOString() };
        await this.#update(postId, (post) => {
            if (post.comments.length >= COMMENTS_MAX) {
                throw new AssertionError(`A post has at most ${ COMMENTS_MAX } comments`, { key: postId });
            }
            return { ...post, comments: [...post.comments, comment] };
        });
        return comment;
    }

    /** Pages of published posts, the newest first. */
    async getPostsByDate(limit = 10, offset = 0) {
        return this.datastore.queryView('postsByDate', { descending: true, limit, offset });
    }

    async getPostsByTag(tag, limit = 10, offset = 0) {
        return this.#queryNewest('postsByTag', tag, { limit, offset });
    }

    /** Of this author also what is not published. */
    async getPostsByAuthor(author, limit = 10, offset = 0) {
        return this.#queryNewest('postsByAuthor', author, { limit, offset });
    }

    async getCommentsByAuthor(author, limit = 10, offset = 0) {
        return this.#queryNewest('commentsByAuthor', author, { limit, offset });
    }

    #setPostView(id, map) {
        this.datastore.setView(id, {
            map(document, emit) {
                if (document.type === 'post') {
                    map(document, emit);
                }
            },
        });
    }

    /** Rows whose key begins with `first`: in the order of keys an object comes after every string. */
    #queryNewest(view, first, page) {
        return this.datastore.queryView(view, {
            startKey: [first], endKey: [first, {}], descending: true, ...page,
        });
    }

    #update(postId, change) {
        return this.datastore.updateItem(postId, (post) => {
            if (!post) {
                throw new NotFoundError(`There is no post "${ postId }"`, { key: postId });
            }
            return change(post);
        });
    }
}

function summaryOf({ id, title, author, tags, publishedAt, comments }) {
    return { id, title, author, tags, publishedAt, comments: comments.length };
}
