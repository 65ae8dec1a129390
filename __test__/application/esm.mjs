import { strict as assert } from 'node:assert';
import kixx, { ConflictError, Datastore, NotFoundError } from 'kixx-datastore';
import check from './check.mjs';

assert.equal(kixx.Datastore, Datastore);
await check({ Datastore, NotFoundError, ConflictError });
