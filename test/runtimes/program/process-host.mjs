// The conformance program in Node, Deno and Bun: one file for the three. Prints the result as a
// line of JSON.
import { readFile } from 'node:fs/promises';
import * as taesd from 'taesd-wasm';
import * as kernels from 'taesd-wasm/kernels';
import * as nano from 'taesd-wasm/nano';
import * as nanoSdxl from 'taesd-wasm/nano-sdxl';
import * as picture from 'taesd-wasm/picture';
import * as remote from 'taesd-wasm/remote';
import { conform } from './conformance.mjs';

const result = await conform({
  packaged: { taesd, nano, nanoSdxl, kernels, picture, remote },
  read: async (name) => new Uint8Array(await readFile(new URL(`files/${name}`, import.meta.url))),
  workers: true,
  compiles: true,
  clock: async () => performance.now(),
});
// Neither exit() nor anything else ends this process: workers that are disposed of must not keep
// it.
console.log(JSON.stringify(result));
