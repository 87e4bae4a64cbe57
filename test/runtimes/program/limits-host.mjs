// limits-host.mjs OPTIONS: loads a model, decodes, and prints the width and `info`. The network is
// the folder files.
import { readFile } from 'node:fs/promises';
import { Taesd } from 'taesd-wasm';

globalThis.fetch = async (url) => {
  const name = new URL(url).pathname.split('/').at(-1);
  return new Response(await readFile(new URL(`files/${name}`, import.meta.url)));
};
const taesd = await Taesd.load(JSON.parse(process.argv[2]));
const side = 8;
const shape = [1, taesd.info.model === 'nano' ? 4 : 16, side, side];
const data = new Float32Array(shape[1] * side * side);
const { width } = await taesd.decode({ shape, data });
console.log(JSON.stringify({ width, ...taesd.info }));
taesd.dispose();
