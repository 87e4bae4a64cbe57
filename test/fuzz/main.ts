import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runCampaign, type Summary } from './campaign.ts';
import { costOf, execute, faultOfCost } from './execution.ts';
import { type FuzzOptions, readOptions, USAGE } from './options.ts';
import { makeSandbox } from './sandbox.ts';
import { TARGETS, targetNamed } from './targets.ts';

/** Campaigns that run at a time. */
const AT_ONCE = 2;

/**
 * Runs the command line. Several targets each get a process, whose processor time and memory are
 * then their own.
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
  if (targets.length === 1) return runOne({ ...options, corpus });
  const names = targets.length > 0 ? targets : TARGETS.map(({ name }) => name);
  const rest = args.filter((arg) => !targets.includes(arg));
  const waiting = [...names];
  const codes = await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      let worst = 0;
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        worst = Math.max(worst, await runProcess([join(here, 'run.mjs'), name, ...rest]));
      }
      return worst;
    }),
  );
  return Math.max(...codes);
}

function runProcess(args: readonly string[]): Promise<number> {
  return new Promise((done) => {
    const child = spawn(process.execPath, args, { stdio: 'inherit' });
    child.on('error', () => done(1));
    child.on('close', (code, signal) => {
      if (signal !== null) console.error(`${args[1]}: the process was ended by ${signal}`);
      done(code ?? 1);
    });
  });
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
  const memory = largestBytes > 0 ? `${Math.round(largestBytes / 2 ** 20)} MiB` : 'under 48 MiB';
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
  console.log(`${outcome}; ${Math.round(cost.ms)} ms, ${Math.round(cost.bytes / 2 ** 20)} MiB`);
  for (const { signature, report } of faults) console.log(`${signature}\n${report}`);
  await target.check?.(true);
  await target.end?.();
  process.exit(faults.length > 0 ? 1 : 0);
}
