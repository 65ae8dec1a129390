// Figures and messages. Nothing here runs.

import diagnostics from 'node:diagnostics_channel';
import {
    Datastore, prometheus, type CallMessage, type CheckpointMessage, type CommitMessage, type ConflictError,
    type ConflictMessage, type DatastoreError, type Keyed, type SlowCallMessage,
} from 'kixx-datastore';
import { expect, is, type Equal } from './equal.mjs';

const users = new Datastore<{ name: string }>({ directory: 'data', slowCallThreshold: 250 });
type Users = Keyed<{ [key: `user:${string}`]: { name: string } }>;
declare const mixed: Datastore<Users, { v: { key: string } }, 'null'>;
// @ts-expect-error: milliseconds
new Datastore({ directory: 'data', slowCallThreshold: '1s' });

is<string>(await prometheus(users));
is<string>(await prometheus([users, mixed]));
is<string>(prometheus.contentType);
// @ts-expect-error: not a datastore
await prometheus('data');
// @ts-expect-error: the content type is given
prometheus.contentType = 'text/html';

const stats = await users.stats();
expect<Equal<typeof stats.commits, number | undefined>>();
is<number>(stats.cacheMisses);
is<string | undefined>(stats.directory);
is<unknown>(stats['more']);

diagnostics.subscribe('kixx-datastore:commit', (message) => {
    const { directory, operation, keys, duration } = message as CommitMessage;
    is<string | undefined>(directory);
    is<string[]>(keys);
    is<number>(duration);
    is<'setItem' | 'batch' | string>(operation);
});

declare const conflict: ConflictMessage;
expect<Equal<typeof conflict.error, ConflictError>>();
is<string | number | undefined>(conflict.key);
// @ts-expect-error: a write has no view
is<unknown>(conflict.view);

declare const slow: SlowCallMessage;
is<number>(slow.threshold + slow.duration);
is<string[] | undefined>(slow.keys);
is<string | undefined>(slow.view);
// @ts-expect-error: what it answered is not told
is<unknown>(slow.result);
// @ts-expect-error: no such operation
is<boolean>(slow.operation === 'getItem');

declare const checkpoint: CheckpointMessage;
is<DatastoreError | undefined>(checkpoint.error);
is<number>(checkpoint.documents);

declare const call: CallMessage;
is<unknown>(call.result);
