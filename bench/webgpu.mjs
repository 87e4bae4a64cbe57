// npm run bench:webgpu: this project's WebGPU backend beside onnxruntime-web's WebGPU provider and
// tfjs's WebGPU backend, in one browser on one adapter: a GPU if there is one (512² and 1024²),
// else the software adapter (128²), and labelled as such.
//   --runs N       timed runs of each, in turns. Defaults to 5 on a GPU, 2 on a software adapter
//   --firsts N     first pictures of each, every one in a browser of its own. Defaults to 3, or 1
//   --size N       this size alone
//   --software     the software adapter, even if there is a GPU
//   --tune         the tuning alone: other choices than those of src/backend/webgpu/tuning.ts, at
//                  1024² on a GPU and at 64² on a software adapter, and the best of them
// Writes out/webgpu.json. On a software adapter the peers take a quarter of a minute a picture, the
// whole about five minutes.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machine, median } from './machine.mjs';
import { installPeers } from './peers/install.mjs';
import { table } from './peers/report.mjs';
import { missingFile } from './peers/shared.mjs';
import { browserVersion, startBrowser } from './webgpu/browser.mjs';
import { tune, tuningReport } from './webgpu/tune.mjs';

const options = {
  runs: { type: 'string' },
  firsts: { type: 'string' },
  size: { type: 'string' },
  software: { type: 'boolean' },
  tune: { type: 'boolean' },
};
const { values } = parseArgs({ options });
const missing = missingFile();
if (missing !== undefined) {
  console.error(`bench:webgpu: expected the shared files beside the repository, got no ${missing}`);
  process.exit(1);
}

const OURS = 'webgpu';
const FAST = 'webgpu, fast';
const PEERS = ['onnxruntime', 'tfjs'];
/**
 * Multiply-adds of a decode and an encode of 512×512, as direct convolutions would do them
 * (measure.ts).
 */
const WORK = { decoder: 70.7e9, encoder: 61.1e9 };
const AT_MOST = { steady: 0.7, first: 0.5 };

const started = Date.now();
const progress = (text) =>
  console.error(`${((Date.now() - started) / 1000).toFixed(0).padStart(5)} s  ${text}`);

if (!values.tune) progress('installing the peers');
const versions = values.tune ? {} : installPeers(new URL('webgpu/', import.meta.url));
const { kind, adapter } = await findAdapter();
const sizes = values.size ? [Number(values.size)] : adapter.software ? [128] : [512, 1024];
const runs = Number(values.runs ?? (adapter.software ? 2 : 5));
const firsts = Number(values.firsts ?? (adapter.software ? 1 : 3));
const names = [OURS, ...(adapter.f16 ? [FAST] : []), 'wasm', ...PEERS];
progress(`${adapter.name}${adapter.software ? ', a software adapter' : ''}`);

const results = [];
for (const part of values.tune ? [] : ['decoder', 'encoder']) {
  results.push(...(await measureFirst(part, sizes[0])), ...(await measureSteady(part)));
}
const tuning = await measureTuning();
const peak = await measurePeak();
const judged = judge();

mkdirSync(new URL('../out/', import.meta.url), { recursive: true });
const fileName = fileURLToPath(new URL('../out/webgpu.json', import.meta.url));
const browser = browserVersion();
const report = { date: new Date().toISOString(), machine: machine(), browser, adapter, versions };
writeFileSync(
  fileName,
  `${JSON.stringify({ ...report, peak, results, judged, tuning }, null, 2)}\n`,
);
print();

/** Finds a GPU if there is one and it is wanted, else the software adapter. */
async function findAdapter() {
  for (const kind of values.software ? ['software'] : ['gpu', 'software']) {
    const browser = await startBrowser(kind);
    try {
      const adapter = await browser.ask('adapter');
      if (adapter && (kind === 'software' || !adapter.software)) return { kind, adapter };
    } finally {
      await browser.close();
    }
  }
  throw new Error('no WebGPU adapter');
}

/**
 * Times weights in memory to the first picture, compilation included, each time in a fresh browser.
 */
async function measureFirst(part, size) {
  const times = new Map(names.map((name) => [name, []]));
  const reasons = new Map();
  for (let round = 1; round <= firsts; round++) {
    for (const name of names) {
      progress(`${part} ${size}²: ${name}, first picture ${round} of ${firsts}`);
      const browser = await startBrowser(kind);
      try {
        times.get(name).push((await browser.ask('first', name, part, size)).ms);
      } catch (error) {
        reasons.set(name, error.message);
      }
      await browser.close();
    }
  }
  return names.map((name) => ({
    ...{ what: 'first', name, part, size },
    ...figures(times.get(name), reasons.get(name)),
  }));
}

/** Times all in one browser, in turns. */
async function measureSteady(part) {
  const browser = await startBrowser(kind);
  const rows = [];
  try {
    for (const size of sizes) {
      const times = new Map(names.map((name) => [name, []]));
      const reasons = new Map();
      const off = new Map();
      for (const name of names) {
        progress(`${part} ${size}²: ${name}, not timed`);
        try {
          const question = size === sizes[0] ? 'first' : 'settle';
          off.set(name, (await browser.ask(question, name, part, size)).largest);
        } catch (error) {
          reasons.set(name, error.message);
        }
      }
      for (let round = 1; round <= runs; round++) {
        for (const name of names.filter((name) => !reasons.has(name))) {
          progress(`${part} ${size}²: ${name}, run ${round} of ${runs}`);
          times.get(name).push(await browser.ask('run', name, part, size));
        }
      }
      for (const name of names) {
        const { [name]: reason } = Object.fromEntries(reasons);
        rows.push({
          ...{ what: 'steady', name, part, size },
          ...figures(times.get(name), reason),
          off: off.get(name),
        });
      }
    }
  } finally {
    await browser.close();
  }
  return rows;
}

const figures = (runs, reason) => ({ ms: reason ? undefined : median(runs), runs, reason });

async function measurePeak() {
  const browser = await startBrowser(kind);
  try {
    return await browser.ask('peak');
  } finally {
    await browser.close();
  }
}

/** Times other tunings than the default. */
async function measureTuning() {
  const browser = await startBrowser(kind);
  const { software } = adapter;
  try {
    const size = values.tune && values.size ? Number(values.size) : software ? 64 : 1024;
    const tuned = values.runs ? runs : software ? 1 : 15;
    return await tune(browser, { software, size, runs: tuned, progress });
  } finally {
    await browser.close();
  }
}

/** Compares this project with the better of the peers. */
function judge() {
  const find = (what, name, part, size) =>
    results.find((r) => r.what === what && r.name === name && r.part === part && r.size === size);
  return results
    .filter(({ name }) => name === OURS || name === FAST)
    .map(({ what, name, part, size, ms }) => {
      const peers = PEERS.map((peer) => find(what, peer, part, size)).filter(({ ms }) => ms);
      const best = peers.sort((a, b) => a.ms - b.ms)[0];
      const atMost = AT_MOST[what];
      if (best === undefined) return { what, name, part, size, atMost, reason: 'no peer ran' };
      const ratio = ms / best.ms;
      return {
        what,
        name,
        part,
        size,
        against: best.name,
        ratio,
        atMost,
        reached: ratio <= atMost,
      };
    });
}

function print() {
  const label = adapter.software ? `software adapter ${adapter.name}` : adapter.name;
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  console.log([machine(), `${browser}, ${label}`, packages.join(', ')].join('\n').trimEnd());
  const rateOf = (ms, size, part = 'decoder') => {
    // On a software adapter the figure would be that of other programs on the processor.
    if (adapter.software) return '';
    const rate = (WORK[part] * (size / 512) ** 2) / (ms / 1000);
    return `${(rate / 1e9).toFixed(1)} G/s, ${((100 * rate) / peak).toFixed(1)} %`;
  };
  if (values.tune) return console.log(tuningReport(tuning, rateOf));
  console.log(`medians of ${runs} interleaved runs; first picture: of ${firsts} fresh browsers\n`);
  const verb = { decoder: 'decode', encoder: 'encode' };
  const milliseconds = (ms) => (ms === undefined ? '–' : `${ms.toFixed(ms < 100 ? 1 : 0)} ms`);
  const share = ({ what, part, size, ms }) => {
    return what === 'first' || ms === undefined ? '' : rateOf(ms, size, part);
  };
  console.log(
    table(
      [
        '',
        'time',
        `direct multiply-adds/s, of the peak of ${(peak / 1e9).toFixed(1)} G/s`,
        'off ours by',
      ],
      results.map((result) => [
        `${verb[result.part]} ${result.size}²${result.what === 'first' ? ', first picture' : ''}: ${result.name}`,
        milliseconds(result.ms),
        share(result),
        result.off === undefined ? '' : result.off.toExponential(1),
      ]),
    ),
  );
  for (const { name, part, size, reason } of results) {
    if (reason !== undefined) console.log(`not run: ${name}, ${verb[part]} ${size}²: ${reason}`);
  }
  console.log();
  console.log(
    table(
      ['', 'against', 'measured', 'at most', 'reached'],
      judged.map(({ what, name, part, size, against, ratio, atMost, reached }) => [
        `${verb[part]} ${size}²${what === 'first' ? ', first picture' : ''}: ${name}`,
        against ?? '–',
        ratio === undefined ? '–' : `${ratio.toFixed(3)} ×`,
        `${atMost} ×`,
        ratio === undefined ? '–' : reached ? 'yes' : 'NO',
      ]),
    ),
  );
  console.log(`\n${tuningReport(tuning, rateOf)}`);
}
