// Encodes the tiles of pictures.py with the encoder of one TAESD, by this package itself (its dist/):
//   node encode.mjs --space taesdxl --data DIR --weights DIR
// Reads DIR/tiles.npy and the weights of taesdxl's encoder, and writes DIR/latents-taesdxl.npy,
// float32 [N,C,24,24]. Two processes share the tiles. A run that was stopped goes on where it was.
import { fork } from 'node:child_process';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Taesd, VARIANTS } from '../../dist/index.js';

const TILE = 192;
const PROCESSES = 2;
const SAVE_EVERY = 250;

const { values } = parseArgs({
  options: {
    space: { type: 'string' },
    data: { type: 'string' },
    weights: { type: 'string' },
    part: { type: 'string' },
  },
});
const { space, data, weights } = values;
const tilesPath = join(data, 'tiles.npy');
const outPath = join(data, `latents-${space}.npy`);
const partPath = join(data, `latents-${space}.part.npy`);

/** Returns the shape in the header of an .npy file, and the offset of its numbers. */
function npyHead(path) {
  const file = openSync(path);
  const start = Buffer.alloc(256);
  readSync(file, start, 0, 256, 0);
  closeSync(file);
  const offset = 10 + start.readUInt16LE(8);
  const [, numbers] = /'shape': \(([\d, ]+)\)/.exec(start.toString('latin1', 10, offset));
  return { offset, shape: numbers.split(',').filter(Boolean).map(Number) };
}

function npyHeader(shape) {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`;
  const size = Math.ceil((10 + text.length + 1) / 64) * 64;
  const head = Buffer.from(`\x93NUMPY\x01\x00  ${text.padEnd(size - 11)}\n`, 'latin1');
  head.writeUInt16LE(size - 10, 8);
  return head;
}

const { latentChannels } = VARIANTS[space];
const side = TILE / 8;
const { offset: tilesAt, shape } = npyHead(tilesPath);
const header = npyHeader([shape[0], latentChannels, side, side]);
const latentBytes = 4 * latentChannels * side * side;

/** Encodes every PROCESSES-th tile, from the `part`-th on. */
async function encodePart(part) {
  const counter = `${partPath}.${part}`;
  const begun = existsSync(counter) ? Number(readFileSync(counter, 'utf8')) : part;
  const options = { model: space, weights, only: 'encoder', precision: 'fast', workers: 0 };
  const taesd = await Taesd.load(options);
  const [tiles, out] = [openSync(tilesPath), openSync(partPath, 'r+')];
  const tile = new Uint8Array(TILE * TILE * 3);
  for (let n = begun, done = 1; n < shape[0]; n += PROCESSES, done++) {
    readSync(tiles, tile, 0, tile.length, tilesAt + n * tile.length);
    const latents = await taesd.encode({ width: TILE, height: TILE, data: tile });
    writeSync(out, latents.data, 0, latentBytes, header.length + n * latentBytes);
    if (done % SAVE_EVERY === 0) {
      writeFileSync(counter, `${n + PROCESSES}`);
      if (part === 0) console.log(`${space}: ${n} of ${shape[0]} tiles`);
    }
  }
}

if (values.part !== undefined) await encodePart(Number(values.part));
else if (!existsSync(outPath)) {
  if (!existsSync(partPath)) {
    const file = openSync(partPath, 'w');
    writeSync(file, header);
    ftruncateSync(file, header.length + shape[0] * latentBytes);
    closeSync(file);
  }
  const parts = Array.from({ length: PROCESSES }, (_, part) => `${part}`);
  const codes = await Promise.all(
    parts.map((part) => {
      const child = fork(process.argv[1], [...process.argv.slice(2), '--part', part]);
      return new Promise((resolve) => child.once('exit', resolve));
    }),
  );
  if (codes.some((code) => code !== 0)) process.exit(1);
  renameSync(partPath, outPath);
  for (const part of parts) rmSync(`${partPath}.${part}`, { force: true });
}
