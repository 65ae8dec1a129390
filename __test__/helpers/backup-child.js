'use strict';

// A process that backs up where it can't, or that is killed while it restores. It checks by itself.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { Datastore } = require('../../index.cjs');
const { storageOptions } = require('./storage.js');

const say = (text) => fs.writeSync(1, `${ text }\n`);

const NOBODY = 65534;

const jobs = {
    /** A backup into a directory that is not ours. */
    async noRights(directory) {
        const forbidden = path.join(directory, 'forbidden');
        fs.mkdirSync(forbidden, 0o700);
        const secret = path.join(directory, 'secret.gz');
        fs.writeFileSync(secret, 'x', { mode: 0o600 });
        if (process.getuid() === 0) {
            fs.chmodSync(path.dirname(directory), 0o755);
            fs.chmodSync(directory, 0o777);
            process.setgid(NOBODY);
            process.setuid(NOBODY);
        } else {
            fs.chmodSync(forbidden, 0o500);
            fs.chmodSync(secret, 0o200);
        }
        const data = path.join(directory, 'data');
        const store = await new Datastore({ directory: data, ...storageOptions }).load();
        await store.setItem('a', {});
        const denied = { code: 'STORAGE', message: /EACCES/ };
        await assert.rejects(store.backup(path.join(forbidden, 'backup.gz')), denied);
        await assert.rejects(store.restore(secret), denied);
        await store.close();
    },

    /** A backup that is larger than its disk. */
    async full(disk, directory) {
        const store = await new Datastore({ directory, ...storageOptions }).load();
        for (let n = 0; n < 64; n += 1) {
            await store.setItem(n, { text: crypto.randomBytes(40000).toString('base64') });
        }
        const full = { code: 'STORAGE', message: /ENOSPC/ };
        await assert.rejects(store.backup(path.join(disk, 'backup.gz')), full);
        assert.deepEqual(fs.readdirSync(disk), []);
        await store.close();
    },

    /** Backs up, and says when it begins to write and to verify. */
    async backup(directory, file) {
        const store = await new Datastore({ directory, ...storageOptions }).load();
        let last;
        const onProgress = ({ phase }) => {
            if (phase !== last) {
                last = phase;
                say(phase);
            }
        };
        await store.backup(file, { onProgress });
        say('done');
        setInterval(() => {}, 1000);
    },

    /** Restores over what is there, and says how far it is. */
    async restore(file, directory) {
        const store = await new Datastore({ directory, ...storageOptions }).load();
        say('loaded');
        let last = 0;
        const onProgress = ({ done, total }) => {
            for (; last < 10 && done * 10 >= last * total; last += 1) {
                say(`read ${ last }`);
            }
        };
        await store.restore(file, { conflict: 'overwrite', onProgress });
        say('restored');
        setInterval(() => {}, 1000);
    },

    /**
     * Writes one after the other until it is told to stop: the same number into two documents of one batch,
     * and into one of fifty others.
     */
    async write(directory) {
        const store = await new Datastore({ directory, ...storageOptions }).load();
        let isOver = false;
        process.stdin.on('data', () => {
            isOver = true;
        });
        let n = 0;
        for (; !isOver; n += 1) {
            const keys = ['pair:a', 'pair:b', `item:${ n % 50 }`];
            await store.batch(keys.map((key) => ({ type: 'set', key, document: { n } })));
            if (n === 0) {
                say('writing');
            }
        }
        say(n);
        await store.close();
        process.stdin.destroy();
    },

    /** Makes backups, and is killed without a close. */
    async leave(directory, file) {
        const store = await new Datastore({ directory, ...storageOptions }).load();
        await store.setItem('kept', { n: 1 });
        await store.setItem('deleted', { n: 1 });
        await store.backup(file);
        await store.setItem('kept', { n: 2 });
        await store.deleteItem('deleted');
        await store.setItem('new', { n: 2 });
        process.kill(process.pid, 'SIGKILL');
    },
};

const [job, ...args] = process.argv.slice(2);
jobs[job](...args).catch((error) => {
    console.error(error);
    process.exit(1);
});
