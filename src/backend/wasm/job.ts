import { JOB_BYTES } from './job-layout.ts';
import { PTR_BYTES } from './layout.ts';

/** Fields of a job, each a constant of job-layout.ts with its value. */
export type JobFields = readonly (readonly [field: number, value: number])[];

/** Returns the words of a job: u32 [32], 0 where no field is given. */
export function jobOf(fields: JobFields): Uint32Array {
  const words = new Uint32Array(JOB_BYTES / PTR_BYTES);
  for (const [field, value] of fields) words[field / PTR_BYTES] = value;
  return words;
}
