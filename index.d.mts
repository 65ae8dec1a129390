import * as kixx from './index.js';

export * from './index.js';
export default kixx;
