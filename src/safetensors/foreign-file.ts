import type { TaesdError } from '../errors.ts';
import {
  type ForeignKind,
  foreignError,
  mayBeSafetensors,
  NOT_DOWNLOADED,
  startsWith,
} from '../first-bytes.ts';

/** The calls that read files of torch. */
const OTHER_READERS = 'Taesd.load reads weights of a .pth file, readLatents its latents';

/** The files that people save under the name of weights, by their first bytes. */
const FOREIGN: readonly ForeignKind[] = [
  {
    is: (bytes) => startsWith(bytes, 'PK\x03\x04'),
    code: 'UNSUPPORTED',
    got: 'a zip file',
    hint: OTHER_READERS,
  },
  {
    is: (bytes) => startsWith(bytes, '\x80\x02'),
    code: 'UNSUPPORTED',
    got: 'a Python pickle',
    hint: 'a .pth or .ckpt file of torch before 1.6 is not read; convert it to safetensors',
  },
  {
    is: (bytes) => startsWith(bytes, '\x89PNG'),
    code: 'FORMAT',
    got: 'a PNG',
    hint: 'a picture in place of weights?',
  },
  ...NOT_DOWNLOADED,
];

/**
 * Returns the error for bytes that are recognisably another kind of file, else undefined. A
 * safetensors file begins with a length, which may spell anything, so bytes that may be one are
 * never taken for another kind.
 */
export function foreignFile(bytes: Uint8Array): TaesdError | undefined {
  if (mayBeSafetensors(bytes)) return undefined;
  return foreignError(bytes, 'a safetensors file', FOREIGN);
}
