// A process's memory as Linux counts it.
import { readFileSync } from 'node:fs';

/**
 * @param field  'VmRSS': resident now; 'VmHWM': the maximum so far
 * @param pid    defaults to this process
 * @returns bytes, or undefined if there is no /proc or no such process
 */
export function residentBytes(field, pid = 'self') {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kilobytes = status.match(new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm'))?.[1];
    return kilobytes === undefined ? undefined : 1024 * Number(kilobytes);
  } catch {
    return undefined;
  }
}
