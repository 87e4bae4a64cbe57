// npm run soak [-- --minutes 10] [--seed S] [--workers 0|2]
// Runs mixed calls for a long time, on one thread and then on two workers, each in a process of its
// own: good ones, cancelled ones, abandoned loops, bad input, disposed instances. Prints how memory
// develops and what is left at the end; exit code 1 if something grew, was left or was wrong.
import { fork } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { srcIsDist } from '../src-is-dist.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
/** A process whose work is done must end by itself within this time. */
const END_MS = 5000;
/** Beside the minutes: for loading, the warm-up and the samples. */
const MORE_MS = 10 * 60_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: `${Date.now() % 2 ** 31}` },
    workers: { type: 'string' },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
const arrangements = values.workers === undefined ? [0, 2] : [Number(values.workers)];
if (!(minutes > 0) || ![seed, ...arrangements].every((n) => Number.isInteger(n) && n >= 0)) {
  console.error('soak: --minutes expected a number above 0, --seed and --workers whole numbers');
  process.exit(2);
}

console.log(
  `soak: ${minutes} min each, --seed ${seed}, ${cpus()[0].model}, Node ${process.version}`,
);
const built = here('state/');
mkdirSync(built, { recursive: true });
await build({
  entryPoints: [here('child.mjs')],
  outfile: `${built}child.mjs`,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  logLevel: 'error',
  plugins: [srcIsDist],
});
const faults = [];
for (const workers of arrangements) faults.push(...(await soak(workers)));
for (const fault of faults) console.error(`soak: ${fault}`);
process.exitCode = faults.length > 0 ? 1 : 0;

/** Runs one arrangement in a process of its own. @returns {Promise<string[]>} its faults */
async function soak(workers) {
  const name = workers === 0 ? 'one thread' : `${workers} workers`;
  const env = {
    ...process.env,
    MALLOC_ARENA_MAX: '2',
    TAESD_SOAK_SHARED: here('../../../shared/'),
  };
  const child = fork(`${built}child.mjs`, [`${minutes}`, `${seed}`, `${workers}`], {
    // Workers inherit both.
    execArgv: ['--expose-gc', '--require', here('in-worker.cjs')],
    env,
  });
  console.log(`\n${name}`);
  const found = [];
  let over = false;
  const end = (ms, why) =>
    setTimeout(() => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      found.push(`${name}: ${why}`);
      child.kill('SIGKILL');
    }, ms);
  const hung = end(minutes * 60_000 + MORE_MS, 'the process hangs');
  child.on('message', ({ line, fault, done }) => {
    if (line !== undefined) console.log(`  ${line}`);
    if (fault !== undefined) {
      console.log(`  FAULT: ${fault}`);
      found.push(`${name}: ${fault}`);
    }
    if (!done) return;
    over = true;
    // The channel would keep the process alive.
    child.disconnect();
    end(END_MS, `the process still runs ${END_MS} ms after its work`).unref();
  });
  const [code, signal] = await new Promise((resolve) => {
    child.once('exit', (...how) => resolve(how));
  });
  clearTimeout(hung);
  if (!over || code !== 0) found.push(`${name}: the process ended with ${code ?? signal}`);
  return found;
}
