// node render.mjs --out DIR [--scenes N] [--processes P]
// Renders N scenes, seeds 0 to N - 1, into DIR/tiles.npy (u8 [N, 256, 256, 3]) and their labels
// into DIR/labels.json. P processes, 2 by default, render parts of it side by side. A run that was
// stopped goes on: what is in `tiles.npy.done` is not rendered again. weights/nano/encode.mjs reads it.
import { fork } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { LABELS, labelsOf, renderScene } from './scenes.mjs';

const SIZE = 256;
const BYTES = SIZE * SIZE * 3;
/** Scenes that a process renders before it notes them as done. */
const CHUNK = 64;
const HEADER_BYTES = 128;

/** Returns the header of an .npy file of version 1 that holds N pictures. */
function npyHeader(scenes) {
  const text = `{'descr': '|u1', 'fortran_order': False, 'shape': (${scenes}, ${SIZE}, ${SIZE}, 3), }`;
  const header = Buffer.alloc(HEADER_BYTES, ' ');
  header.write('\x93NUMPY\x01\x00', 'latin1');
  header.writeUInt16LE(HEADER_BYTES - 10, 8);
  header.write(text, 10, 'latin1');
  header.write('\n', HEADER_BYTES - 1);
  return header;
}

/** Reads which chunks are in the file. */
function doneChunks(log) {
  if (!existsSync(log)) return new Set();
  return new Set(readFileSync(log, 'utf8').split('\n').filter(Boolean).map(Number));
}

/** Renders the chunks of one process. */
function renderPart(folder, scenes, { part, processes }) {
  const file = join(folder, 'tiles.npy');
  const log = `${file}.done`;
  const done = doneChunks(log);
  const handle = openSync(file, 'r+');
  const bytes = Buffer.alloc(CHUNK * BYTES);
  for (let first = part * CHUNK; first < scenes; first += processes * CHUNK) {
    const count = Math.min(CHUNK, scenes - first);
    const key = first + count;
    if (done.has(key)) continue;
    for (let i = 0; i < count; i++) bytes.set(renderScene(first + i, {}, SIZE).data, i * BYTES);
    writeSync(handle, bytes, 0, count * BYTES, HEADER_BYTES + first * BYTES);
    appendFileSync(log, `${key}\n`);
  }
  closeSync(handle);
}

/** Writes each scene's labels as indices into the lists of values. */
function writeLabels(folder, scenes) {
  const rows = Array.from({ length: scenes }, (_, seed) => {
    const labels = labelsOf(seed);
    return Object.entries(LABELS).map(([name, values]) => values.indexOf(labels[name]));
  });
  const text = JSON.stringify({ size: SIZE, labels: LABELS, scenes: rows });
  writeFileSync(join(folder, 'labels.json'), text);
}

async function main() {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      scenes: { type: 'string', default: '12000' },
      processes: { type: 'string', default: '2' },
      part: { type: 'string' },
    },
  });
  const [scenes, processes] = [Number(values.scenes), Number(values.processes)];
  if (values.part !== undefined) {
    renderPart(values.out, scenes, { part: Number(values.part), processes });
    return;
  }
  mkdirSync(values.out, { recursive: true });
  const file = join(values.out, 'tiles.npy');
  closeSync(openSync(file, 'a'));
  truncateSync(file, HEADER_BYTES + scenes * BYTES);
  const handle = openSync(file, 'r+');
  writeSync(handle, npyHeader(scenes), 0, HEADER_BYTES, 0);
  closeSync(handle);
  writeLabels(values.out, scenes);
  const children = Array.from({ length: processes }, (_, part) =>
    fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), '--part', String(part)]),
  );
  const codes = await Promise.all(
    children.map((child) => new Promise((resolve) => child.on('exit', resolve))),
  );
  if (codes.some((code) => code !== 0)) process.exitCode = 1;
}

await main();
