import { JOB_BYTES } from './job-layout.ts';
import { PTR_BYTES } from './layout.ts';
import type { Memory } from './memory.ts';

/** Fields of a job, each a constant of job-layout.ts with its value. */
export type JobFields = readonly (readonly [field: number, value: number])[];

/** Writes a job to an address. */
export function writeJob(memory: Memory, jobPtr: number, fields: JobFields): void {
  memory.u32(jobPtr, JOB_BYTES / PTR_BYTES).set(jobOf(fields));
}

/** Returns the words of a job: u32 [32], 0 for each field that is not given. */
export function jobOf(fields: JobFields): Uint32Array {
  const words = new Uint32Array(JOB_BYTES / PTR_BYTES);
  for (const [field, value] of fields) words[field / PTR_BYTES] = value;
  return words;
}
