// What the application does with the package: the way of a document through all of it.

import { strict as assert } from 'node:assert';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Prints `worked` at the end. */
export default async function check({ Datastore, Distributor, NotFoundError, ConflictError }) {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kixx-application-'));
    try {
        for (const storage of ['files', 'disk']) {
            const options = { directory: path.join(directory, storage), storage };
            await write(await new Datastore(options).load(), { NotFoundError, ConflictError });
            await readAgain(await new Datastore(options).load());
        }
        await writeValues(new Distributor({ directory: path.join(directory, 'stores') }));
    } finally {
        fs.rmSync(directory, { recursive: true });
    }
    console.log('worked');
}

async function writeValues(distributor) {
    for (const backend of ['memory', 'disk']) {
        const store = await distributor.getOrCreate('values', backend);
        await store.set('text', 'ü');
        await store.set('bytes', Uint8Array.of(0, 255));
        assert.equal(await store.get('text'), 'ü');
        assert.deepEqual([...await store.get('bytes')], [0, 255]);
        await store.set('more', new Uint8Array(100).fill(7));
        const [one, two] = [await store.get('more'), await store.get('more')];
        one.fill(8);
        assert.deepEqual([one.length, [...two]], [100, Array(100).fill(7)]);
        assert.deepEqual([await store.setNx('text', 'no'), await store.count()], [false, 3]);
        await store.close();
    }
}

async function write(datastore, { NotFoundError, ConflictError }) {
    datastore.setView('byCity', { map: (document, emit) => emit(document.city, document.name) });
    await datastore.setItem('user:1', { name: 'Jane', city: 'Oslo' });
    await datastore.batch([
        { type: 'set', key: 'user:2', document: { name: 'Omar', city: 'Oslo' } },
        { type: 'set', key: 'user:3', document: { name: 'Ana', city: 'Lima' } },
    ]);
    for (const city of ['Lima', 'Rome', 'Oslo']) {
        const updated = await datastore.updateItem('user:1', (document) => ({ ...document, city }));
        assert.deepEqual(await datastore.getItem('user:1'), updated);
    }
    assert.deepEqual(await datastore.getItem('user:1'), { name: 'Jane', city: 'Oslo', _rev: 3 });
    const { items, total } = await datastore.queryView('byCity', { key: 'Oslo' });
    assert.deepEqual([total, items.map((item) => item.value)], [2, ['Jane', 'Omar']]);
    await fails(() => datastore.getItem('user:9'), NotFoundError, 'NOT_FOUND');
    await fails(() => datastore.setItem('user:1', { _rev: 0 }), ConflictError, 'CONFLICT');
    await datastore.close();
}

async function readAgain(datastore) {
    const keys = [];
    for await (const { key } of datastore.scan()) {
        keys.push(key);
    }
    assert.deepEqual(keys, ['user:1', 'user:2', 'user:3']);
    assert.deepEqual(await datastore.getItem('user:1'), { name: 'Jane', city: 'Oslo', _rev: 3 });
    await datastore.close();
}

async function fails(action, ErrorClass, code) {
    let thrown;
    try {
        await action();
    } catch (error) {
        thrown = error;
    }
    assert.ok(thrown instanceof ErrorClass, `${ thrown } is not a ${ ErrorClass.name }`);
    assert.ok(thrown instanceof Error);
    assert.equal(thrown.code, code);
    assert.match(thrown.stack, /\bfails\b/);
}
