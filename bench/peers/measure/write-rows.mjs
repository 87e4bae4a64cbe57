// A program of its own, see stream.mjs. Decodes a picture of N×N (its argument) into a file of raw
// RGBA, row by row. Prints { aboveStartBytes, ms }.
import { residentBytes } from '../process-memory.mjs';

const startBytes = residentBytes('VmRSS');
const size = Number(process.argv[2]);

const { mkdtemp, open, readFile, rm } = await import('node:fs/promises');
const { tmpdir } = await import('node:os');
const { join } = await import('node:path');
const { Taesd } = await import('../../../dist/index.js');

const folder = new URL('../../../../shared/weights/', import.meta.url);
const decoder = await readFile(new URL('taesd_decoder.safetensors', folder));
const taesd = await Taesd.load({
  weights: { decoder },
  only: 'decoder',
  precision: 'f32',
  workers: 0,
});
const side = size / 8;
const data = new Float32Array(4 * side * side).map((_, i) => 2 * Math.sin(i / 7));
const latents = { shape: [1, 4, side, side], data };

const target = await mkdtemp(join(tmpdir(), 'taesd-bench-'));
try {
  const file = await open(join(target, 'picture.rgba'), 'w');
  const started = performance.now();
  for await (const rows of taesd.decodeRows(latents)) await file.write(rows.data);
  const ms = performance.now() - started;
  await file.close();
  const aboveStartBytes = residentBytes('VmHWM') - startBytes;
  console.log(JSON.stringify({ aboveStartBytes, ms }));
} finally {
  await rm(target, { recursive: true });
}
