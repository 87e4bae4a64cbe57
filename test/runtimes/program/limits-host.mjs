// node limits-host.mjs OPTIONS: loads a model, decodes, and prints the width and `info`.
import { Taesd } from 'taesd-wasm';

const taesd = await Taesd.load(JSON.parse(process.argv[2]));
const { width } = await taesd.decode({ shape: [1, 4, 8, 8], data: new Float32Array(256) });
console.log(JSON.stringify({ width, ...taesd.info }));
taesd.dispose();
