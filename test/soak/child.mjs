// One arrangement of the soak, in a process of its own: see run.mjs.
import { getEventListeners } from 'node:events';
import { makeCalls } from './calls.mjs';

const [minutes, seed, workers] = process.argv.slice(2).map(Number);
/** Rounds of all calls before memory counts: meanwhile code is compiled and memory grows. */
const WARM_ROUNDS = 6;
/** The growth of the heap that is allowed, in bytes. */
const HEAP_BYTES = 2e6;
/** A call that has not settled by then never will. */
const LOST_MS = 60_000;
const MAX_FAULTS = 10;
/** The pipes to the parent process. */
const EXPECTED = new Set(['PipeWrap', 'TTYWrap']);

const report = (message) => process.send(message);
/** A signal as long-lived as the process, which many calls get. */
const lasting = new AbortController().signal;
const random = seededRandom(seed);
const { calls, instances, models } = await makeCalls({ workers, random, signal: lasting });
report({ line: `models: ${models.join(', ')}` });

const tallies = new Map(calls.map(([name]) => [name, 0]));
let count = 0;
let faults = 0;
for (let round = 0; round < WARM_ROUNDS; round++) for (const call of calls) await run(call);
const before = await sample();
report({ line: before.text });

const end = performance.now() + minutes * 60_000;
const every = (minutes * 60_000) / 10;
let next = performance.now() + every;
while (performance.now() < end) {
  await run(calls[Math.floor(random() * calls.length)]);
  if (performance.now() < next) continue;
  report({ line: (await sample()).text });
  next += every;
}
const after = await sample();
report({ line: `${[...tallies].map(([name, n]) => `${name} ${n}`).join(', ')}` });
report({ line: `heap ${signed((after.heap - before.heap) / 1e6, 2)} MB` });
if (after.wasm !== before.wasm) report({ fault: `WASM memory ${before.wasm} → ${after.wasm}` });
if (after.heap - before.heap > HEAP_BYTES) report({ fault: 'the heap grew by more than 2 MB' });
if (after.listeners > 0) report({ fault: `${after.listeners} listeners are left on a signal` });
for (const instance of instances) instance.dispose();
await new Promise((resolve) => setTimeout(resolve, 1000));
const open = process.getActiveResourcesInfo().filter((name) => !EXPECTED.has(name));
if (open.length > 0) report({ fault: `left at the end: ${open.join(', ')}` });
const kept = memoryOf(instances);
if (kept > 0) report({ fault: `${kept} bytes of WASM memory are left after dispose` });
report({ done: true });

/** Runs a call, and reports what is wrong with its result. */
async function run([name, work]) {
  count++;
  tallies.set(name, tallies.get(name) + 1);
  let timer;
  const lost = new Promise((resolve) => {
    timer = setTimeout(resolve, LOST_MS, `not settled after ${LOST_MS} ms`);
  });
  const fault = await Promise.race([work().catch((error) => error?.stack ?? `${error}`), lost]);
  clearTimeout(timer);
  if (fault !== undefined && faults++ < MAX_FAULTS) report({ fault: `${name}: ${fault}` });
}

/** Measures what is kept once garbage is collected. */
async function sample() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  const wasm = memoryOf(instances);
  const listeners = getEventListeners(lasting, 'abort').length;
  const text =
    `${count} calls: WASM ${(wasm / 1e6).toFixed(1)} MB, heap ${(heapUsed / 1e6).toFixed(2)} MB, ` +
    `external ${(external / 1e6).toFixed(1)} MB, process ${(rss / 1e6).toFixed(0)} MB, ` +
    `listeners ${listeners}`;
  return { wasm, heap: heapUsed, listeners, text };
}

function memoryOf(all) {
  return all.reduce((sum, { info }) => sum + info.memoryBytes, 0);
}

function signed(value, digits) {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`;
}

/** Returns a generator of numbers in [0, 1) that depend on the seed alone: Mulberry32. */
function seededRandom(start) {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
