// A program on a host with limits: node host.mjs OPTIONS SIDE [WEIGHTS]. Loads a model, decodes
// latents of SIDE × SIDE, and prints what came of it. With WEIGHTS, the network is that folder.
import { readFile } from 'node:fs/promises';
import { Taesd } from '../../dist/index.js';

const [, , options, side, weights] = process.argv;
if (weights !== undefined) {
  globalThis.fetch = async (url) => {
    const bytes = await readFile(`${weights}/${new URL(url).pathname.split('/').at(-1)}`);
    return new Response(bytes);
  };
}
try {
  const taesd = await Taesd.load(JSON.parse(options));
  const data = new Float32Array(4 * side ** 2);
  const { width } = await taesd.decode({ shape: [1, 4, Number(side), Number(side)], data });
  console.log(JSON.stringify({ width, ...taesd.info }));
  taesd.dispose();
} catch ({ name, code, message }) {
  console.log(JSON.stringify({ name, code, message }));
}
