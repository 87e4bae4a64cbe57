import { TaesdError } from '../errors.ts';
import { firstBytes, isHtml } from '../first-bytes.ts';
import { urlInFolder } from '../platform/locations.ts';
import { type FileRequest, refusal, requestFile, webPage, wholeFile } from './request.ts';
import { sha256 } from './sha256.ts';
import type { Draft } from './store.ts';

/** A file that was downloaded. */
export interface Downloaded {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The address it came from; undefined if an earlier attempt had left all of it. */
  readonly url: string | undefined;
}

/** The faults of a mirror, after which the next one is tried. A full disk is not one of them. */
const MIRROR_FAULTS: readonly string[] = ['NETWORK', 'INTEGRITY', 'TRUNCATED'];

/**
 * Downloads a file into a draft and checks it. Each mirror continues what the one before it, or an
 * earlier attempt, has left. Only the SHA-256 of the complete file decides whether the parts belong
 * together, so ETags are not needed.
 *
 * @param mirrors  URLs of folders with the file; the first is tried first
 * @param onLength called with the draft's length when it grows or, after a restart, shrinks
 * @throws TaesdError the fault of each mirror, with their common code, else NETWORK; the draft's
 *   errors
 */
export async function downloadFile(
  { file, signal, stallMs }: Omit<FileRequest, 'url'>,
  mirrors: readonly URL[],
  draft: Draft,
  onLength: (length: number) => void,
): Promise<Downloaded> {
  const failures: TaesdError[] = [];
  for (const mirror of mirrors) {
    const request = { file, signal, stallMs, url: urlInFolder(mirror, file.name) };
    try {
      return await downloadFrom(request, draft, onLength);
    } catch (error) {
      if (!(error instanceof TaesdError && MIRROR_FAULTS.includes(error.code))) throw error;
      failures.push(error);
    }
  }
  throw together(failures);
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
  if (draft.length > file.bytes) await draft.restart();
  const before = draft.length;
  onLength(before);
  const isMissing = before < file.bytes;
  const first = isMissing ? await receive(request, draft, onLength) : before;
  const bytes = await draft.bytes();
  const hash = await sha256(bytes);
  if (hash === file.sha256) return { bytes, url: isMissing ? request.url.href : undefined };
  await draft.restart();
  if (first > 0) return downloadFrom(request, draft, onLength);
  const hint = 'a damaged or another file';
  throw refusal(request, 'INTEGRITY', `SHA-256 ${file.sha256}`, hash, { hint });
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
    if (draft.length + piece.length > file.bytes) {
      await draft.restart();
      throw refusal(request, 'INTEGRITY', wholeFile(request), 'more', { hint });
    }
    await draft.append(piece);
    onLength(draft.length);
  }
  const isEmpty = !isChecked && first === 0;
  if (draft.length === file.bytes && !isEmpty) return first;
  // The response ended cleanly: this file is shorter, so no other mirror may continue it.
  const length = isEmpty ? 0 : draft.length;
  await draft.restart();
  throw refusal(request, 'TRUNCATED', wholeFile(request), `${length}`, { hint });
}

/** Makes one error of several: `fault; fault`. */
function together(failures: readonly TaesdError[]): TaesdError {
  if (failures.length === 1) return failures[0];
  const faults = failures.map(({ sentence }) => sentence).join('; ');
  const [{ code }] = failures;
  const isShared = failures.every((failure) => failure.code === code);
  const cause = new AggregateError(failures);
  return new TaesdError(isShared ? code : 'NETWORK', faults, { cause });
}
