// The kernels by the queries of Vite.
import { Taesd } from 'taesd-wasm';
import init from 'taesd-wasm/taesd.wasm?init';
import address from 'taesd-wasm/taesd.wasm?url';
import { examine } from './examine.mjs';

globalThis.examined = examine(async () => {
  // Throws unless these are the kernels.
  await init({ env: { memory: new WebAssembly.Memory({ initial: 1 }) } });
  const wasm = new Uint8Array(await (await fetch(address)).arrayBuffer());
  return Taesd.load({ model: 'nano', workers: 2, wasm });
});
