import { TaesdError, withoutPasswords } from '../errors.ts';
import { firstBytes, isHtml } from '../first-bytes.ts';
import {
  type FileRequest,
  maxLength,
  NoSuchFile,
  refusal,
  requestFile,
  webPage,
  wholeFile,
} from './request.ts';
import { sha256 } from './sha256.ts';
import type { Draft } from './store.ts';

/** A file that was downloaded. */
export interface Downloaded {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The address it came from; undefined if an earlier attempt had left all of it. */
  readonly url: string | undefined;
}

/** The faults of a mirror, after which the next one is tried. A full disk is not one of them. */
const MIRROR_FAULTS: readonly string[] = ['NETWORK', 'INTEGRITY', 'TRUNCATED', 'LIMIT'];

/**
 * Downloads a file into a draft and checks it. Each mirror continues what the one before it, or an
 * earlier attempt, has left. Only the SHA-256 of the complete file decides whether the parts belong
 * together, so ETags are not needed.
 *
 * @param urls     the file's addresses; the first is tried first
 * @param onLength called with the draft's length when it grows or, after a restart, shrinks
 * @throws TaesdError the fault of each mirror, with their common code, else NETWORK; the draft's
 *   errors
 */
export async function downloadFile(
  request: Omit<FileRequest, 'url'>,
  urls: readonly URL[],
  draft: Draft,
  onLength: (length: number) => void,
): Promise<Downloaded> {
  const failures: TaesdError[] = [];
  for (const url of urls) {
    try {
      return await downloadFrom({ ...request, url }, draft, onLength);
    } catch (error) {
      failures.push(...mirrorFaults(error));
    }
  }
  throw together(failures);
}

/** Returns true for a fault after which the next mirror is tried. */
export const isFaultOfMirror = (fault: TaesdError): boolean =>
  fault instanceof NoSuchFile || MIRROR_FAULTS.includes(fault.code);

/**
 * Returns the fault of each mirror in an error.
 *
 * @throws the error itself if another mirror would not help
 */
export function mirrorFaults(error: unknown): readonly TaesdError[] {
  const faults = eachFault(error);
  if (faults.length > 0 && faults.every(isFaultOfMirror)) return faults;
  throw error;
}

/** Returns the errors that `together` made one of, or the error alone. */
export function eachFault(error: unknown): readonly TaesdError[] {
  if (!(error instanceof TaesdError)) return [];
  const { cause } = error;
  const { errors: all = [] } = (cause ?? {}) as Partial<AggregateError>;
  // The system makes an AggregateError, too, if a host has several addresses.
  return all.length > 0 && all.every((one) => one instanceof TaesdError) ? all : [error];
}

/**
 * Downloads the rest of the file from one mirror. If the result is not the file, the bytes left
 * from before may be to blame, and the mirror is requested for all of it.
 */
async function downloadFrom(
  request: FileRequest,
  draft: Draft,
  onLength: (length: number) => void,
): Promise<Downloaded> {
  const { file } = request;
  if (draft.length > maxLength(request)) await draft.restart();
  onLength(draft.length);
  const left = await completeDraft(request, draft);
  if (left !== undefined) return { bytes: left, url: undefined };
  const first = await receive(request, draft, onLength);
  const bytes = await draft.bytes();
  const hash = await sha256(bytes);
  if (hash === file.sha256) return { bytes, url: withoutPasswords(request.url.href) };
  await draft.restart();
  if (first > 0) return downloadFrom(request, draft, onLength);
  const hint = 'a damaged or another file';
  throw refusal(request, 'INTEGRITY', `SHA-256 ${file.sha256}`, hash, { hint });
}

/**
 * Returns the bytes of a draft that is the whole file already. One that is as long but another file
 * is restarted. If the size is not known, any draft may be whole, or the beginning.
 */
async function completeDraft(
  { file }: FileRequest,
  draft: Draft,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (draft.length === 0 || (file.bytes !== null && draft.length < file.bytes)) return undefined;
  const bytes = await draft.bytes();
  if ((await sha256(bytes)) === file.sha256) return bytes;
  if (file.bytes !== null) await draft.restart();
  return undefined;
}

/** Appends a mirror's bytes to the draft. @returns the first byte that the mirror sent */
async function receive(
  request: FileRequest,
  draft: Draft,
  onLength: (length: number) => void,
): Promise<number> {
  const { file } = request;
  const hint = 'another file?';
  const { first, pieces } = await requestFile(request, draft.length);
  let isChecked = false;
  for await (const piece of pieces) {
    if (!isChecked && first === 0) {
      // A page may come without its content type.
      if (isHtml(firstBytes(piece))) throw webPage(request);
      if (draft.length > 0) await draft.restart();
    }
    isChecked = true;
    if (draft.length + piece.length > maxLength(request)) {
      await draft.restart();
      const code = file.bytes === null ? 'LIMIT' : 'INTEGRITY';
      throw refusal(request, code, wholeFile(request), 'more', { hint });
    }
    await draft.append(piece);
    onLength(draft.length);
  }
  const isEmpty = !isChecked && first === 0;
  // If the size is not known, the SHA-256 decides whether the file is whole.
  if (!isEmpty && (file.bytes ?? draft.length) === draft.length) return first;
  // The response ended cleanly: this file is shorter, so no other mirror may continue it.
  const length = isEmpty ? 0 : draft.length;
  await draft.restart();
  throw refusal(request, 'TRUNCATED', wholeFile(request), `${length}`, { hint });
}

/** Makes one error of several: `fault; fault`. */
export function together(failures: readonly TaesdError[]): TaesdError {
  if (failures.length === 1) return failures[0];
  const faults = failures.map(({ sentence }) => sentence).join('; ');
  const [{ code }] = failures;
  const isShared = failures.every((failure) => failure.code === code);
  const cause = new AggregateError(failures);
  return new TaesdError(isShared ? code : 'NETWORK', faults, { cause });
}
