import { readFileSync, writeFileSync } from 'node:fs';

/** The limits of one execution: processor time in ms, memory beyond the rest of the process. */
export const MAX_MS = 1000;
export const MAX_BYTES = 300 * 2 ** 20;

/** Collects garbage, if the process was started by run.mjs. */
export const collect = (): void => (globalThis as { gc?: () => void }).gc?.();

/** Returns processor time of the process in ms. The main thread idles. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Returns the largest resident memory since `resetPeak`, or of the process, in bytes. */
export const peakBytes = (): number => process.resourceUsage().maxRSS * 1024;

/** Sets the peak to the memory of now. Linux alone can; elsewhere the peak stays. */
export function resetPeak(): number {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    return peakBytes();
  }
  return peakBytes();
}

/** Returns true if peaks can be reset. */
export function canResetPeak(): boolean {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
    return readFileSync('/proc/self/status', 'latin1').includes('VmHWM');
  } catch {
    return false;
  }
}
