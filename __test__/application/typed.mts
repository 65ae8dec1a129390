import kixx, { ConflictError, Datastore, type Stored } from 'kixx-datastore';
import * as all from 'kixx-datastore';
import check from './check.mjs';

interface User {
    name: string;
}

const datastore: kixx.Datastore<User> = new Datastore<User>({ directory: 'never-loaded' });
const read: (key: string) => Promise<Stored<User>> = (key) => datastore.getItem(key);
const same: typeof ConflictError = kixx.ConflictError;
// @ts-expect-error: not a key
const wrong = () => datastore.getItem({});

void [read, same, wrong];
await check(all);
