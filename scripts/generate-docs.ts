/** Brings the generated part of ARCHITECTURE.md up to date. Run by `npm run docs`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { withMachineTables } from './machine_tables.js';

const file = new URL('../ARCHITECTURE.md', import.meta.url);
writeFileSync(file, withMachineTables(readFileSync(file, 'utf8')));
