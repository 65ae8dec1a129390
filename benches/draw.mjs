// Draws docs/performance.md and its charts again from docs/performance.json, without measuring.
//
//   node benches/draw.mjs [directory]

import { fileURLToPath } from 'node:url';
import { drawResults } from './report/write.mjs';

drawResults(process.argv[2] ?? fileURLToPath(new URL('../docs', import.meta.url)));
