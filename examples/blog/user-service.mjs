import { randomUUID } from 'node:crypto';
import { NotFoundError } from 'kixx-datastore';

/** The users, each a document `user:<uuid>`. */
export class UserService {
    constructor(datastore) {
        this.datastore = datastore;
        this.setupViews();
    }

    /** Views live in the process, so they are set at every start. */
    setupViews() {
        this.datastore.setView('activeUsers', {
            map(document, emit) {
                if (document.type === 'user' && document.status === 'active') {
                    emit(document.email);
                }
            },
        });
    }

    async createUser(userData) {
        const id = `user:${ randomUUID() }`;
        const createdAt = new Date().toISOString();
        return this.datastore.insertItem(id, { status: 'active', ...userData, id, type: 'user', createdAt });
    }

    async getUser(userId) {
        return this.datastore.getItem(userId);
    }

    async hasUser(userId) {
        return this.datastore.hasItem(userId);
    }

    /** Changes what is in `updates`. A `_rev` in it has to be the current one: otherwise a ConflictError. */
    async updateUser(userId, updates) {
        return this.datastore.updateItem(userId, (user) => {
            if (!user) {
                throw new NotFoundError(`There is no user "${ userId }"`, { key: userId });
            }
            return { ...user, ...updates, updatedAt: new Date().toISOString() };
        });
    }

    /** The posts of the user stay. */
    async deleteUser(userId) {
        return this.datastore.deleteItem(userId);
    }

    /** A page of users by e-mail address. */
    async getActiveUsers(limit = 20, offset = 0) {
        return this.datastore.queryView('activeUsers', { limit, offset, includeDocuments: true });
    }
}
