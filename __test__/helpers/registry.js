'use strict';

const http = require('node:http');
const { createHash } = require('node:crypto');
const { cleanup } = require('./temp.js');

/**
 * A package registry on this machine for what the real npm publishes and installs. For packages that it does
 * not have it sends npm on to `upstream`.
 */
class Registry {
    #packages = new Map();
    #server = http.createServer((request, response) => this.#answer(request, response));
    #upstream;

    /** What was published over the network, in order: `name@version`. */
    published = [];

    /** Called with a name before its package is taken; where it throws, npm gets an error. */
    beforePublish = () => {};

    constructor(upstream) {
        this.#upstream = upstream;
    }

    /** Ends with the test. */
    async listen(t) {
        await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
        cleanup(t, () => new Promise((resolve) => {
            this.#server.close(resolve);
            this.#server.closeAllConnections();
        }));
        return this;
    }

    get url() {
        return `http://127.0.0.1:${ this.#server.address().port }/`;
    }

    versionsOf(name) {
        return Object.keys(this.#packages.get(name)?.versions ?? {});
    }

    manifestOf(name, version) {
        return this.#packages.get(name).versions[version];
    }

    /** Has the tarball `bytes` with this manifest from now on. */
    add(manifest, bytes) {
        const { name, version } = manifest;
        const file = `${ name }/-/${ name.split('/').at(-1) }-${ version }.tgz`;
        const entry = this.#packages.get(name) ?? { name, versions: {}, tarballs: {} };
        this.#packages.set(name, entry);
        entry.tarballs[`/${ file }`] = bytes;
        entry['dist-tags'] = { latest: version };
        entry.versions[version] = {
            ...manifest,
            dist: {
                tarball: `${ this.url }${ file }`,
                integrity: `sha512-${ createHash('sha512').update(bytes).digest('base64') }`,
            },
        };
    }

    async #answer(request, response) {
        const path = decodeURIComponent(new URL(request.url, this.url).pathname);
        const name = path.slice(1).split('/-/')[0];
        if (request.method === 'PUT') {
            await this.#publish(request, response, name);
        } else if (!this.#packages.has(name)) {
            this.#sendOn(request, response, name);
        } else if (path.includes('/-/')) {
            response.end(this.#packages.get(name).tarballs[path]);
        } else {
            const { tarballs: _, ...packument } = this.#packages.get(name);
            sendJson(response, 200, packument);
        }
    }

    #sendOn(request, response, name) {
        if (name.startsWith('kixx-datastore') || name.startsWith('@kixx-datastore/')) {
            sendJson(response, 404, { error: 'Not found' });
        } else {
            response.writeHead(302, { location: new URL(request.url.slice(1), this.#upstream).href }).end();
        }
    }

    async #publish(request, response, name) {
        const chunks = await request.toArray();
        const { versions, _attachments: attachments } = JSON.parse(Buffer.concat(chunks));
        try {
            this.beforePublish(name);
        } catch (error) {
            sendJson(response, 400, { error: error.message });
            return;
        }
        const [manifest] = Object.values(versions);
        const [attachment] = Object.values(attachments);
        this.add(manifest, Buffer.from(attachment.data, 'base64'));
        this.published.push(`${ name }@${ manifest.version }`);
        sendJson(response, 201, { ok: true });
    }
}

function sendJson(response, status, value) {
    response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(JSON.stringify(value));
}

module.exports = { Registry };
