// All in one file, as docs/bundlers.md has it.
import { load } from '../docs/load.js';
import { examine } from './examine.mjs';

globalThis.examined = examine(load);
globalThis.examined.then((found) => globalThis.process?.stdout.write(JSON.stringify(found)));
