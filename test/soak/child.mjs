// One arrangement of the soak, in a process of its own: see run.mjs.
import { seededRandom } from '../random.ts';
import { makeCalls } from './calls.mjs';
import { faultsOf, inMB, trendOf } from './growth.mjs';
import { loadOptions, rigOf } from './models.mjs';
import { handles, sample } from './probe.mjs';

const [minutes, seed, workers] = process.argv.slice(2).map(Number);
/** Rounds of all calls before memory counts: meanwhile code is compiled and memory grows. */
const WARM_ROUNDS = 10;
const SAMPLES = 20;
/** A call that has not settled by then never will. */
const LOST_MS = 60_000;
const MAX_FAULTS = 10;

const report = (message) => process.send(message);
const fault = (text) => report({ fault: text });
process.on('warning', (warning) => fault(`a warning: ${warning}`));
/** A signal as long-lived as the process, which many calls get. */
const signal = new AbortController().signal;
const random = seededRandom(seed);
const loads = await loadOptions(workers);
const rigs = [];
for (const options of loads) rigs.push(await rigOf(options, random));
const instances = rigs.map(({ taesd }) => taesd);
const calls = await makeCalls({ rigs, loads, random, signal });
report({ line: `models: ${loads.map((one) => `${one.model} ${one.precision}`).join(', ')}` });

const tallies = new Map(calls.map(([name]) => [name, 0]));
let count = 0;
let faults = 0;
for (let round = 0; round < WARM_ROUNDS; round++) for (const call of calls) await run(call);
const warm = count;
const samples = [await measure()];

const start = performance.now();
for (let i = 1; i <= SAMPLES; i++) {
  const until = start + (i / SAMPLES) * minutes * 60_000;
  do await run(calls[Math.floor(random() * calls.length)]);
  while (performance.now() < until);
  samples.push(await measure());
}
report({ line: `calls: ${[...tallies].map(([name, n]) => `${name} ${n}`).join(', ')}` });
const grown = ['heap', 'buffers', 'heap of workers', 'buffers of workers', 'process'].map(
  (name) => {
    const values = samples.map((one) => one[name]);
    const change = inMB(values.at(-1) - values[0]);
    return `${name} ${change} (trend ${inMB(trendOf(values))})`;
  },
);
report({ line: `${count - warm} calls after the warm-up: ${grown.join(', ')}` });
for (const text of faultsOf(samples)) fault(text);

for (const instance of instances) instance.dispose();
const after = await sample({ signal, workers: 0 });
for (const name of ['workers', 'WASM memories', 'listeners on a signal']) {
  if (after[name] !== 0) fault(`after dispose: ${after[name]} ${name}`);
}
const open = handles();
if (open.length > 0) fault(`after dispose: ${open.join(', ')}`);
const kept = instances.reduce((sum, { info }) => sum + info.memoryBytes, 0);
if (kept > 0) fault(`after dispose: info still counts ${kept} bytes`);
report({ line: `after dispose: ${shown(after)}` });
report({ done: true });

/** Runs a call, and reports what is wrong with its result. */
async function run([name, work]) {
  count++;
  tallies.set(name, tallies.get(name) + 1);
  let timer;
  const lost = new Promise((resolve) => {
    timer = setTimeout(resolve, LOST_MS, `not settled after ${LOST_MS} ms`);
  });
  const wrong = await Promise.race([work().catch((error) => error?.stack ?? `${error}`), lost]);
  clearTimeout(timer);
  if (wrong !== undefined && faults++ < MAX_FAULTS) fault(`${name}: ${wrong}`);
}

/** Takes a sample and shows it. */
async function measure() {
  const running = instances.reduce((sum, { info }) => sum + info.workers, 0);
  const one = await sample({ signal, workers: running });
  report({ line: `${`${count}`.padStart(6)} calls: ${shown(one)}` });
  return one;
}

function shown(one) {
  const bytes = (name) => `${(one[name] / 1e6).toFixed(2)} MB`;
  return (
    `WASM ${bytes('WASM memory')} in ${one['WASM memories']}, heap ${bytes('heap')}, ` +
    `buffers ${bytes('buffers')}, workers ${one.workers}: heap ${bytes('heap of workers')}, ` +
    `buffers ${bytes('buffers of workers')}, process ${bytes('process')}, ` +
    `listeners ${one['listeners on a signal']} and ${one['listeners on the process']}, ` +
    `files ${one['open files'] ?? '?'}, threads ${one.threads ?? '?'}, handles [${one.handles}]`
  );
}
