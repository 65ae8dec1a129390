// A blog over HTTP.
//
//   node server.mjs [--directory ./data] [--port 8080]
//
// or with the environment variables BLOG_DIRECTORY and BLOG_PORT.

import http from 'node:http';
import { parseArgs } from 'node:util';
import { Datastore } from 'kixx-datastore';
import { BlogService } from './blog-service.mjs';
import { UserService } from './user-service.mjs';
import { answerTo, send } from './http.mjs';
import { makeRoutes } from './routes.mjs';

const HOST = '127.0.0.1';
const REQUEST_MS_MAX = 30_000;
const SHUTDOWN_MS_MAX = 10_000;

const { values: options } = parseArgs({
    options: {
        directory: { type: 'string', default: process.env.BLOG_DIRECTORY ?? './data' },
        port: { type: 'string', default: process.env.BLOG_PORT ?? '8080' },
    },
});

const datastore = await new Datastore({ directory: options.directory }).load();
const routes = makeRoutes({ blog: new BlogService(datastore), users: new UserService(datastore) });

const server = http.createServer({ requestTimeout: REQUEST_MS_MAX }, async (request, response) => {
    const answer = await answerTo(request, routes);
    if (!server.listening) {
        response.setHeader('connection', 'close');
    }
    send(response, answer);
});
server.listen(Number(options.port), HOST, () => {
    console.log(`Listening on http://${ HOST }:${ server.address().port }`);
});

/** First no new requests, then the answers to those under way, then the datastore. */
function shutDown() {
    console.log('Shutting down');
    server.close(async () => {
        await datastore.close();
        console.log('Closed');
    });
    setTimeout(() => server.closeAllConnections(), SHUTDOWN_MS_MAX).unref();
}

process.once('SIGTERM', shutDown);
process.once('SIGINT', shutDown);
