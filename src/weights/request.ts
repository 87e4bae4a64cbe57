import { expected, type TaesdError } from '../errors.ts';
import { readUrl } from '../platform/read-url.ts';
import type { ManifestFile } from './manifest.ts';

/** A file that is asked for at one place. */
export interface Ask {
  readonly url: URL;
  readonly file: ManifestFile;
  /** Ends the asking with its reason. */
  readonly signal: AbortSignal | undefined;
  /** A server that sends nothing for so long is given up. */
  readonly stallMs: number;
}

/** What a place sends: the file from a byte on. */
export interface Answer {
  /** The byte that was asked for, or 0 where the place sends whole files only. */
  readonly first: number;
  readonly pieces: AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/**
 * Asks a place for a file from a byte on: by an HTTP range, and once more for the whole file where the answer is another
 * range. Headers that tell of another file are refused before anything is read.
 *
 * @throws TaesdError NETWORK (no answer, another status, a stall), INTEGRITY (a web page, another length), ARG (`file:`
 *   that is not there). The pieces throw NETWORK where the connection is cut or stalls
 */
export async function askFor(ask: Ask, first: number): Promise<Answer> {
  if (ask.url.protocol === 'file:') return askFolder(ask, first);
  const connection = new Connection(ask);
  try {
    const response = await connection.open(first);
    const { status } = response;
    if (status === 200) {
      checkHeaders(ask, response, ask.file.bytes);
      return { first: 0, pieces: connection.pieces(response) };
    }
    if (first > 0 && status === 206 && isRest(ask, response, first)) {
      checkHeaders(ask, response, ask.file.bytes - first);
      return { first, pieces: connection.pieces(response) };
    }
    // 416: a file that ends before `first`. Any other part than the rest is of no use either.
    const isOtherRange = first > 0 && (status === 206 || status === 416);
    if (!isOtherRange) throw refusal(ask, 'NETWORK', 'HTTP status 200', `${status}`);
  } catch (error) {
    connection.close();
    throw error;
  }
  connection.close();
  return askFor(ask, 0);
}

/** The error for a place that sends something else: `rule` is what would have been right. */
export const refusal = (
  { url }: Ask,
  code: 'NETWORK' | 'INTEGRITY' | 'TRUNCATED' | 'ARG',
  rule: string,
  got: string,
  hint?: string,
  options?: ErrorOptions,
): TaesdError => expected(code, url.href, rule, got, { hint, ...options });

/** The rule and the likely cause where something else is sent in place of a file. */
export const wholeFile = ({ file }: Ask) => `a file of ${file.bytes} bytes`;
export const webPage = (ask: Ask): TaesdError =>
  refusal(ask, 'INTEGRITY', wholeFile(ask), 'a web page', 'a login page or a proxy in between?');

async function askFolder(ask: Ask, first: number): Promise<Answer> {
  const bytes = await readUrl(ask.url);
  if (bytes === undefined) throw refusal(ask, 'ARG', wholeFile(ask), 'no such file');
  async function* pieces() {
    yield new Uint8Array(bytes as Uint8Array<ArrayBuffer>).subarray(first);
  }
  return { first, pieces: pieces() };
}

/** True for an answer that is the rest of the file, all of it. Some servers' headers are hidden from web pages. */
function isRest({ file }: Ask, { headers }: Response, first: number): boolean {
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
  const [start, last, total] = range?.slice(1) ?? [];
  const isWhole = total === '*' || Number(total) === file.bytes;
  return Number(start) === first && Number(last) === file.bytes - 1 && isWhole;
}

function checkHeaders(ask: Ask, { headers }: Response, wanted: number): void {
  if (/^text\/html\b/i.test(headers.get('content-type') ?? '')) throw webPage(ask);
  // Of what is packed for the way, the length says nothing.
  const announced = headers.has('content-encoding') ? null : headers.get('content-length');
  if (announced === null || Number(announced) === wanted) return;
  const got = wanted === ask.file.bytes ? announced : `${announced} for the last ${wanted}`;
  throw refusal(ask, 'INTEGRITY', wholeFile(ask), got, 'another file?');
}

/** One request, and the patience that its server has to earn. */
class Connection {
  readonly #ask: Ask;
  readonly #controller = new AbortController();
  readonly #abort = () => this.#controller.abort();

  constructor(ask: Ask) {
    this.#ask = ask;
    ask.signal?.addEventListener('abort', this.#abort);
  }

  /** Ends the request, at whatever point it is. */
  close(): void {
    this.#ask.signal?.removeEventListener('abort', this.#abort);
    this.#controller.abort();
  }

  async open(first: number): Promise<Response> {
    // Packed for the way, ranges would count other bytes.
    const headers = new Headers({ 'accept-encoding': 'identity' });
    if (first > 0) headers.set('range', `bytes=${first}-`);
    const { signal } = this.#controller;
    return this.#wait('an answer', 'no network?', () => fetch(this.#ask.url, { headers, signal }));
  }

  async *pieces(response: Response): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const reader = response.body?.getReader();
    try {
      while (reader !== undefined) {
        const hint = 'the connection was cut?';
        const { done, value } = await this.#wait('the whole file', hint, () => reader.read());
        if (done) break;
        yield value;
      }
    } finally {
      this.close();
    }
  }

  /** One step that the server must do within the time. */
  async #wait<T>(rule: string, hint: string, step: () => Promise<T>): Promise<T> {
    const ask = this.#ask;
    ask.signal?.throwIfAborted();
    let isStalled = false;
    const timer = setTimeout(() => {
      isStalled = true;
      this.#controller.abort();
    }, ask.stallMs);
    try {
      return await step();
    } catch (cause) {
      ask.signal?.throwIfAborted();
      const options = { cause };
      if (!isStalled) throw refusal(ask, 'NETWORK', rule, reason(cause), hint, options);
      const got = `nothing for ${ask.stallMs / 1000} s`;
      throw refusal(ask, 'NETWORK', rule, got, 'a server that stalls', options);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Node's "fetch failed" keeps what happened in its cause. */
function reason(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  const { message } = (cause instanceof Error && cause.message ? cause : error) as Error;
  return message.split('\n', 1)[0];
}
