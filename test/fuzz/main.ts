import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runCampaign, type Summary } from './campaign.ts';
import { costOf, execute, faultOfCost } from './execution.ts';
import { type FuzzOptions, readOptions, USAGE } from './options.ts';
import { makeSandbox } from './sandbox.ts';
import { supervise } from './supervise.ts';
import { TARGETS, targetNamed } from './targets.ts';

/** Campaigns that run at a time. */
const AT_ONCE = 2;

/**
 * Runs the command line. Each target gets a process, whose processor time and memory are then its
 * own, and which may die.
 *
 * @param here  the folder of run.mjs
 * @returns the exit code
 */
export async function main(args: readonly string[], here: string): Promise<number> {
  let options: FuzzOptions;
  try {
    options = readOptions(args, join(here, 'state'));
    for (const name of options.targets) targetNamed(name);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  const { targets, replay } = options;
  const corpus = resolve(options.corpus);
  if (replay !== undefined) return replayed(targets[0], resolve(replay));
  if (options.supervised) return runOne({ ...options, corpus });
  const waiting = targets.length > 0 ? [...targets] : TARGETS.map(({ name }) => name);
  const codes = await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      let worst = 0;
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        const start = (minutes: number) =>
          spawn(process.execPath, [join(here, 'run.mjs'), name, ...argsOf(options, minutes)], {
            stdio: 'inherit',
            env: { ...process.env, TAESD_FUZZ_BUILT: '1' },
          });
        const { minutes } = options;
        worst = Math.max(worst, await supervise({ target: name, corpus, minutes, start }));
      }
      return worst;
    }),
  );
  return Math.max(...codes);
}

/** Returns the arguments for one target in a process of its own. */
function argsOf({ seed, executions, corpus }: FuzzOptions, minutes: number): string[] {
  return [
    '--supervised',
    ...['--minutes', `${minutes}`, '--corpus', resolve(corpus)],
    ...(seed === undefined ? [] : ['--seed', `${seed}`]),
    ...(executions === Infinity ? [] : ['--executions', `${executions}`]),
  ];
}

async function runOne(options: FuzzOptions): Promise<number> {
  const { targets, ...rest } = options;
  const [target] = targets;
  // The command line writes relative files; a thread cannot change the folder.
  process.chdir(makeSandbox(join(options.corpus, 'work', target)));
  const summary = await runCampaign({ ...rest, target });
  console.log(lineOf(target, summary));
  return summary.findings.length > 0 ? 1 : 0;
}

function lineOf(target: string, { executions, seconds, state, findings }: Summary): string {
  const { total, slowestMs, largestBytes, seed } = state;
  const rate = Math.round(executions / seconds);
  const memory = largestBytes > 0 ? `${Math.round(largestBytes / 1e6)} MB` : 'under 48 MB';
  return (
    `${target}: ${executions} executions in ${Math.round(seconds)} s (${rate}/s), ${total} in all; ` +
    `slowest ${slowestMs.toFixed(1)} ms, largest ${memory}; ${findings.length} findings; seed ${seed}`
  );
}

/** Runs one input, and prints all there is to know. */
async function replayed(name: string, file: string): Promise<number> {
  const target = targetNamed(name);
  await target.prepare?.();
  const input = new Uint8Array(readFileSync(file));
  if (target.show) console.log(target.show(input));
  const { outcome, fault } = await execute(target, input);
  const cost = await costOf(target, input);
  const faults = [fault, faultOfCost(target, cost)].filter((one) => one !== undefined);
  console.log(`${outcome}; ${Math.round(cost.ms)} ms, ${Math.round(cost.bytes / 1e6)} MB`);
  for (const { signature, report } of faults) console.log(`${signature}\n${report}`);
  await target.check?.(true);
  await target.end?.();
  process.exit(faults.length > 0 ? 1 : 0);
}
