// node examples/edge-worker/measure.mjs
// Builds the worker and measures workerd from outside, beside a worker that does nothing: start-up,
// memory, time to the first bytes, time for a picture. Memory is measured on Linux only. For
// figures to publish, run it on an otherwise idle machine.
import { VARIANTS } from 'taesd-wasm';
import { REMOTE_LIMITS } from 'taesd-wasm/remote';
import { buildWorker, checkSize } from './build.mjs';
import { workerdVersion } from './tools/install.mjs';
import { rawRequest, sampleLatents } from './tools/sample.mjs';
import { startWorkerd } from './tools/workerd.mjs';

const STARTS = 11;
const PICTURES = 40;
const TARGET = { startMs: 100, bytes: 128e6 };
const AT_ONCE = 1 + REMOTE_LIMITS.waiting;

/** Changes the config to a worker that does nothing. */
const empty = (config) =>
  config.replace(
    /modules = \[.*?\n {2}\],/s,
    'modules = [ (name = "worker.js", esModule = "export default { fetch() { return new Response() } }") ],',
  );

/**
 * Makes V8 collect garbage all the time, as it would near its limit. By default it lets much pile
 * up.
 */
const collecting = (config) =>
  config.replace(
    'services = [',
    'v8Flags = ["--gc-global", "--gc-interval=1000"],\n  services = [',
  );

const { downscale } = VARIANTS.taesd;
const largest = REMOTE_LIMITS.width / downscale;
/** Width and height of the latents. */
const SIZES = [
  [64, 64],
  [largest, REMOTE_LIMITS.pixels / downscale ** 2 / largest],
];

checkSize(await buildWorker());
console.log(`workerd ${workerdVersion()}`);
const emptyPeak = await startUp();
await memory(emptyPeak);
await streaming();

/** @returns the peak memory of a process whose worker does nothing */
async function startUp() {
  const requests = [rawRequest(await sampleLatents(8, 8)), rawRequest(await sampleLatents(64, 64))];
  const rows = { empty: [], ours: [], small: [], large: [], emptyCpu: [], oursCpu: [] };
  const peaks = [];
  for (let n = 0; n < STARTS; n++) {
    const nothing = await startWorkerd(empty);
    rows.empty.push(nothing.startMs);
    rows.emptyCpu.push(nothing.cpuMs());
    peaks.push(nothing.memory().peak);
    await nothing.stop();
    const ours = await startWorkerd();
    rows.ours.push(ours.startMs);
    rows.oursCpu.push(ours.cpuMs());
    await ours.stop();
    for (const [i, name] of ['small', 'large'].entries()) {
      const fresh = await startWorkerd();
      const { totalMs } = await timed(fresh, requests[i]);
      rows[name].push(fresh.startMs + totalMs);
      await fresh.stop();
    }
  }
  const text = (list) => `${median(list).toFixed(0)} ms (${Math.min(...list).toFixed(0)} at best)`;
  const apart = rows.ours.map((value, n) => value - rows.empty[n]);
  print(
    'start-up, medians',
    ['from the start of the process to', ''],
    [
      ['the first answer of a worker that does nothing', text(rows.empty)],
      ['the first answer of this worker', text(rows.ours)],
      [`the difference, at most ${TARGET.startMs} ms`, `${median(apart).toFixed(0)} ms`],
      ['the same in processor time', `${median(rows.oursCpu) - median(rows.emptyCpu)} ms`],
      ['its first picture, 64×64', text(rows.small)],
      ['its first picture, 512×512', text(rows.large)],
    ],
  );
  return median(peaks);
}

/**
 * Sends each size to a fresh process: many pictures in sequence, then as many at once as it admits.
 */
async function memory(emptyPeak) {
  const rows = [];
  for (const [width, height] of SIZES) {
    const request = rawRequest(await sampleLatents(width, height));
    for (const [name, change] of Object.entries({ 'as it runs': undefined, collecting })) {
      const worker = await startWorkerd(change);
      for (let n = 0; n < PICTURES; n++) await timed(worker, request);
      const { peak } = worker.memory();
      await Promise.all(Array.from({ length: AT_ONCE }, () => timed(worker, request)));
      const above = worker.memory().peak - emptyPeak;
      await worker.stop();
      const size = `${width * downscale}×${height * downscale}, ${name}`;
      const reached = above <= TARGET.bytes ? 'yes' : 'NO';
      rows.push([size, MB(peak), MB(peak - emptyPeak), MB(above), reached]);
    }
  }
  const many = `${AT_ONCE} more at once`;
  const head = [`${PICTURES} pictures`, 'process', 'above empty', many, 'at most 128 MB'];
  print(`memory, peak; a worker that does nothing: ${MB(emptyPeak)}`, head, rows);
}

async function streaming() {
  const rows = [];
  const worker = await startWorkerd();
  for (const [width, height] of SIZES) {
    const request = rawRequest(await sampleLatents(width, height));
    for (let n = 0; n < 3; n++) await timed(worker, request);
    const before = worker.cpuMs();
    const runs = [];
    for (let n = 0; n < 7; n++) runs.push(await timed(worker, request));
    const cpu = (worker.cpuMs() - before) / runs.length;
    const of = (key) => median(runs.map((run) => run[key]));
    rows.push([
      `${width * downscale}×${height * downscale}`,
      `${of('firstMs').toFixed(0)} ms`,
      `${of('totalMs').toFixed(0)} ms`,
      `${of('pieces')}`,
      `${Math.round(of('bytes') / 1000)} kB`,
      `${cpu.toFixed(0)} ms`,
    ]);
  }
  await worker.stop();
  const head = ['warm', 'first bytes', 'last', 'pieces read', 'PNG', 'processor time'];
  print('streaming, medians', head, rows);
}

/** Requests one picture and reads it to its end. */
async function timed({ url }, [path, options]) {
  const started = performance.now();
  const answer = await fetch(url + path, options);
  if (answer.status !== 200) throw new Error(await answer.text());
  let [pieces, bytes, firstMs] = [0, 0, 0];
  for await (const piece of answer.body) {
    if (pieces++ === 0) firstMs = performance.now() - started;
    bytes += piece.length;
  }
  return { firstMs, totalMs: performance.now() - started, pieces, bytes };
}

function median(list) {
  return [...list].sort((a, b) => a - b)[list.length >> 1];
}

function MB(bytes) {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

function print(title, head, rows) {
  console.log(`\n${title}\n| ${head.join(' | ')} |\n|${head.map(() => ' --- |').join('')}`);
  for (const row of rows) console.log(`| ${row.join(' | ')} |`);
}
