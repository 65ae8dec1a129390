import { Distributor } from '../../index.mjs';
import { keyValues } from './kv.mjs';

export const settings = {
    'key-value disk': 'backend disk, default cache, durability: sync, fdatasync before a promise settles',
};

export async function open(directory, { durability = 'sync' } = {}) {
    return keyValues(await new Distributor({ directory }).getOrCreate('bench', 'disk', { durability }));
}
