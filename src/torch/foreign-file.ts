import { type ErrorCode, expected, type TaesdError } from '../errors.ts';
import { isLegacyTorch, isPickle, isTar, startsWith } from './first-bytes.ts';

/** A kind of file that is not torch's zip archive. */
interface ForeignKind {
  readonly is: (bytes: Uint8Array) => boolean;
  readonly code: ErrorCode;
  readonly got: string;
  readonly hint: string;
}

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
    is: (bytes) => startsWith(bytes, '\x1f\x8b'),
    code: 'UNSUPPORTED',
    got: 'a gzipped file',
    hint: 'unpack it with gunzip',
  },
  {
    is: (bytes) => /^\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype|html)/i.test(start(bytes)),
    code: 'FORMAT',
    got: 'HTML',
    hint: 'a web page was saved in place of the file; download the file itself',
  },
  {
    is: (bytes) => startsWith(bytes, 'version https://git-lfs'),
    code: 'FORMAT',
    got: 'a Git LFS pointer',
    hint: 'the file itself was not fetched; run `git lfs pull`, or download it',
  },
  {
    // The length of the header in 64 bits, of which a real file needs 32, then the header's brace.
    is: (bytes) => startsWith(bytes.subarray(4), '\0\0\0\0{'),
    code: 'UNSUPPORTED',
    got: 'a safetensors file',
    hint: 'name it .safetensors',
  },
];

/** Returns the error for bytes that do not begin a zip archive. */
export function foreignFile(bytes: Uint8Array): TaesdError {
  const rule = 'a file of torch.save, torch 1.6 or later (a zip archive)';
  const kind = FOREIGN.find(({ is }) => is(bytes));
  if (kind !== undefined) {
    return expected(kind.code, 'bytes', rule, kind.got, { hint: kind.hint });
  }
  if (bytes.length < 4) return expected('TRUNCATED', 'bytes', rule, `${bytes.length} bytes`);
  const shown = Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0'));
  return expected('FORMAT', 'bytes', rule, `bytes ${shown.join(' ')}`);
}

/** Returns the first 64 bytes as text, one character a byte. */
const start = (bytes: Uint8Array): string => String.fromCharCode(...bytes.subarray(0, 64));
