import kixx, { Datastore, ConflictError, type Stored } from 'kixx-datastore';

const store: Datastore = new kixx.Datastore({ directory: 'data' });
const again: kixx.Datastore = new Datastore({ directory: 'data' });
const document: Stored<Record<string, unknown>> = await store.getItem('a');
const same: typeof ConflictError = kixx.ConflictError;

await using disposed = new Datastore({ directory: 'data' });

export { again, disposed, document, same };
