import { processorMs } from '../processor-time.ts';
import { signatureOf } from './finding.ts';
import { collect, MAX_BYTES, MAX_MS, peakBytes, resetPeak } from './measure.ts';
import type { Target } from './target.ts';

/** The result of an input: its outcome in words, or the fault it showed. */
export interface Execution {
  readonly outcome: string;
  readonly ms: number;
  readonly fault?: { readonly signature: string; readonly report: string };
}

/** Runs an input once. */
export async function execute(target: Target, input: Uint8Array): Promise<Execution> {
  const before = processorMs();
  try {
    const running = target.run(input);
    const outcome = typeof running === 'string' ? running : await running;
    return { outcome, ms: processorMs() - before };
  } catch (error) {
    const signature = signatureOf(error);
    const report = error instanceof Error ? `${error.stack}` : describeThrown(error);
    return { outcome: 'fault', ms: processorMs() - before, fault: { signature, report } };
  }
}

function describeThrown(error: unknown): string {
  try {
    return `thrown: ${String(error)}`;
  } catch {
    return 'thrown: a value that has no text';
  }
}

/** An input's cost, measured alone. */
export interface Cost {
  readonly ms: number;
  readonly bytes: number;
}

/**
 * Runs an input alone three times.
 *
 * @param begin  called before each time
 * @returns the least of its times, and of its peaks of memory
 */
export async function costOf(
  target: Target,
  input: Uint8Array,
  begin: () => void = () => undefined,
): Promise<Cost> {
  let ms = Infinity;
  let bytes = Infinity;
  for (let round = 0; round < 3; round++) {
    begin();
    collect();
    const before = resetPeak();
    const execution = await execute(target, input);
    ms = Math.min(ms, execution.ms);
    bytes = Math.min(bytes, peakBytes() - before);
  }
  return { ms, bytes: Math.max(0, bytes) };
}

/** Returns the fault of an input that costs too much. */
export function faultOfCost(target: Target, { ms, bytes }: Cost): Execution['fault'] {
  const cost = `${Math.round(ms)} ms of processor time, ${Math.round(bytes / 1e6)} MB`;
  if (ms > (target.maxMs ?? MAX_MS)) return { signature: 'slow', report: cost };
  if (bytes > MAX_BYTES) return { signature: 'large', report: cost };
  return undefined;
}
