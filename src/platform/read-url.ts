import { allocateBytes } from '../allocate.ts';
import { expected, messageOf, TaesdError } from '../errors.ts';
import { isMissing } from './system-errors.ts';

/** The most that is read: the largest file of these models' weights has 10 MB. */
const MAX_FILE_BYTES = 2 ** 28;

/** How a file is read. */
interface ReadOptions {
  readonly maxBytes?: number | undefined;
  /** Ends the request, which then fails. */
  readonly signal?: AbortSignal | null | undefined;
}

/**
 * Reads a file (`file:`) or fetches a URL (anything else).
 *
 * @returns its bytes, or undefined where there is no such file (for HTTP: 404 and 410)
 * @throws TaesdError ARG where it is there but cannot be read, or is cut off on its way; LIMIT where it is longer than
 *   `maxBytes`, of which no more than that is read; OOM
 */
export async function readUrl(
  url: URL,
  { maxBytes = MAX_FILE_BYTES, signal = null }: ReadOptions = {},
): Promise<Uint8Array | undefined> {
  if (url.protocol === 'file:') {
    try {
      const { readFile, stat } = process.getBuiltinModule('node:fs/promises');
      const { size } = await stat(url);
      if (size > maxBytes) throw tooLong(url, maxBytes, `${size}`);
      return await readFile(url);
    } catch (cause) {
      if (cause instanceof TaesdError) throw cause;
      if (isMissing(cause)) return undefined;
      throw expected('ARG', url.href, 'a readable file', reason(cause), { cause });
    }
  }
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (cause) {
    throw expected('ARG', url.href, 'an answer', reason(cause), { hint: 'no network?', cause });
  }
  if (response.ok) return readBody(url, response, maxBytes);
  await response.body?.cancel().catch(() => undefined);
  if (response.status === 404 || response.status === 410) return undefined;
  throw expected('ARG', url.href, 'HTTP status 200 to 299', `${response.status}`);
}

/** The body of an answer, of which a server may say anything or nothing: piece by piece, up to the limit. */
async function readBody(url: URL, response: Response, maxBytes: number): Promise<Uint8Array> {
  const announced = Number(response.headers.get('content-length'));
  if (announced > maxBytes) {
    await response.body?.cancel().catch(() => undefined);
    throw tooLong(url, maxBytes, `${announced}`);
  }
  const reader = response.body?.getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const piece = await reader?.read().catch((cause: unknown) => {
      const hint = 'the connection was cut?';
      throw expected('ARG', url.href, 'the whole answer', reason(cause), { hint, cause });
    });
    if (piece === undefined || piece.done) break;
    length += piece.value.length;
    if (length > maxBytes) {
      await reader?.cancel().catch(() => undefined);
      throw tooLong(url, maxBytes, 'more');
    }
    pieces.push(piece.value);
  }
  const bytes = allocateBytes(url.href, length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

const tooLong = (url: URL, maxBytes: number, got: string): TaesdError =>
  expected('LIMIT', url.href, `at most ${maxBytes} bytes`, got, { hint: 'another file?' });

/** What an error says, in one line. */
function reason(error: unknown): string {
  return messageOf(error);
}
