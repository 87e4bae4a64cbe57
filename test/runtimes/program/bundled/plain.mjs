// The package, and nothing handed over.
import { Taesd } from 'taesd-wasm';
import { examine } from './examine.mjs';

// A page's test reads the promise, that of a process its output.
globalThis.examined = examine(() => Taesd.load({ model: 'nano', workers: 2 }));
globalThis.examined.then((found) => globalThis.process?.stdout.write(JSON.stringify(found)));
