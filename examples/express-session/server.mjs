// The application over HTTP.
//
//   SESSION_SECRET=... node server.mjs [--directory ./data] [--port 8080]

import { parseArgs } from 'node:util';
import { Datastore } from 'kixx-datastore';
import { createApp } from './app.mjs';
import { KixxSessionStore } from './session-store.mjs';

const HOST = '127.0.0.1';
const SHUTDOWN_MS_MAX = 10_000;

const secret = process.env.SESSION_SECRET;
if (!secret) {
    console.error('Set SESSION_SECRET to a long random text, the same at every start: it signs the cookies');
    process.exit(1);
}
const { values: options } = parseArgs({
    options: {
        directory: { type: 'string', default: './data' },
        port: { type: 'string', default: '8080' },
    },
});

const datastore = await new Datastore({ directory: options.directory }).load();
const store = new KixxSessionStore({ datastore });
const server = createApp({ datastore, store, secret }).listen(Number(options.port), HOST, (error) => {
    if (error) {
        throw error;
    }
    console.log(`Listening on http://${ HOST }:${ server.address().port }`);
});

/** First no new requests, then the answers to those under way, then the datastore. */
function shutDown() {
    console.log('Shutting down');
    server.keepAliveTimeout = 1;
    server.close(async () => {
        await store.close();
        await datastore.close();
        console.log('Closed');
    });
    setTimeout(() => server.closeAllConnections(), SHUTDOWN_MS_MAX).unref();
}

process.once('SIGTERM', shutDown);
process.once('SIGINT', shutDown);
