// A program of its own, see fresh-nano.mjs. Loads nano, from the package's files or from the text
// of its module (its argument: files or text), and decodes 256×256 once.
import { Taesd } from '../../../dist/index.js';

const [from] = process.argv.slice(2);
const taesd = await Taesd.load(
  from === 'text' ? (await import('../../../dist/nano.js')).nano() : { model: 'nano' },
);
const latents = { shape: [1, 4, 32, 32], data: new Float32Array(4096).map((_, i) => Math.sin(i)) };
await taesd.decode(latents);
