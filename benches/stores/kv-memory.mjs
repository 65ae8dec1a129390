import { Distributor } from '../../index.mjs';
import { keyValues } from './kv.mjs';

export const settings = { 'key-value memory': 'backend memory, volatile' };

export async function open() {
    return keyValues(await new Distributor().getOrCreate('bench', 'memory'));
}
