import { dirname } from 'node:path';
import type { Progress } from '../../index.ts';
import { checkJobs, type Job, type Plan } from '../files/jobs.ts';
import { inFolder, inFolderBelow } from '../files/output-folder.ts';
import { outputName } from '../files/write-output.ts';
import { Failures } from '../terminal/faults.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { type ProgressBar, progressBar } from '../terminal/progress.ts';
import { noteSayer, type Say, sayFailure } from '../terminal/say.ts';
import { type ModelOptions, ModelsInUse } from './models-in-use.ts';

/** The state of a folder after an interruption. */
const LEFT = 'the files written so far are complete';

/** The options of a command that makes one file of each input. */
interface JobOptions extends ModelOptions {
  readonly quiet: boolean;
}

/** The means of a job. */
export interface Tools {
  readonly models: ModelsInUse;
  /** Writes a note to stderr. */
  readonly say: Say;
  /**
   * Returns the `onProgress` of a stage of this job.
   *
   * @param from  the share of the job, from 0 to 1, that is done before the stage
   * @param to    the share that is done after it
   */
  stage(name: string, from?: number, to?: number): (progress: Progress) => void;
  readonly signal: AbortSignal;
}

/** Makes the output of a job. @returns a few words about it: `512×512` */
export type Work = (job: Job, tools: Tools) => Promise<string>;

/**
 * Runs the jobs of a plan one after the other under one progress bar, with models that are loaded
 * once. If there are several, a job that fails gets a line, and the others are done.
 *
 * @param begin  runs before the first of several jobs. Its error ends the work
 * @throws TaesdError (of the only job, or of `begin`), Failures (some of several jobs failed),
 *   Interruption
 */
export async function runJobs(
  plan: Plan<unknown>,
  options: JobOptions,
  work: Work,
  begin?: (models: ModelsInUse) => Promise<unknown>,
): Promise<void> {
  const { folder } = plan;
  const run = (signal: AbortSignal) => runAll(plan, options, work, { begin, signal });
  if (folder === undefined) await interruptible(run);
  else await interruptible((signal) => inFolder(folder, () => run(signal)), LEFT);
}

interface Run {
  readonly begin: ((models: ModelsInUse) => Promise<unknown>) | undefined;
  readonly signal: AbortSignal;
}

async function runAll(
  plan: Plan<unknown>,
  { quiet, ...options }: JobOptions,
  work: Work,
  { begin, signal }: Run,
): Promise<void> {
  const { jobs, folder, notes } = plan;
  const bar = progressBar(quiet);
  const note = noteSayer(quiet);
  const say = (sentence: string) => {
    bar.clear();
    note(sentence);
  };
  const models = new ModelsInUse(options, say);
  try {
    await checkJobs(plan);
    for (const sentence of notes) say(sentence);
    if (jobs.length > 1 && jobs.some(({ fault }) => fault === undefined)) await begin?.(models);
    let made = '';
    let failed = 0;
    for (const [index, job] of jobs.entries()) {
      const stage = stageOf(bar, index, jobs.length);
      try {
        if (job.fault !== undefined) throw job.fault;
        const make = () => work(job, { models, say, stage, signal });
        made = await inFolderBelow(folder ?? dirname(job.output), dirname(job.output), make);
      } catch (error) {
        if (jobs.length === 1 || signal.aborted) throw error;
        failed++;
        bar.clear();
        sayFailure(error);
      }
    }
    const by = models.finish();
    if (failed > 0) throw new Failures(failed, jobs.length);
    const words = jobs.length === 1 ? made : `${jobs.length} files`;
    bar.finish(`${outputName(jobs.length === 1 ? jobs[0].output : (folder ?? ''))}: ${words}${by}`);
  } finally {
    bar.clear();
    models.dispose();
  }
}

/** Returns the `stage` of one of several jobs. */
function stageOf(bar: ProgressBar, index: number, count: number): Tools['stage'] {
  return (name, from = 0, to = 1) => {
    const label = count === 1 ? name : `${name} ${index + 1} of ${count}`;
    return bar.stage(label, (index + from) / count, (index + to) / count);
  };
}
