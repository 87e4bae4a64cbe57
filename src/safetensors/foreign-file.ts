import { type ErrorCode, expected, type TaesdError } from '../errors.ts';

interface ForeignKind {
  readonly begins: (start: string) => boolean;
  readonly code: ErrorCode;
  readonly got: string;
  readonly hint: string;
}

const CONVERT = 'convert it to safetensors';

/** What people save under the name of a weights file, by its first bytes (read as Latin-1). */
const FOREIGN: readonly ForeignKind[] = [
  {
    begins: (start) => start.startsWith('PK\x03\x04'),
    code: 'UNSUPPORTED',
    got: 'a zip file',
    hint: `a .pth file is not read yet; ${CONVERT}`,
  },
  {
    begins: (start) => start.startsWith('\x80\x02'),
    code: 'UNSUPPORTED',
    got: 'a Python pickle',
    hint: `an old .pth or .ckpt file is not read; ${CONVERT}`,
  },
  {
    begins: (start) => start.startsWith('\x89PNG'),
    code: 'FORMAT',
    got: 'a PNG',
    hint: 'a picture in place of weights?',
  },
  {
    begins: (start) => /^(?:\xef\xbb\xbf)?\s*<(?:!doctype|html)/i.test(start),
    code: 'FORMAT',
    got: 'HTML',
    hint: 'a web page was saved in place of the file; download the file itself',
  },
  {
    begins: (start) => start.startsWith('version https://git-lfs'),
    code: 'FORMAT',
    got: 'a Git LFS pointer',
    hint: 'the file itself was not fetched; run `git lfs pull`, or download it',
  },
];

/**
 * The error for bytes that are recognisably something else, or `undefined`. The first eight bytes of a
 * safetensors file are a length and may spell anything, so whatever could still be one (or the
 * beginning of one) is left alone: a length under 2³² has four zeros in bytes 4–7, and byte 8 is `{`.
 */
export function foreignFile(bytes: Uint8Array): TaesdError | undefined {
  const couldBeOurs = bytes.subarray(4, 9).every((byte, i) => byte === (i < 4 ? 0 : OPEN_BRACE));
  if (couldBeOurs) return undefined;
  const start = String.fromCharCode(...bytes.subarray(0, 64));
  const kind = FOREIGN.find(({ begins }) => begins(start));
  return kind && expected(kind.code, 'bytes', 'a safetensors file', kind.got, { hint: kind.hint });
}

const OPEN_BRACE = 0x7b;
