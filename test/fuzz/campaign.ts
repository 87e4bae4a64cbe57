import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { processorMs } from '../processor-time.ts';
import { readState, type State, writeState } from './corpus.ts';
import { type Finding, saveFinding } from './finding.ts';
import type { News } from './loop.ts';
import { forgetInterrupted, keepInterrupted, readInterrupted, SharedInput } from './shared.ts';
import type { WorkerData } from './worker.ts';

/** An execution with more processor time than this has hung. */
const HUNG_MS = 20_000;
/** An execution that takes longer waits for something that does not come. */
const STUCK_MS = 90_000;
const LOOK_MS = 250;
const SAVE_MS = 60_000;
/** The heap of a campaign's thread in MB. */
const HEAP_MB = 1024;
/** A campaign that finds more is ended. */
const MAX_FINDINGS = 100;

export interface CampaignOptions {
  readonly target: string;
  readonly minutes: number;
  readonly seed: number | undefined;
  readonly executions: number;
  /** The folder of all corpora. */
  readonly corpus: string;
}

/** The result of a campaign. */
export interface Summary {
  readonly executions: number;
  readonly seconds: number;
  readonly state: State;
  readonly findings: readonly Finding[];
}

/** Runs a target in a thread, and starts the thread again if an input ends or hangs it. */
export async function runCampaign(options: CampaignOptions): Promise<Summary> {
  const { target, minutes, seed, corpus } = options;
  const folder = join(corpus, target);
  mkdirSync(folder, { recursive: true });
  let state = stateFor(folder, seed, target);
  const begin = { total: state.total, time: Date.now() };
  const until = begin.time + minutes * 60_000;
  const findings: Finding[] = [];
  // A process that dies at once leaves a state to go on from.
  writeState(folder, state);
  say(target, `seed ${state.seed}, from execution ${state.executions} on`);
  while (Date.now() < until && state.executions < options.executions) {
    const run = new Run({ ...options, folder, state, until });
    const end = await run.ended;
    state = run.state;
    for (const finding of [...run.findings, ...(end === undefined ? [] : [end])]) {
      findings.push(finding);
      const path = saveFinding(join(corpus, 'findings'), finding);
      say(target, `FINDING ${finding.signature}\n  ${finding.report.split('\n')[0]}`);
      say(target, `  npm run fuzz -- ${target} --replay ${path}`);
    }
    writeState(folder, state);
    // The input that ended the thread is not made again.
    if (end !== undefined) state = { ...state, executions: state.executions + 1 };
    if (end === undefined || findings.length > MAX_FINDINGS) break;
  }
  forgetInterrupted(folder);
  const executions = state.total - begin.total;
  return { executions, seconds: (Date.now() - begin.time) / 1000, state, findings };
}

const say = (target: string, text: string): void => console.log(`${target}: ${text}`);

/** Returns the state of the last run, or one for a new seed. */
function stateFor(folder: string, seed: number | undefined, target: string): State {
  const known = afterInterruption(folder, readState(folder), target);
  if (known !== undefined && (seed === undefined || seed === known.seed)) return known;
  const first = seed ?? Math.floor(Math.random() * 2 ** 31);
  const { total = 0, slowestMs = 0, largestBytes = 0 } = known ?? {};
  return { seed: first, executions: 0, total, slowestMs, largestBytes };
}

/** Returns the state after the execution in which the process of the last run died, if it did. */
function afterInterruption(folder: string, known: State | undefined, target: string) {
  const last = readInterrupted(folder);
  if (last === undefined || known === undefined) return known;
  const path = keepInterrupted(folder, last);
  say(target, `the last run was ended in execution ${last.execution}; to look at its input:`);
  say(target, `  npm run fuzz -- ${target} --replay ${path}`);
  forgetInterrupted(folder);
  const more = Math.max(0, last.execution + 1 - known.executions);
  const state = { ...known, executions: known.executions + more, total: known.total + more };
  writeState(folder, state);
  return state;
}

interface RunOptions extends CampaignOptions {
  readonly folder: string;
  readonly state: State;
  readonly until: number;
}

/** One thread of a campaign. */
class Run {
  /** Undefined if the time is over, otherwise the input that ended or hung the thread. */
  readonly ended: Promise<Finding | undefined>;
  readonly findings: Finding[] = [];
  state: State;
  readonly #options: RunOptions;
  readonly #shared = new SharedInput();
  readonly #worker: Worker;
  #saved = Date.now();

  constructor(options: RunOptions) {
    this.#options = options;
    this.state = options.state;
    const { target, folder, state, until, executions } = options;
    const { buffer } = this.#shared;
    const workerData: WorkerData = { target, folder, state, until, executions, buffer };
    this.#worker = new Worker(new URL('worker.mjs', import.meta.url), {
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    this.ended = this.#run();
  }

  async #run(): Promise<Finding | undefined> {
    const worker = this.#worker;
    let watch: NodeJS.Timeout | undefined;
    const end = await new Promise<string | undefined>((resolve) => {
      watch = setInterval(() => {
        const hung = this.#look();
        if (hung !== undefined) resolve(hung);
      }, LOOK_MS);
      worker.on('message', (news: News) => {
        if (news.kind === 'end') resolve(undefined);
        else this.#hear(news);
      });
      worker.on('error', (error: Error) => resolve(`the thread ended: ${error.stack ?? error}`));
      worker.on('exit', () => resolve('the thread ended while it waited for a promise'));
    });
    clearInterval(watch);
    await worker.terminate();
    if (end === undefined) return undefined;
    const { target } = this.#options;
    // Executions since the last news are known by the number of the last one.
    const more = Math.max(0, this.#shared.execution - this.state.executions);
    const { executions, total } = this.state;
    this.state = { ...this.state, executions: executions + more, total: total + more };
    return { target, signature: end.split('\n')[0], report: end, input: this.#shared.input };
  }

  #hear(news: Exclude<News, { kind: 'end' }>): void {
    if (news.kind === 'finding') {
      this.findings.push(news.finding);
      return;
    }
    const { slowestMs, largestBytes } = this.state;
    this.state = news.state;
    const isRecord = news.state.slowestMs > slowestMs || news.state.largestBytes > largestBytes;
    const isTime = Date.now() - this.#saved >= SAVE_MS;
    if (isRecord || isTime) writeState(this.#options.folder, this.state);
    if (!isTime) return;
    this.#saved = Date.now();
    const { executions } = this.state;
    say(
      this.#options.target,
      `${executions} executions, ${news.corpus} inputs, ${news.size} covered`,
    );
  }

  /** The run of the last look, since when, and the processor time then. */
  #watched = { runs: -1, time: 0, ms: 0 };

  #look(): string | undefined {
    const { runs } = this.#shared;
    if (runs !== this.#watched.runs) {
      this.#watched = { runs, time: Date.now(), ms: processorMs() };
      return undefined;
    }
    const ms = processorMs() - this.#watched.ms;
    if (ms > HUNG_MS) return `an execution takes more than ${HUNG_MS} ms of processor time`;
    if (Date.now() - this.#watched.time > STUCK_MS) return 'an execution waits and does not end';
    return undefined;
  }
}
