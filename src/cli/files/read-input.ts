import { fstatSync, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { TaesdError } from '../../errors.ts';
import { readRegularFile } from '../../platform/regular-file.ts';
import { isMissing, systemCode, systemReason } from '../../platform/system-errors.ts';
import { expectedGot, fault } from '../terminal/faults.ts';
import { countText } from '../terminal/table.ts';
import { piecesOf } from './pieces.ts';

/** The name of stdin and stdout in a command line. */
export const STREAM = '-';

/** Returns the name of an input for messages and results. */
export const inputName = (path: string): string => (path === STREAM ? 'stdin' : path);

/** The limit on the bytes of an input. Latents of this size decode to 2,900 million pixels. */
const MAX_INPUT_BYTES = 2 ** 29;

/**
 * Reads a whole file, pipe or device; `-` is stdin.
 *
 * @param hint      for the message if there is no such file
 * @param maxBytes  at most one piece more is read. Defaults to 512 MiB
 * @throws TaesdError ARG (the file cannot be read), LIMIT (more than `maxBytes`)
 */
export const readInput = (
  path: string,
  hint?: string,
  maxBytes = MAX_INPUT_BYTES,
): Promise<Uint8Array> =>
  explained(path, hint, maxBytes, () =>
    path === STREAM ? readStdin(maxBytes) : readPath(path, maxBytes),
  );

/** A file to read: one that the user names, or one that was found in a folder. */
export interface Source {
  /** A path, or `-` for stdin. */
  readonly input: string;
  /** True for a file of a folder. Others may put a pipe in its place, which is not waited for. */
  readonly isListed?: boolean;
}

/**
 * Reads an input whole. A file found in a folder must be a regular file; a path that the user named
 * may be a pipe or device.
 *
 * @throws TaesdError as `readInput`
 */
export const readSource = ({ input, isListed = false }: Source): Promise<Uint8Array> =>
  isListed
    ? explained(input, undefined, MAX_INPUT_BYTES, () => readRegular(input, MAX_INPUT_BYTES))
    : readInput(input);

/** Runs `read`, and turns its errors into errors that name the input. */
async function explained(
  path: string,
  hint: string | undefined,
  maxBytes: number,
  read: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const name = inputName(path);
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof TooLong) throw tooLong(name, maxBytes, cause);
    if (cause instanceof TaesdError) throw cause;
    const reason = systemReason(cause);
    if (isMissing(cause)) {
      const isFolder = systemCode(cause) === 'ENOENT' && /[/\\]$/.test(path);
      throw fault(name, isFolder ? 'no such folder' : reason, { hint, cause });
    }
    throw fault(name, 'cannot be read', { hint: reason, cause });
  }
}

/** The error for an input above the limit. */
class TooLong extends Error {
  readonly got: string;

  constructor(got: string) {
    super(got);
    this.got = got;
  }
}

function tooLong(name: string, maxBytes: number, { got }: TooLong): TaesdError {
  const rule = `at most ${countText(maxBytes)} bytes`;
  const hint = got === 'more' ? 'a pipe or device that does not end?' : 'another file?';
  return fault(name, expectedGot(rule, got), { code: 'LIMIT', hint });
}

/** Node reads a folder as stdin, `< .`, like an empty file. */
async function readStdin(maxBytes: number): Promise<Uint8Array> {
  if (isFolderOpenAs(0)) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
  return readPieces(process.stdin, maxBytes);
}

/** Returns true if an open file is a folder; false also for one that is closed. */
function isFolderOpenAs(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isDirectory();
  } catch {
    return false;
  }
}

async function readPath(path: string, maxBytes: number): Promise<Uint8Array> {
  const found = await stat(path);
  // Files of /proc have no size until they are read.
  if (!found.isFile() || found.size === 0) {
    return readPieces(piecesOf(path, isNamedPipe(path, found)), maxBytes);
  }
  return readRegular(path, maxBytes);
}

/** Reads a regular file. It may have grown, or be a pipe by now, since it was looked at. */
async function readRegular(path: string, maxBytes: number): Promise<Uint8Array> {
  const { otherKind, size, bytes } = await readRegularFile(path, maxBytes);
  if (otherKind !== undefined) throw fault(path, expectedGot('a file', otherKind));
  if (bytes === undefined) throw new TooLong(countText(size));
  return bytes;
}

/** False for the pipes of a shell, `<(…)`: they have had a writer. */
const isNamedPipe = (path: string, found: Stats): boolean =>
  found.isFIFO() && !/^\/(?:dev|proc)\//.test(path);

async function readPieces(
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of source) {
    length += piece.length;
    if (length > maxBytes) throw new TooLong('more');
    pieces.push(piece);
  }
  return Buffer.concat(pieces, length);
}
