'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');
const { TEXT } = require('../../lib/flat-kinds.js');
const { batchMapper } = require('../../lib/view-map.js');

/** A batch of documents as text. */
function batchOf(documents) {
    const texts = documents.map((document) => JSON.stringify(document));
    const kinds = Uint8Array.from(texts, () => TEXT);
    return [kinds, Float64Array.from(texts, ({ length }) => length), texts.join('')];
}

function rowsOf(map, documents, id = 'v') {
    return JSON.parse(batchMapper(id, { map })(batchOf(documents)));
}

async function warning(cause) {
    const warned = once(process, 'warning');
    await cause();
    const [{ name, code, message }] = await warned;
    return { name, code, message };
}

test('rows per document, in order', () => {
    const rows = rowsOf((document, emit) => {
        emit(document.a);
        emit([document.a, null], { title: 'x' });
        emit(document.a, undefined);
        emit(document.a, null);
    }, [{ a: 1 }, {}]);
    assert.deepEqual(rows, [
        [[1], [[1, null], { title: 'x' }], [1], [1, null]],
        [[null], [[null, null], { title: 'x' }], [null], [null, null]],
    ]);
    assert.deepEqual(rowsOf(() => undefined, [{}, {}]), [[], []]);
    assert.deepEqual(rowsOf((document, emit) => emit(-0, { '0': [] }), [{}]), [[[0, { '0': [] }]]]);
    assert.deepEqual(rowsOf((document, emit) => emit(1e300, NaN), [{}]), [[[1e300, null]]]);
    assert.deepEqual(rowsOf((document, emit) => emit(Symbol('x'), () => 1), [{}]), [[[null, null]]]);
});

test('the view is `this`, and 10,000 rows of one document are fine', () => {
    const view = { factor: 3, map(document, emit) {
        for (let i = 0; i < 10_000; i += 1) {
            emit(i * this.factor, document);
        }
    } };
    const [rows] = JSON.parse(batchMapper('v', view)(batchOf([{ a: 1 }])));
    assert.equal(rows.length, 10_000);
    assert.deepEqual(rows[9_999], [29_997, { a: 1 }]);
});

test('a map that throws fails its document alone, and warns once', async () => {
    const warned = await warning(() => {
        const rows = rowsOf((document, emit) => {
            emit('before');
            if (document.bad) {
                throw new Error(`no ${ document.bad }`);
            }
        }, [{ bad: 1 }, {}, { bad: 2 }], 'by "name"');
        assert.deepEqual(rows, ['no 1', [['before']], 'no 2']);
    });
    assert.equal(warned.name, 'DatastoreWarning');
    assert.equal(warned.code, 'KIXX_VIEW_FAILED');
    assert.match(warned.message, /view "by \\"name\\"" threw for a document, .*: no 1\. /);
});

test('whatever is thrown or emitted, the batch has an answer', async () => {
    await warning(() => {
        for (const thrown of [null, undefined, 5, 'text', Object.create(null), { get message() {
            throw new Error('x');
        } }]) {
            const [result] = rowsOf(() => {
                throw thrown;
            }, [{}]);
            assert.equal(typeof result, 'string');
        }
        const cycle = [];
        cycle.push(cycle);
        const unfit = [1n, cycle];
        assert.deepEqual(
            rowsOf((document, emit) => emit(unfit.pop()), [{}, {}]).map((row) => typeof row),
            ['string', 'string']
        );
        function endless() {
            return endless() + 1;
        }
        assert.equal(typeof rowsOf(endless, [{}])[0], 'string');
    });
});

test('emit after the map returned gives no row, and warns', async () => {
    let late;
    const warned = await warning(() => {
        const rows = rowsOf((document, emit) => {
            emit('in time');
            late ??= emit;
        }, [{}, {}]);
        assert.deepEqual(rows, [[['in time']], [['in time']]]);
        late('too late');
        late('too late');
    });
    assert.equal(warned.code, 'KIXX_VIEW_LATE');
});

test('an async map emits up to its first await; its rejection is never unhandled', async () => {
    const warned = await warning(() => {
        const rows = rowsOf(async (document, emit) => {
            emit('in time');
            await null;
            throw new Error('rejected');
        }, [{}]);
        assert.deepEqual(rows, [[['in time']]]);
    });
    assert.equal(warned.code, 'KIXX_VIEW_FAILED');
    assert.match(warned.message, /: rejected\. /);
});
