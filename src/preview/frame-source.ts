import { bytesOf, describe } from '../checks.ts';
import { type ErrorDetails, expected, messageOf, TaesdError } from '../errors.ts';
import { nextTask } from '../platform/timers.ts';
import { EventStream } from '../wire/event-stream.ts';
import { FrameSplitter } from '../wire/splitter.ts';

/*
 * The connections that bring frames of latents. They are told apart by their members, because
 * programs bring classes of their own: the package ws, undici, polyfills, other realms.
 */

/** A WebSocket of a browser, of Node, of the package ws, of undici. */
export interface SocketLike {
  readonly readyState: number;
  send(text: string): void;
  close(): void;
  addEventListener(type: never, listener: never): void;
  removeEventListener(type: never, listener: never): void;
}

/** An EventSource of a browser or of a package. */
export type EventSourceLike = Omit<SocketLike, 'send'>;

/** A ReadableStream of bytes. */
export interface StreamLike {
  getReader(): unknown;
}

/** The response of a `fetch`. */
export interface ResponseLike {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: StreamLike | null;
}

/** A connection that brings frames of latents. */
export type FrameSource = SocketLike | EventSourceLike | StreamLike | ResponseLike;

/** The receiver of what a connection brings. Its methods throw nothing. */
export interface FrameSink {
  /** Takes a frame: its bytes, or these as base64. */
  take(frame: Uint8Array | string): void;
  /** Takes the error of a single message. The connection goes on. */
  fault(error: unknown): void;
  /** Takes the end of the connection, and the error that ended it. Called once. */
  end(error?: unknown): void;
}

/** An open connection. */
export interface OpenSource {
  /** Ends the connection. The sink takes nothing after it. */
  close(): void;
  /** Sends a text to the other side. Undefined if the connection has one direction. */
  readonly answer?: (text: string) => void;
}

/** The events of server-sent events that mean something here. */
const LATENTS = 'latents';
const END = 'end';
/** `readyState` of sockets. */
const [OPEN, CLOSING] = [1, 2];
/** `readyState` of an EventSource that does not connect again. */
const EVENTS_CLOSED = 2;
/** Codes of a WebSocket's planned end: done, going away, none given. */
const PLANNED: readonly unknown[] = [1000, 1001, 1005];
/** Hints for codes that say little. */
const BROKEN: Readonly<Record<string, string>> = { 1006: 'the connection broke off' };

/**
 * Begins to read a connection.
 *
 * @throws TaesdError ARG (none of these connections, one that is closed or read by others), NETWORK
 *   (a response that is no success)
 */
export function openSource(source: unknown, sink: FrameSink): OpenSource {
  const found = (source ?? {}) as Partial<SocketLike & StreamLike & ResponseLike>;
  if (typeof found.getReader === 'function') return openStream(found as StreamLike, sink);
  if (typeof found.addEventListener === 'function' && typeof found.close === 'function') {
    const isSocket = typeof found.send === 'function';
    return isSocket
      ? openSocket(found as SocketLike, sink)
      : openEvents(found as EventSourceLike, sink);
  }
  if (typeof found.status === 'number') return openResponse(found as ResponseLike, sink);
  const rule = 'a WebSocket, an EventSource, a Response or a ReadableStream';
  throw expected('ARG', 'source', rule, describe(source));
}

type Listener = (event: Record<string, unknown>) => void;

/**
 * Adds listeners. Their errors, such as that of an event whose getter throws, go to the sink.
 *
 * @returns a function that removes them
 */
function listen(
  target: EventSourceLike,
  listeners: Readonly<Record<string, Listener>>,
  sink: FrameSink,
): () => void {
  const guarded = Object.entries(listeners).map(([type, listener]) => {
    const run: Listener = (event) => {
      try {
        listener(event);
      } catch (error) {
        sink.fault(error);
      }
    };
    return [type, run] as const;
  });
  for (const [type, run] of guarded) target.addEventListener(type as never, run as never);
  return () => {
    for (const [type, run] of guarded) target.removeEventListener(type as never, run as never);
  };
}

/** Runs what may fail without harm: the other side is gone, or will be. */
function quietly(run: () => unknown): void {
  try {
    // A promise, such as that of `cancel`, may reject.
    Promise.resolve(run()).catch(() => undefined);
  } catch {
    // So may the call itself.
  }
}

function openSocket(socket: SocketLike, sink: FrameSink): OpenSource {
  if (socket.readyState >= CLOSING) {
    throw expected('ARG', 'source', 'an open WebSocket', 'a closed one');
  }
  // Browsers default to Blobs, whose bytes come later, and ws to Buffers.
  (socket as { binaryType?: string }).binaryType = 'arraybuffer';
  let reason = '';
  let wasOpen = socket.readyState === OPEN;
  /** Messages that came as Blobs are read one after the other. */
  let blobs: Promise<void> | undefined;
  const take = (data: unknown) => {
    try {
      sink.take(bytesOf(data));
    } catch (error) {
      sink.fault(error);
    }
  };
  const forget = listen(
    socket,
    {
      message: ({ data }) => {
        // A sender may say other things as texts.
        if (typeof data === 'string') return;
        const isBlob = typeof (data as Partial<Blob> | null)?.arrayBuffer === 'function';
        if (!isBlob && blobs === undefined) {
          take(data);
          return;
        }
        const read = async () => take(isBlob ? await (data as Blob).arrayBuffer() : data);
        blobs = (blobs ?? Promise.resolve()).then(read).catch(sink.fault);
      },
      open: () => {
        wasOpen = true;
      },
      error: ({ message }) => {
        if (typeof message === 'string') reason = message;
      },
      close: ({ code, reason: last }) => {
        forget();
        const isPlanned = code === undefined || PLANNED.includes(code);
        const words = [`code ${code}`, last, reason].filter(Boolean).join(': ');
        const rule = wasOpen ? 'a WebSocket that closes with code 1000' : 'a WebSocket that opens';
        const hint = wasOpen
          ? BROKEN[`${code}`]
          : 'is the server running, and does it let this page connect?';
        const error = isPlanned ? undefined : lost(rule, words, { hint });
        void (blobs ?? Promise.resolve()).then(() => sink.end(error));
      },
    },
    sink,
  );
  return {
    close() {
      forget();
      quietly(() => socket.close());
    },
    answer(text) {
      if (socket.readyState === OPEN) quietly(() => socket.send(text));
    },
  };
}

function openEvents(events: EventSourceLike, sink: FrameSink): OpenSource {
  if (events.readyState === EVENTS_CLOSED) {
    throw expected('ARG', 'source', 'an open EventSource', 'a closed one');
  }
  const close = () => {
    forget();
    quietly(() => events.close());
  };
  const forget = listen(
    events,
    {
      [LATENTS]: ({ data }) => sink.take(String(data)),
      // Without it the source would connect again, for ever.
      [END]: () => {
        close();
        sink.end();
      },
      error: ({ message }) => {
        // It connects again by itself until it is closed.
        if (events.readyState !== EVENTS_CLOSED) return;
        close();
        const words = typeof message === 'string' ? message : 'an error';
        // A browser does not report which of these it was.
        const hint =
          'an HTTP error, another content-type, or a host that does not allow this page?';
        sink.end(lost('server-sent events', words, { hint }));
      },
    },
    sink,
  );
  return { close };
}

/** Returns true for a response of server-sent events. */
export const isEventStream = ({ headers }: Pick<ResponseLike, 'headers'>): boolean =>
  /^text\/event-stream\b/i.test(headers?.get?.('content-type') ?? '');

function openResponse(response: ResponseLike, sink: FrameSink): OpenSource {
  const { status, body } = response;
  if (status < 200 || status > 299) {
    quietly(() => (body as Partial<ReadableStream> | null)?.cancel?.());
    throw expected('NETWORK', 'source', 'HTTP status 200 to 299', `${status}`);
  }
  if (typeof body?.getReader !== 'function') {
    throw expected('ARG', 'source', 'a Response with a body', 'none');
  }
  return openStream(body, sink, isEventStream(response));
}

/** The part of a stream's reader that is used. */
interface Reader {
  read(): Promise<{ readonly done: boolean; readonly value?: unknown }>;
  cancel(): unknown;
}

function openStream(stream: StreamLike, sink: FrameSink, isEvents = false): OpenSource {
  let reader: Reader;
  try {
    reader = stream.getReader() as Reader;
  } catch (cause) {
    const rule = 'a stream that is not being read';
    throw expected('ARG', 'source', rule, messageOf(cause), { cause });
  }
  let isClosed = false;
  const close = () => {
    isClosed = true;
    quietly(() => reader.cancel());
  };
  const framesIn = isEvents ? eventFrames() : bodyFrames();
  const pump = async () => {
    for (;;) {
      const { done, value } = await nextPiece(reader);
      if (isClosed) return;
      if (done) break;
      for (const frame of framesIn.take(pieceOf(value))) {
        if (isClosed) return;
        if (frame === END) {
          close();
          return;
        }
        sink.take(frame);
      }
      // Pieces that are there already would come in one turn of the event loop, and starve the
      // decoding of a fast connection's frames.
      await nextTask();
    }
    framesIn.end();
  };
  void pump().then(
    () => sink.end(),
    (error) => {
      close();
      sink.end(error);
    },
  );
  return { close };
}

/** @throws TaesdError NETWORK */
async function nextPiece(reader: Reader) {
  try {
    return await reader.read();
  } catch (cause) {
    throw cause instanceof TaesdError ? cause : lost('a whole stream', messageOf(cause), { cause });
  }
}

/** @throws TaesdError ARG */
function pieceOf(value: unknown): Uint8Array {
  try {
    return bytesOf(value);
  } catch (cause) {
    const rule = 'a stream of bytes';
    throw expected('ARG', 'source', rule, `a stream of ${describe(value)}`, { cause });
  }
}

/** Cuts frames, or `end`, from the pieces of a body. */
interface FramesIn {
  take(piece: Uint8Array): Iterable<Uint8Array | string>;
  end(): void;
}

function bodyFrames(): FramesIn {
  return new FrameSplitter();
}

function eventFrames(): FramesIn {
  const events = new EventStream();
  return {
    *take(piece) {
      for (const { type, data } of events.take(piece)) {
        if (type === LATENTS) yield data;
        if (type === END) yield END;
      }
    },
    end() {},
  };
}

const lost = (rule: string, got: string, details: ErrorDetails): TaesdError =>
  expected('NETWORK', 'source', rule, got, details);
