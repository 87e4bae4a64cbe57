import { TaesdError } from '../errors.ts';
import { urlInFolder } from '../platform/locations.ts';
import { type Ask, askFor, refusal, webPage, wholeFile } from './request.ts';
import { sha256 } from './sha256.ts';
import type { Draft } from './store.ts';

/** A file that was fetched. */
export interface Downloaded {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The address it came from; undefined where an earlier attempt had left all of it. */
  readonly url: string | undefined;
}

/** What is the fault of a place, so that the next one is tried. A full disk is none of it. */
const FAULTS_OF_PLACE: readonly string[] = ['NETWORK', 'INTEGRITY', 'TRUNCATED'];

/**
 * Brings all of a file into a draft, and checks it. Each place goes on where the one before it, or an earlier attempt,
 * has left off: the SHA-256 of the whole decides whether the parts belong together.
 *
 * @param places   folders that the file lies in, the first to be tried first
 * @param onLength gets the bytes that are there, whenever there are more or, after a restart, fewer
 * @throws TaesdError what was wrong at each place, with the code that they share, else NETWORK; what the draft throws
 */
export async function downloadFile(
  { file, signal, stallMs }: Omit<Ask, 'url'>,
  places: readonly URL[],
  draft: Draft,
  onLength: (length: number) => void,
): Promise<Downloaded> {
  const failures: TaesdError[] = [];
  for (const place of places) {
    const ask = { file, signal, stallMs, url: urlInFolder(place, file.name) };
    try {
      return await fetchFrom(ask, draft, onLength);
    } catch (error) {
      if (!(error instanceof TaesdError && FAULTS_OF_PLACE.includes(error.code))) throw error;
      failures.push(error);
    }
  }
  throw together(failures);
}

/** Fetches what is missing of the file at one place; where the whole then is not the file, all of it. */
async function fetchFrom(
  ask: Ask,
  draft: Draft,
  onLength: (length: number) => void,
): Promise<Downloaded> {
  const { file } = ask;
  if (draft.length > file.bytes) await draft.restart();
  const before = draft.length;
  onLength(before);
  const isMissing = before < file.bytes;
  const first = isMissing ? await receive(ask, draft, onLength) : before;
  const bytes = await draft.bytes();
  const hash = await sha256(bytes);
  if (hash === file.sha256) return { bytes, url: isMissing ? ask.url.href : undefined };
  await draft.restart();
  // What was left from before may be to blame.
  if (first > 0) return fetchFrom(ask, draft, onLength);
  const hint = 'a damaged or another file';
  throw refusal(ask, 'INTEGRITY', `SHA-256 ${file.sha256}`, hash, hint);
}

/** Appends what a place sends. @returns the byte that it began with */
async function receive(
  ask: Ask,
  draft: Draft,
  onLength: (length: number) => void,
): Promise<number> {
  const { file } = ask;
  const { first, pieces } = await askFor(ask, draft.length);
  let isChecked = false;
  for await (const piece of pieces) {
    if (!isChecked && first === 0) {
      if (looksLikeHtml(piece)) throw webPage(ask);
      if (draft.length > 0) await draft.restart();
    }
    isChecked = true;
    if (draft.length + piece.length > file.bytes) {
      await draft.restart();
      throw refusal(ask, 'INTEGRITY', wholeFile(ask), 'more', 'another file?');
    }
    await draft.append(piece);
    onLength(draft.length);
  }
  const isEmpty = !isChecked && first === 0;
  if (draft.length === file.bytes && !isEmpty) return first;
  // Cleanly ended: the place has no more, and another one would not go on from it.
  const length = isEmpty ? 0 : draft.length;
  await draft.restart();
  throw refusal(ask, 'TRUNCATED', wholeFile(ask), `${length}`, 'another file?');
}

/** A page may come without its content type. */
const looksLikeHtml = (bytes: Uint8Array): boolean =>
  /^(?:\xef\xbb\xbf)?\s*<(?:!doctype|html)/i.test(String.fromCharCode(...bytes.subarray(0, 64)));

/** One error of several: `where: fault; fault`. */
function together(failures: readonly TaesdError[]): TaesdError {
  if (failures.length === 1) return failures[0];
  const faults = failures.map(({ sentence }) => sentence).join('; ');
  const [{ code }] = failures;
  const isShared = failures.every((failure) => failure.code === code);
  const cause = new AggregateError(failures);
  return new TaesdError(isShared ? code : 'NETWORK', faults, { cause });
}
