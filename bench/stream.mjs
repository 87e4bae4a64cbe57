// node bench/stream.mjs [--frames N]: latents of 512×512 that a Python sender replays over a
// WebSocket to a page, from the built package. Prints pictures a second, and the time from the
// sender's `send` to the end of putImageData: median and 95th percentile. Needs ../shared, Chromium
// and Debian's python3-numpy and python3-websockets.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readSafetensors, toTensor } from '../dist/index.js';
import { machine, median } from './machine.mjs';
import { table } from './peers/report.mjs';
import { browserVersion, startBrowser } from './webgpu/browser.mjs';

const { values } = parseArgs({ options: { frames: { type: 'string', default: '300' } } });
const GOLDEN = new URL('../../shared/golden/taesd-astronaut-512x512.safetensors', import.meta.url);
const REPLAY = fileURLToPath(new URL('stream/replay.py', import.meta.url));
const PYTHON = '/usr/bin/python3';
/** The first pictures are not counted: V8 compiles the kernels anew. */
const WARM_UP = 30;

/** Instances by their workers, frames on their way, and the sender's pause after each. */
const ROWS = [
  { workers: [1, 1], inFlight: 1, interval: 0 },
  { workers: [1, 1], inFlight: 2, interval: 0 },
  { workers: [1, 1], inFlight: 3, interval: 0 },
  { workers: [2], inFlight: 1, interval: 0 },
  { workers: [2], inFlight: 2, interval: 0 },
  { workers: [2], inFlight: 2, interval: 100 },
];

const folder = mkdtempSync(join(tmpdir(), 'taesd-stream-'));
const file = join(folder, 'latents.f32');
const { tensors } = readSafetensors(readFileSync(GOLDEN));
const { shape, data } = toTensor(tensors.get('latents'), 'latents');
writeFileSync(file, data);

console.log(`${machine()}, ${browserVersion()}, load ${loadavg()[0].toFixed(1)}`);
const browser = await startBrowser('plain', '/bench/stream/page.mjs');
const rows = [];
let bytes = 0;
try {
  for (const row of ROWS) {
    const load = loadavg()[0];
    await browser.ask('load', row.workers);
    const { shown, dropped, side, replayed } = await run(row);
    bytes = replayed.bytes;
    if (side !== 512) throw new Error(`a picture of ${side} pixels`);
    const counted = shown.slice(WARM_UP);
    const seconds = (counted.at(-1).at - counted[0].at) / 1000;
    const latencies = counted.map(({ step, at }) => at - replayed.sent[step]).sort((a, b) => a - b);
    rows.push([
      row.workers.length === 1 ? `1 of ${row.workers[0]}` : `${row.workers.length} of 1`,
      `${row.inFlight}`,
      row.interval === 0 ? 'as fast as taken' : `every ${row.interval} ms`,
      ((counted.length - 1) / seconds).toFixed(1),
      median(latencies).toFixed(0),
      latencies[Math.floor(0.95 * latencies.length)].toFixed(0),
      median(counted.map(({ elapsedMs }) => elapsedMs)).toFixed(0),
      `${dropped}`,
      load.toFixed(1),
    ]);
    console.error(rows.at(-1).join(', '));
  }
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}
const head = ['instances, workers', 'in flight', 'sent', 'pictures a second', 'median ms'];
console.log(table([...head, '95 % ms', 'decoding ms', 'dropped', 'load'], rows));
console.log(`a frame: ${bytes} bytes`);

async function run({ inFlight, interval }) {
  const frames = interval === 0 ? Number(values.frames) : WARM_UP + 60;
  const options = ['--frames', frames, '--in-flight', inFlight, '--interval', interval];
  const python = spawn(PYTHON, [REPLAY, file, ...shape.slice(1), ...options].map(String), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  python.stdout.on('data', (piece) => {
    out += piece;
  });
  const ended = new Promise((resolve) => python.on('close', resolve));
  while (!out.includes('\n')) {
    if (python.exitCode !== null) throw new Error('the sender ended');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const shown = await browser.ask('show', Number.parseInt(out, 10));
  await ended;
  return { ...shown, replayed: JSON.parse(out.split('\n')[1]) };
}
