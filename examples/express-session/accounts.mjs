import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { updateWithRetry } from './update.mjs';

const PREFIX = 'account:';
const HASH_BYTES = 32;
const NOBODY = { salt: '', hash: Buffer.alloc(HASH_BYTES).toString('base64') };
const hashOf = promisify(scrypt);

/** Who may log in, each the document `account:<name>`, and how often they came. */
export class Accounts {
    constructor(datastore) {
        this.datastore = datastore;
    }

    /** @throws {ConflictError} when the name is taken */
    async create(name, password) {
        const salt = randomBytes(16).toString('base64');
        const hash = (await hashOf(password, salt, HASH_BYTES)).toString('base64');
        await this.datastore.insertItem(PREFIX + name, { type: 'account', name, salt, hash, visits: 0 });
    }

    /** Takes as long for a name that is unknown. */
    async isPassword(name, password) {
        const [account] = await this.datastore.getItems([PREFIX + name]);
        const { salt, hash } = account ?? NOBODY;
        return timingSafeEqual(await hashOf(password, salt, HASH_BYTES), Buffer.from(hash, 'base64'));
    }

    /** Counts requests that come at once each, which a number in the session would not. */
    async countVisit(name) {
        const add = (account) => ({ ...account, visits: account.visits + 1 });
        const { visits } = await updateWithRetry(this.datastore, PREFIX + name, add);
        return visits;
    }
}
