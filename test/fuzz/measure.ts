import { writeFileSync } from 'node:fs';

/** The limits of one execution: processor time in ms, bytes beyond the rest of the process. */
export const MAX_MS = 1000;
export const MAX_BYTES = 300e6;

/** Collects garbage, if the process was started by run.mjs. */
export const collect = (): void => (globalThis as { gc?: () => void }).gc?.();

/** Returns the largest resident memory since `resetPeak`, or of the process, in bytes. */
export const peakBytes = (): number => process.resourceUsage().maxRSS * 1024;

/** Sets the peak to the memory of now, and returns it. Linux alone can; elsewhere it stays. */
export function resetPeak(): number {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Elsewhere the peak is that of the process.
  }
  return peakBytes();
}
