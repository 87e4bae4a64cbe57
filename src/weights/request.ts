import { throwIfAborted } from '../builtins/newer.ts';
import { type ErrorDetails, expected, TaesdError } from '../errors.ts';
import { bareRequest } from '../platform/credentials.ts';
import { readUrl } from '../platform/read-url.ts';
import { requestFailure } from '../platform/request-failure.ts';
import { ringAfter } from '../platform/timers.ts';
import type { WantedFile } from './manifest.ts';

/** A file requested from one mirror. */
export interface FileRequest {
  readonly url: URL;
  readonly file: Pick<WantedFile, 'name' | 'bytes' | 'sha256'>;
  /** Ends the request with its reason. */
  readonly signal: AbortSignal | undefined;
  /** The time after which a silent server is given up. */
  readonly stallMs: number;
  /** The limit of a file whose size is not known. */
  readonly maxBytes: number;
}

/** A mirror's response: the file from a byte on. */
export interface FileResponse {
  /** The requested byte, or 0 if the mirror sends whole files only. */
  readonly first: number;
  readonly pieces: AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/**
 * Requests a file from a byte on, by an HTTP range. If the mirror sends another range, requests the
 * whole file. Responses whose headers tell of another file are refused before their body is read.
 *
 * @throws TaesdError NETWORK (no response, another status, a stall), INTEGRITY (a web page, another
 *   length), LIMIT (more than `maxBytes`), `NoSuchFile` (a `file:` URL without one). The pieces
 *   throw NETWORK if the connection is cut or stalls
 */
export async function requestFile(request: FileRequest, first: number): Promise<FileResponse> {
  if (request.url.protocol === 'file:') return readFromFolder(request, first);
  const connection = new Connection(request);
  try {
    const response = await connection.open(first);
    const { status } = response;
    if (status === 200) {
      checkHeaders(request, response, 0);
      return { first: 0, pieces: connection.pieces(response) };
    }
    if (first > 0 && status === 206 && isRest(request, response, first)) {
      checkHeaders(request, response, first);
      return { first, pieces: connection.pieces(response) };
    }
    // 416: a file that ends before `first`. Any range but the rest is useless, too.
    const isOtherRange = first > 0 && (status === 206 || status === 416);
    if (!isOtherRange) throw refusal(request, 'NETWORK', 'HTTP status 200', `${status}`);
  } catch (error) {
    connection.close();
    throw error;
  }
  connection.close();
  return requestFile(request, 0);
}

/** Makes the error for a mirror that sends anything but what `rule` says. */
export const refusal = (
  { url }: FileRequest,
  code: 'NETWORK' | 'INTEGRITY' | 'TRUNCATED' | 'LIMIT' | 'ARG',
  rule: string,
  got: string,
  details?: ErrorDetails,
): TaesdError => expected(code, url.href, rule, got, details);

/** A folder without the file. A file system that cannot be read is no reason to look elsewhere. */
export class NoSuchFile extends TaesdError {}

/** Returns the number of bytes that the file has at most. */
export const maxLength = ({ file, maxBytes }: FileRequest): number => file.bytes ?? maxBytes;

/** Returns the rule for the file as a whole. */
export const wholeFile = (request: FileRequest): string =>
  `a file of ${request.file.bytes === null ? 'at most ' : ''}${maxLength(request)} bytes`;

/** Makes the error for a mirror that sends a web page. */
export const webPage = (request: FileRequest): TaesdError =>
  refusal(request, 'INTEGRITY', wholeFile(request), 'a web page', {
    hint: 'a login page or a proxy in between?',
  });

async function readFromFolder(request: FileRequest, first: number): Promise<FileResponse> {
  const bytes = await readUrl(request.url, { maxBytes: maxLength(request) });
  if (bytes === undefined) {
    const rule = request.file.bytes === null ? 'a file' : wholeFile(request);
    const { code, sentence } = refusal(request, 'ARG', rule, 'no such file');
    throw new NoSuchFile(code, sentence);
  }
  async function* pieces() {
    yield new Uint8Array(bytes as Uint8Array<ArrayBuffer>).subarray(first);
  }
  return { first, pieces: pieces() };
}

/**
 * Returns true if a response is the complete rest of the file. Some servers hide the header from
 * web pages; then the whole file is requested.
 */
function isRest({ file }: FileRequest, { headers }: Response, first: number): boolean {
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
  const [start, last, total] = range?.slice(1) ?? [];
  // A server that knows no total sends what it has.
  const size = file.bytes ?? (total === '*' ? Number(last) + 1 : Number(total));
  const isWhole = total === '*' || Number(total) === size;
  return Number(start) === first && Number(last) === size - 1 && isWhole;
}

/** @param first  the first byte of the response */
function checkHeaders(request: FileRequest, { headers }: Response, first: number): void {
  if (/^text\/html\b/i.test(headers.get('content-type') ?? '')) throw webPage(request);
  // With a content encoding, content-length counts compressed bytes.
  const announced = headers.has('content-encoding') ? null : headers.get('content-length');
  if (announced === null) return;
  const hint = 'another file?';
  const whole = Number(announced) + first;
  if (request.file.bytes === null) {
    if (whole <= maxLength(request)) return;
    throw refusal(request, 'LIMIT', wholeFile(request), `${whole}`, { hint });
  }
  if (whole === request.file.bytes) return;
  const got = first === 0 ? announced : `${announced} for the last ${request.file.bytes - first}`;
  throw refusal(request, 'INTEGRITY', wholeFile(request), got, { hint });
}

/** One HTTP request, with a stall timeout on every step. */
class Connection {
  readonly #request: FileRequest;
  readonly #controller = new AbortController();
  readonly #abort = () => this.#controller.abort();

  constructor(request: FileRequest) {
    this.#request = request;
    request.signal?.addEventListener('abort', this.#abort);
  }

  /** Ends the request in any state. */
  close(): void {
    this.#request.signal?.removeEventListener('abort', this.#abort);
    this.#controller.abort();
  }

  async open(first: number): Promise<Response> {
    // With compression, ranges would count compressed bytes.
    const { url, headers: own } = bareRequest(this.#request.url);
    const headers: Record<string, string> = { ...own, 'accept-encoding': 'identity' };
    if (first > 0) headers.range = `bytes=${first}-`;
    const { signal } = this.#controller;
    const send = () => fetch(url, { headers, signal });
    return this.#wait('an answer', send);
  }

  async *pieces(response: Response): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const reader = response.body?.getReader();
    try {
      while (reader !== undefined) {
        const { done, value } = await this.#wait('the whole file', () => reader.read());
        if (done) break;
        yield value;
      }
    } finally {
      this.close();
    }
  }

  /** Runs a step, which the server must complete before the stall timeout. */
  async #wait<T>(rule: string, step: () => Promise<T>): Promise<T> {
    const { signal, stallMs } = this.#request;
    throwIfAborted(signal);
    let isStalled = false;
    const stop = ringAfter(stallMs, () => {
      isStalled = true;
      this.#controller.abort();
    });
    try {
      return await step();
    } catch (cause) {
      throwIfAborted(signal);
      // A `fetch` that the program has replaced made it. Other addresses would fail alike.
      if (cause instanceof TaesdError) throw cause;
      const { got, hint } = isStalled
        ? { got: `nothing for ${stallMs / 1000} s`, hint: 'a server that stalls' }
        : requestFailure(cause);
      throw refusal(this.#request, 'NETWORK', rule, got, { hint, cause });
    } finally {
      stop();
    }
  }
}
