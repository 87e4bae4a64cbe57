import { tagOf } from '../builtins/tags.ts';
import { bytesOf, describe } from '../checks.ts';
import { expected, inside } from '../errors.ts';
import { startsWith } from '../first-bytes.ts';
import type { FoundLatents } from '../formats/read-latents.ts';
import { bareRequest } from '../platform/credentials.ts';
import { lazily } from '../platform/lazily.ts';
import { requestFailure } from '../platform/request-failure.ts';
import { joined } from '../png/joined.ts';
import { isEventStream } from '../preview/frame-source.ts';
import { showFrames } from './frames.ts';
import type { Reception } from './reception.ts';

/** The first letters of a frame of latents: docs/wire.md. */
const FRAME = 'TLAT';
/** The maximum of a file of latents. */
const MAX_FILE_BYTES = 2 ** 28;

type Piece = { readonly done: boolean; readonly value?: unknown };

/** The part of a body's reader that is used. */
interface Reader {
  read(): Promise<Piece>;
  cancel(): unknown;
}

/**
 * Opens a source and shows what comes from it: the latents of a file, or frames one after the
 * other.
 *
 * @param source  an address, a Blob, a Response, an ArrayBuffer or a view of one, or a connection
 *   that `previewFrom` takes
 * @throws TaesdError ARG (another value), NETWORK, LIMIT; as `readLatents` and `previewFrom`
 */
export async function receive(source: unknown, reception: Reception): Promise<void> {
  if (typeof source === 'string') {
    const url = new URL(source, reception.base);
    if (/^wss?:$/.test(url.protocol)) showFrames(new WebSocket(url), reception);
    else {
      const response = await responseAt(url, reception.signal);
      await inside(url.href, () => receiveResponse(response, nameOf(url), reception));
    }
    return;
  }
  if (ArrayBuffer.isView(source) || tagOf(source) === 'ArrayBuffer') {
    await receiveBody(readerOf(bytesOf(source)), undefined, reception);
    return;
  }
  const given = (source ?? {}) as Partial<File & Response & EventTarget & ReadableStream>;
  if (typeof given.status === 'number') {
    const name = given.url ? nameOf(new URL(given.url)) : undefined;
    await insideOf(name, () => receiveResponse(source as Response, name, reception));
  } else if (typeof given.arrayBuffer === 'function') {
    const bytes = new Uint8Array(await given.arrayBuffer());
    await insideOf(given.name, () => receiveBody(readerOf(bytes), given.name, reception));
  } else if (typeof given.getReader === 'function') {
    await receiveBody(given.getReader() as Reader, undefined, reception);
  } else if (typeof given.addEventListener === 'function') {
    showFrames(source as WebSocket, reception);
  } else {
    const rule = 'an address, a Blob, a Response, bytes, a stream, a WebSocket or an EventSource';
    throw expected('ARG', 'src', rule, describe(source));
  }
}

/** @throws TaesdError NETWORK */
async function responseAt(url: URL, signal: AbortSignal): Promise<Response> {
  const { url: bare, headers } = bareRequest(url);
  try {
    return await fetch(bare, { headers, signal });
  } catch (cause) {
    const { got, hint } = requestFailure(cause);
    throw expected('NETWORK', url.href, 'an answer', got, { hint, cause });
  }
}

/** Returns the last part of an address: the name of its file. */
const nameOf = ({ pathname }: URL): string => pathname.slice(pathname.lastIndexOf('/') + 1);

/** @throws TaesdError NETWORK (no success), ARG (no body) */
async function receiveResponse(
  response: Response,
  name: string | undefined,
  reception: Reception,
): Promise<void> {
  // `previewFrom` has the error of a response that is no success.
  if (isEventStream(response) || !response.ok || response.body === null)
    showFrames(response, reception);
  else await receiveBody(response.body.getReader() as Reader, name, reception);
}

/** Looks at the first bytes: a body of frames is shown as they come, a file when it is whole. */
async function receiveBody(
  reader: Reader,
  name: string | undefined,
  reception: Reception,
): Promise<void> {
  const { signal } = reception;
  const cancel = () => void Promise.resolve(reader.cancel()).catch(() => {});
  signal.addEventListener('abort', cancel);
  const read: Piece[] = [];
  let head = new Uint8Array(0);
  let length = 0;
  for (;;) {
    const piece = await nextPiece(reader);
    read.push(piece);
    if (piece.done) break;
    const bytes = bytesOf(piece.value);
    if (head.length < FRAME.length) head = joined([head, bytes.subarray(0, FRAME.length)]);
    if (startsWith(head, FRAME)) {
      signal.removeEventListener('abort', cancel);
      const next = () => read.shift() ?? reader.read();
      const replayed = { read: async () => next(), cancel: () => reader.cancel() };
      showFrames({ getReader: () => replayed }, reception);
      return;
    }
    length += bytes.length;
    if (length > MAX_FILE_BYTES) {
      cancel();
      throw expected('LIMIT', 'src', `at most ${MAX_FILE_BYTES} bytes`, 'more');
    }
  }
  const whole = joined(read.flatMap(({ value }) => (value === undefined ? [] : [bytesOf(value)])));
  const found = await readFile(whole, name);
  if (!signal.aborted) reception.push(found);
}

/** @throws TaesdError NETWORK (the connection was cut) */
async function nextPiece(reader: Reader): Promise<Piece> {
  try {
    return await reader.read();
  } catch (cause) {
    const { got, hint } = requestFailure(cause);
    throw expected('NETWORK', 'src', 'the whole answer', got, { hint, cause });
  }
}

function readerOf(bytes: Uint8Array): Reader {
  const pieces: Piece[] = [{ done: false, value: bytes }];
  return { read: async () => pieces.shift() ?? { done: true }, cancel() {} };
}

async function readFile(bytes: Uint8Array, name: string | undefined): Promise<FoundLatents> {
  const { readLatents } = await lazily(() => import('../formats/read-latents.ts'));
  return readLatents(bytes, { name });
}

/** Names the file in errors, if it has a name. */
const insideOf = (name: string | undefined, work: () => Promise<void>): Promise<void> =>
  name ? inside(name, work) : work();
