import { open as openDatastore } from './kixx.mjs';

export const settings = { disk: "storage: 'disk', otherwise the same" };

export const hasViews = true;

export const open = (directory, options) => openDatastore(directory, { ...options, storage: 'disk' });
