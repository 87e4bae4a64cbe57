// npm run bench:peers: this project beside its peers, the promises in the project's issues, and the
// figures of the plot.
//   --quick       fewer runs, nothing of 4096² or 16384 rows. It tries the script; publish no
//                 figures of it
//   --only NAME   one part (several: --only NAME --only NAME); the names are in peers/parts.mjs
//   --out FILE    the file for the results, JSON
//   --ncnn PATH   a program that runs taesd on ncnn, on one thread, with weights of its own. It is
//                 started as PATH decoder or PATH encoder. For each run it reads from standard
//                 input int32 channels, height and width, then as many float32, [C, H, W]. It
//                 writes the seconds of the computation as float64, then its result in the same
//                 form. All numbers are little-endian. It ends when its input ends
//   --against DIR a build of commit 63443ae, whose nano in f32 is held against this one's in fast:
//                 git worktree add DIR 63443ae && cd DIR && npm ci && npm run build
// A whole run writes bench/results.json and bench/speed.svg; a partial run writes these files in
// out/.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machine } from './machine.mjs';
import { CONTESTANTS, NCNN } from './peers/contestants.mjs';
import { installPeers } from './peers/install.mjs';
import { SEEDED_MODELS } from './peers/models.mjs';
import { PARTS } from './peers/parts.mjs';
import { modelTable, notes, sizesTable, speedTable, targetsTable } from './peers/report.mjs';
import { missingFile } from './peers/shared.mjs';
import { judge } from './peers/targets.mjs';
import { plotSvg } from './plot.mjs';

const started = Date.now();
const options = {
  quick: { type: 'boolean' },
  only: { type: 'string', multiple: true },
  out: { type: 'string' },
  ncnn: { type: 'string' },
  against: { type: 'string' },
};
const { quick = false, only, out, ncnn, against } = parseArgs({ options }).values;
const unknown = only?.find((name) => PARTS[name] === undefined);
if (unknown !== undefined) {
  console.error(`--only: expected one of ${Object.keys(PARTS).join(', ')}, got ${unknown}`);
  process.exit(2);
}
const missing = missingFile();
if (missing !== undefined) {
  console.error(`bench:peers: expected the shared files beside the repository, got no ${missing}`);
  process.exit(1);
}

const progress = (text) =>
  console.error(`${((Date.now() - started) / 1000).toFixed(0).padStart(5)} s  ${text}`);

progress('installing the peers');
const packages = installPeers();
const versions = Object.fromEntries(
  Object.entries(CONTESTANTS).map(([name, { package: from }]) => [name, packages[from]]),
);

const settings = {
  quick,
  runs: quick ? 3 : 7,
  progress,
  options: { [NCNN]: { program: ncnn } },
  against,
};
const results = {};
for (const name of only ?? Object.keys(PARTS)) {
  try {
    results[name] = { value: await PARTS[name](settings) };
  } catch (error) {
    results[name] = { reason: error.message };
  }
}
const targets = judge(results);

const whole = !quick && only === undefined;
const fileName =
  out ?? fileURLToPath(new URL(whole ? 'results.json' : '../out/results.json', import.meta.url));
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const report = {
  date: new Date().toISOString(),
  machine: machine(),
  versions: { 'taesd-wasm': version, ...packages },
  quick,
  targets: targets.map(({ what, measured, atMost, atLeast, reached, reason }) => ({
    what,
    measured,
    atMost,
    atLeast,
    reached,
    reason,
  })),
  results,
};
// Written before anything is printed, so that long work cannot be lost.
write(fileName, `${JSON.stringify(report, null, 2)}\n`);
if (results.sizes?.value) {
  const svgName = whole ? 'speed.svg' : '../out/speed.svg';
  write(fileURLToPath(new URL(svgName, import.meta.url)), plotSvg(report));
}

console.log(machine());
console.log(
  Object.entries(packages)
    .map(([name, version]) => `${name} ${version ?? 'not installed'}`)
    .join(', '),
);
console.log(
  `one thread each except where noted, medians of interleaved runs${quick ? ', --quick' : ''}\n`,
);
for (const text of [
  targets.length > 0 ? targetsTable(targets) : '',
  speedTable(results, versions),
  ...SEEDED_MODELS.filter((model) => results[model]?.value).map((model) =>
    modelTable(model, results[model].value, versions),
  ),
  results.sizes?.value ? sizesTable(results.sizes.value) : '',
  notes(results),
]) {
  if (text) console.log(`${text}\n`);
}

function write(name, text) {
  mkdirSync(dirname(name), { recursive: true });
  writeFileSync(name, text);
  progress(`written: ${relative(process.cwd(), name)}`);
}
