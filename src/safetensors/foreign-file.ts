import { type ErrorCode, expected, type TaesdError } from '../errors.ts';
import { firstBytes, isHtml, mayBeSafetensors } from './first-bytes.ts';

/** A kind of file that is not safetensors. */
interface ForeignKind {
  readonly begins: (start: string) => boolean;
  readonly code: ErrorCode;
  readonly got: string;
  readonly hint: string;
}

const CONVERT = 'convert it to safetensors';

/** The remedy for a `.pth` file. */
export const CONVERT_PTH = `a .pth file is not read yet; ${CONVERT}`;

/** The files that people save under the name of weights, by their first bytes. */
const FOREIGN: readonly ForeignKind[] = [
  {
    begins: (start) => start.startsWith('PK\x03\x04'),
    code: 'UNSUPPORTED',
    got: 'a zip file',
    hint: CONVERT_PTH,
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
    begins: isHtml,
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
 * Returns the error for bytes that are recognisably another kind of file, else undefined. A
 * safetensors file begins with a length, which may spell anything, so bytes that may be one are
 * never taken for another kind.
 */
export function foreignFile(bytes: Uint8Array): TaesdError | undefined {
  if (mayBeSafetensors(bytes)) return undefined;
  const start = firstBytes(bytes);
  const kind = FOREIGN.find(({ begins }) => begins(start));
  return kind && expected(kind.code, 'bytes', 'a safetensors file', kind.got, { hint: kind.hint });
}
