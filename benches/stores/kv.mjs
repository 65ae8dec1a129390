// A KeyValueStore as the rows of key-value stores want it.

/** @param {import('../../index.mjs').KeyValueStore} store */
export function keyValues(store) {
    return {
        asynchronous: true,
        get: (key) => store.get(key),
        getBytes: (key) => store.get(key),
        set: (key, value) => store.set(key, value),
        setBatch: (pairs) => store.setBatch(pairs),
        del: (key) => store.del(key),
        setNx: (key, value) => store.setNx(key, value),
        compareAndSwap: (key, expected, value) => store.compareAndSwap(key, expected, value),
        scan: (callback) => store.iterate('', callback),
        close: () => store.close(),
    };
}
