import { expected } from '../../errors.ts';
import { inGiB } from '../../numbers/byte-text.ts';
import { comparedTexts } from '../../numbers/compared-texts.ts';
import { addressSpaceLimit } from '../../platform/address-space.ts';

/*
 * The number of workers that pay, by the multiply-adds that a plan counts.
 */

/** More workers are used if that divides the work of the busiest by at least this factor. */
const GAIN = 1.1;

/**
 * The multiply-adds that an added worker must save by default. Handing rows on takes 7 to 10 ms for
 * each worker. nano decodes 384×384 in 30 ms on one thread and in 36 ms on two workers, which save
 * 0.27 · 10⁹ multiply-adds; 512×512 takes 50 and 45 ms (Zen 4, Node 20).
 */
const SAVED = 4e8;

/** The workers that a pool may use for a run. */
export interface WorkerLimit {
  /** The maximum number of workers. */
  readonly workers: number;
  /** True if the caller gave no number of workers. */
  readonly isDefault?: boolean | undefined;
}

/** A choice of a number of workers, and the work of the busiest of them. */
export interface WorkerChoice {
  readonly workers: number;
  readonly busiest: number;
}

/**
 * Returns true if more workers pay. If the caller gave their number, all added workers together
 * must gain `GAIN`. By default each added worker must gain as much, 1.46 × for four of them: it
 * takes a core and memory, and the rows around its span are made twice. Two threads of one core
 * count as two cores, although they share its units. There a 512×512 decode of taesd takes longer
 * with eight workers, which do 2.2 times the work, than with four, which do 1.5 times the work.
 */
export function doesPay(
  more: WorkerChoice,
  fewer: WorkerChoice,
  isDefault: boolean | undefined,
): boolean {
  const added = more.workers - fewer.workers;
  if (isDefault && fewer.busiest - more.busiest < SAVED * added) return false;
  return more.busiest * (isDefault ? GAIN ** added : GAIN) < fewer.busiest;
}

/**
 * Returns the work on the longest way to the end of the last span. With n workers, a span is begun
 * once all spans above it but the last n − 1 are finished.
 *
 * @param loads  the work of each span, from the top
 */
export function busiestWork(loads: readonly number[], workers: number): number {
  /** The work until a span and all spans above it are finished. */
  const until: number[] = [];
  for (const [n, load] of loads.entries()) {
    until.push(Math.max(until[n - 1] ?? 0, (until[n - workers] ?? 0) + load));
  }
  return until[until.length - 1];
}

/**
 * The address space that Node takes for each thread: 10 GiB for the memory, the rest for V8's own
 * heap, measured with Node 20. A thread that gets less may end the process.
 */
const THREAD_ADDRESSES = 12 * 2 ** 30;

/**
 * Returns the number of workers that the address space has room for, beside this thread.
 *
 * @param workers  the maximum
 * @throws TaesdError OOM (there is no room for two)
 */
export function workersThatFit(workers: number): number {
  const limit = addressSpaceLimit();
  const fit = Math.min(workers, Math.floor(limit / THREAD_ADDRESSES) - 1);
  if (fit >= 2) return fit;
  const texts = comparedTexts([3 * THREAD_ADDRESSES, limit], inGiB);
  const rule = `${texts[0]} of address space for 2 workers`;
  const hint = 'a given number of workers is started all the same';
  throw expected('OOM', 'ulimit -v', rule, texts[1], { hint });
}
