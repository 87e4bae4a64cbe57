import { allocateBytes } from '../allocate.ts';
import { expected, messageOf, TaesdError } from '../errors.ts';
import { bareRequest } from './credentials.ts';
import { lazily } from './lazily.ts';
import type { RequestFailure } from './request-failure.ts';
import { isMissing } from './system-errors.ts';

/** The default limit. The largest weights file of these models has 10 MB. */
const MAX_FILE_BYTES = 2 ** 28;

interface ReadOptions {
  /** Defaults to 256 MiB. */
  readonly maxBytes?: number | undefined;
  /** Cancels an HTTP request, which then fails. */
  readonly signal?: AbortSignal | null | undefined;
}

/**
 * Reads a file (`file:`) or downloads a URL (all others).
 *
 * @returns the bytes, or undefined if there is no such file (over HTTP: status 404 or 410)
 * @throws TaesdError ARG (unreadable, an HTTP error, cut off midway), LIMIT (longer than
 *   `maxBytes`, of which at most one piece more is read), OOM
 */
export async function readUrl(
  url: URL,
  { maxBytes = MAX_FILE_BYTES, signal = null }: ReadOptions = {},
): Promise<Uint8Array | undefined> {
  if (url.protocol === 'file:') return readFile(url, maxBytes);
  let response: Response;
  try {
    const { url: bare, headers } = bareRequest(url);
    response = await fetch(bare, { signal, headers });
  } catch (cause) {
    // A `fetch` that the program has replaced made it, such as the command's with proxies.
    if (cause instanceof TaesdError) throw cause;
    throw await failed(url, 'an answer', cause);
  }
  if (response.ok) return readBody(url, response, maxBytes);
  await response.body?.cancel().catch(() => undefined);
  if ([404, 410].includes(response.status)) return undefined;
  throw expected('ARG', url.href, 'HTTP status 200 to 299', `${response.status}`);
}

async function readFile(url: URL, maxBytes: number): Promise<Uint8Array | undefined> {
  const { readRegularFile } = await lazily(() => import('./regular-file.ts'));
  try {
    const { otherKind, size, bytes } = await readRegularFile(url, maxBytes);
    if (otherKind !== undefined) throw expected('ARG', url.href, 'a file', otherKind);
    if (bytes === undefined) throw tooLong(url, maxBytes, size);
    return bytes;
  } catch (cause) {
    if (cause instanceof TaesdError) throw cause;
    if (isMissing(cause)) return undefined;
    throw expected('ARG', url.href, 'a readable file', messageOf(cause), { cause });
  }
}

/**
 * Reads a response's body piece by piece, up to the limit. The announced length is only a first
 * check: servers may announce a wrong one, or none.
 */
async function readBody(url: URL, response: Response, maxBytes: number): Promise<Uint8Array> {
  const announced = Number(response.headers.get('content-length'));
  if (announced > maxBytes) {
    await response.body?.cancel().catch(() => undefined);
    throw tooLong(url, maxBytes, announced);
  }
  const reader = response.body?.getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const piece = await reader?.read().catch(async (cause: unknown) => {
      throw await failed(url, 'the whole answer', cause);
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

async function failed(url: URL, rule: string, cause: unknown): Promise<TaesdError> {
  // A page without a network cannot load it either.
  const words = await lazily(() => import('./request-failure.ts')).catch(() => undefined);
  const { got, hint }: RequestFailure = words?.requestFailure(cause) ?? { got: messageOf(cause) };
  return expected('ARG', url.href, rule, got, { hint, cause });
}

const tooLong = (url: URL, maxBytes: number, got: number | 'more'): TaesdError =>
  expected('LIMIT', url.href, `at most ${maxBytes} bytes`, `${got}`, { hint: 'another file?' });
