import { expected, type TaesdError } from '../errors.ts';
import {
  type ForeignKind,
  foreignError,
  hexText,
  isGzip,
  isSafetensors,
  NOT_DOWNLOADED,
} from '../first-bytes.ts';
import { isLegacyTorch, isPickle, isTar } from './first-bytes.ts';

/** The line of Python that writes an old file anew. */
const CONVERT = 'torch.save(torch.load("old.pt", weights_only=True), "new.pt")';

/** The files that people save under the names of torch's, by their first bytes. */
const FOREIGN: readonly ForeignKind[] = [
  {
    is: isLegacyTorch,
    code: 'UNSUPPORTED',
    got: 'a file in the format before torch 1.6',
    hint: `in Python, ${CONVERT} converts it`,
  },
  {
    is: isPickle,
    code: 'UNSUPPORTED',
    got: "a Python pickle without torch's archive",
    hint: `if torch reads it, ${CONVERT} converts it`,
  },
  {
    is: isTar,
    code: 'UNSUPPORTED',
    got: 'a tar',
    hint: `if torch before 0.2 wrote it, ${CONVERT} converts it`,
  },
  {
    is: isGzip,
    code: 'UNSUPPORTED',
    got: 'a gzipped file',
    hint: 'unpack it with gunzip',
  },
  ...NOT_DOWNLOADED,
  {
    is: isSafetensors,
    code: 'UNSUPPORTED',
    got: 'a safetensors file',
    hint: 'name it .safetensors',
  },
];

/** Returns the error for bytes that do not begin a zip archive. */
export function foreignFile(bytes: Uint8Array): TaesdError {
  const rule = 'a file of torch.save, torch 1.6 or later (a zip archive)';
  const foreign = foreignError(bytes, rule, FOREIGN);
  if (foreign !== undefined) return foreign;
  if (bytes.length < 4) return expected('TRUNCATED', 'bytes', rule, `${bytes.length} bytes`);
  return expected('FORMAT', 'bytes', rule, `bytes ${hexText(bytes)}`);
}
