// Encodes the tiles of pictures.py with the encoder of one TAESD, by this package itself (its dist/):
//   node encode.mjs --space taesdxl --data DIR --weights DIR
// Reads DIR/tiles.npy and the weights of taesdxl's encoder, and writes DIR/latents-taesdxl.npy,
// float32 [N,C,24,24]. Two processes share the tiles. A run that was stopped goes on where it was.
import { fork } from 'node:child_process';
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Taesd, VARIANTS } from '../../dist/index.js';
import { parseHeader } from '../../dist/npy/header.js';
import { writeNpy } from '../../dist/npy/npy.js';

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
/** The numbers of the latents alone, until all are there. */
const partPath = join(data, `latents-${space}.part`);

/** Returns the shape in the header of an .npy file of version 1, and the offset of its numbers. */
function npyHead(path) {
  const file = openSync(path);
  const start = Buffer.alloc(256);
  readSync(file, start, 0, 256, 0);
  closeSync(file);
  const offset = 10 + start.readUInt16LE(8);
  return { offset, shape: parseHeader(start.toString('latin1', 10, offset)).shape };
}

const { latentChannels, downscale } = VARIANTS[space];
const { offset: tilesAt, shape: tilesShape } = npyHead(tilesPath);
const [count, size] = tilesShape;
const side = size / downscale;
const latentBytes = 4 * latentChannels * side * side;

/** Encodes every PROCESSES-th tile, from the `part`-th on. */
async function encodePart(part) {
  const counter = `${partPath}.${part}`;
  const begun = existsSync(counter) ? Number(readFileSync(counter, 'utf8')) : part;
  const options = { model: space, weights, only: 'encoder', precision: 'fast', workers: 0 };
  const taesd = await Taesd.load(options);
  const [tiles, out] = [openSync(tilesPath), openSync(partPath, 'r+')];
  const tile = new Uint8Array(size * size * 3);
  for (let n = begun, done = 1; n < count; n += PROCESSES, done++) {
    readSync(tiles, tile, 0, tile.length, tilesAt + n * tile.length);
    const latents = await taesd.encode({ width: size, height: size, data: tile });
    writeSync(out, latents.data, 0, latentBytes, n * latentBytes);
    if (done % SAVE_EVERY === 0) {
      writeFileSync(counter, `${n + PROCESSES}`);
      if (part === 0) console.log(`${space}: ${n} of ${count} tiles`);
    }
  }
}

if (values.part !== undefined) await encodePart(Number(values.part));
else if (!existsSync(outPath)) {
  if (!existsSync(partPath)) {
    closeSync(openSync(partPath, 'a'));
    truncateSync(partPath, count * latentBytes);
  }
  const parts = Array.from({ length: PROCESSES }, (_, part) => `${part}`);
  const codes = await Promise.all(
    parts.map((part) => {
      const child = fork(process.argv[1], [...process.argv.slice(2), '--part', part]);
      return new Promise((resolve) => child.once('exit', resolve));
    }),
  );
  if (codes.some((code) => code !== 0)) process.exit(1);
  const numbers = new Float32Array(readFileSync(partPath).buffer);
  const shape = [count, latentChannels, side, side];
  writeFileSync(outPath, writeNpy({ shape, data: numbers }));
  for (const end of ['', ...parts.map((part) => `.${part}`)]) {
    rmSync(`${partPath}${end}`, { force: true });
  }
}
