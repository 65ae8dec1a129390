import * as importers from './import.js';

export * from './import.js';
export default importers;
