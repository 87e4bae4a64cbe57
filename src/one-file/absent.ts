import { expected, type TaesdError } from '../errors.ts';
import { besideHere, fileName } from './here.ts';

/**
 * Makes the error for a part of the package that this file does not have.
 *
 * @param part  the part in words: `WebGPU`
 * @param isInAll  true if `taesd.all.min.js` has it
 */
export function absent(part: string, isInAll: boolean): TaesdError {
  const other = besideHere(isInAll ? 'taesd.all.min.js' : 'index.js');
  return expected('UNSUPPORTED', part, 'a file of the package that has it', fileName(), {
    remedy: { api: `import ${other} or the npm package instead` },
  });
}
