// npm run soak [-- --minutes 10] [--seed S] [--workers 0|2]
// Runs mixed calls for a long time, on one thread and then on two workers, each in a process of its
// own: good ones, cancelled ones, abandoned loops, bad input, disposed instances. Prints how memory
// develops and what is left at the end; exit code 1 if something grew, was left or was wrong.
import { fork } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const CHILD = fileURLToPath(new URL('child.mjs', import.meta.url));
/** A process whose work is done must end by itself within this time. */
const END_MS = 5000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: `${Date.now() % 2 ** 31}` },
    workers: { type: 'string' },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error('soak: --minutes expected a number above 0, --seed a whole number');
  process.exit(2);
}
const arrangements = values.workers === undefined ? [0, 2] : [Number(values.workers)];

console.log(
  `soak: ${minutes} min each, --seed ${seed}, ${cpus()[0].model}, Node ${process.version}`,
);
const faults = [];
for (const workers of arrangements) faults.push(...(await soak(workers)));
for (const fault of faults) console.error(`soak: ${fault}`);
process.exitCode = faults.length > 0 ? 1 : 0;

/** Runs one arrangement in a process of its own. @returns {Promise<string[]>} its faults */
async function soak(workers) {
  const name = workers === 0 ? 'one thread' : `${workers} workers`;
  const env = { ...process.env, MALLOC_ARENA_MAX: '2', TAESD_QUIET: '1' };
  const child = fork(CHILD, [`${minutes}`, `${seed}`, `${workers}`], {
    execArgv: ['--expose-gc'],
    env,
  });
  console.log(`\n${name}`);
  const found = [];
  let over = false;
  child.on('message', ({ line, fault, done }) => {
    if (line !== undefined) console.log(`  ${line}`);
    if (fault !== undefined) found.push(`${name}: ${fault}`);
    if (done) {
      over = true;
      // The channel would keep the process alive.
      child.disconnect();
      setTimeout(() => {
        if (child.exitCode !== null) return;
        found.push(`${name}: the process still runs ${END_MS} ms after its work`);
        child.kill('SIGKILL');
      }, END_MS).unref();
    }
  });
  const [code, signal] = await new Promise((resolve) => {
    child.once('exit', (...how) => resolve(how));
  });
  if (!over) found.push(`${name}: the process ended before its work: ${code ?? signal}`);
  return found;
}
