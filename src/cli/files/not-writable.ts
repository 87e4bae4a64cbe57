import { systemReason } from '../../platform/system-errors.ts';
import { fault } from '../terminal/faults.ts';

/** Turns errors of the system into errors that name the file. */
export const writing =
  (path: string) =>
  <T>(step: Promise<T>): Promise<T> =>
    step.catch((cause: unknown) => {
      throw notWritable(path, systemReason(cause), cause);
    });

/** Makes the error for a file that cannot be written. */
export const notWritable = (path: string, reason: string, cause?: unknown) =>
  fault(path, 'cannot be written', { hint: reason, cause });
