import { strict as assert } from 'node:assert';
import kixx, { ConflictError, Datastore, Distributor, NotFoundError } from 'kixx-datastore';
import check from './check.mjs';

assert.equal(kixx.Datastore, Datastore);
await check({ Datastore, Distributor, NotFoundError, ConflictError });
