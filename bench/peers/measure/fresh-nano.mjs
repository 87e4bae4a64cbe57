// The time of a fresh process, from its start to its end, that loads nano and decodes one picture.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { median } from '../../machine.mjs';

const program = (name) => fileURLToPath(new URL(name, import.meta.url));

/** The arguments of each process. `empty` is Node's own start and end. */
const PROCESSES = {
  empty: ['-e', '0'],
  files: [program('first-nano.mjs'), 'files'],
  text: [program('first-nano.mjs'), 'text'],
};

/**
 * @returns by process { ms: median, runs }: `empty`, and nano from the package's `files` or from
 *   the `text` of its module
 */
export function measureFreshNano({ quick, progress }) {
  progress('fresh processes with nano');
  const runs = Object.fromEntries(Object.keys(PROCESSES).map((name) => [name, []]));
  for (let round = -1; round < (quick ? 7 : 25); round++) {
    for (const [name, args] of Object.entries(PROCESSES)) {
      const started = performance.now();
      const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      if (status !== 0) throw new Error(`first-nano.mjs: ${stderr.split('\n')[0]}`);
      if (round >= 0) runs[name].push(performance.now() - started);
    }
  }
  return Object.fromEntries(
    Object.entries(runs).map(([name, times]) => [name, { ms: median(times), runs: times }]),
  );
}
