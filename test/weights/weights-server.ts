import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { Files } from './small-manifest.ts';

/** A request, and the file it is for. */
interface Answering {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The requested file. */
  readonly file: Uint8Array;
  /** The first requested byte, 0 for the whole file. */
  readonly first: number;
}

/** Sends the requested bytes, as servers with ranges do. */
function good({ response, file, first }: Answering, length = file.length): void {
  if (first >= file.length) {
    response.writeHead(416, { 'content-range': `bytes */${file.length}` }).end();
    return;
  }
  const headers = { 'content-length': `${file.length - first}` };
  const range = `bytes ${first}-${file.length - 1}/${file.length}`;
  if (first === 0) response.writeHead(200, headers);
  else response.writeHead(206, { ...headers, 'content-range': range });
  if (length === file.length) response.end(file.subarray(first));
  else response.write(file.subarray(first, length));
}

const PAGE = '<!DOCTYPE html><title>Sign in</title>';

/** The requests that wait in `pair`. */
const waiting: (() => void)[] = [];

/** The server's behaviours by the first part of a path. */
const WAYS: Readonly<Record<string, (answering: Answering) => void>> = {
  good,
  /** Knows no ranges. */
  whole: (answering) => good({ ...answering, first: 0 }),
  /** Sends another range than the requested one. */
  shifted: ({ response, file, first }) => {
    const headers = { 'content-range': `bytes ${first - 1}-${file.length - 1}/${file.length}` };
    response.writeHead(first === 0 ? 200 : 206, first === 0 ? {} : headers);
    response.end(file.subarray(Math.max(first - 1, 0)));
  },
  /** Sends the requested range of another file. */
  changed: ({ first, ...rest }) => good({ ...rest, first, file: reversed(rest.file) }),
  /** Reports that there is no such range. */
  unsatisfied: ({ first, ...rest }) => good({ ...rest, first: first > 0 ? Infinity : 0 }),
  /** Knows no lengths, and compresses. */
  packed: ({ response, file }) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(file));
  },
  moved: ({ request, response }) => {
    const location = (request.url ?? '').replace('/moved/', '/good/');
    response.writeHead(302, { location }).end('moved');
  },
  circle: ({ request, response }) => {
    response.writeHead(302, { location: request.url }).end();
  },
  page: ({ response }) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(PAGE);
  },
  /** Sends a page without a content type and a length. */
  bare: ({ response }) => {
    response.writeHead(200);
    response.write(PAGE);
    response.end();
  },
  short: ({ file, ...rest }) => good({ ...rest, file: file.subarray(1) }),
  /** Ends the response cleanly but too early, without a length. */
  ends: ({ response, file, first }) => {
    response.writeHead(200);
    response.write(file.subarray(first, file.length - 1));
    response.end();
  },
  empty: ({ response }) => {
    response.writeHead(200, { 'transfer-encoding': 'chunked' }).end();
  },
  long: ({ response, file }) => {
    response.writeHead(200);
    response.write(file);
    response.end('more');
  },
  /** Sends bytes until its reader leaves. */
  endless: ({ response, request }) => {
    response.writeHead(200);
    const piece = Buffer.alloc(2 ** 16, 7);
    const send = () => {
      while (!request.socket.destroyed && response.write(piece));
    };
    response.on('drain', send);
    send();
  },
  other: ({ file, ...rest }) => good({ ...rest, file: reversed(file) }),
  cut: (answering) => {
    good(answering, Math.floor(answering.file.length / 2));
    setTimeout(() => answering.request.socket.destroy(), 50);
  },
  /** Sends half, then nothing. */
  stall: (answering) => good(answering, Math.floor(answering.file.length / 2)),
  /** Holds the second half back until there are two requests and a moment has passed. */
  pair: (answering) => {
    const { response, file, first } = answering;
    const middle = Math.floor((first + file.length) / 2);
    good(answering, middle);
    waiting.push(() => response.end(file.subarray(middle)));
    if (waiting.length < 2) return;
    const both = waiting.splice(0);
    setTimeout(() => {
      for (const finish of both) finish();
    }, 200);
  },
  /** Never responds. */
  mute: () => {},
  'hang-up': ({ request }) => void request.socket.destroy(),
};

const reversed = (file: Uint8Array) => file.slice().reverse();

/** Starts a server on this machine with a model's files, and a behaviour for each path. */
export function weightsServer(files: Files) {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const [, way, name] = (request.url ?? '').split('/');
    const { range } = request.headers;
    requests.push(`${way} ${name}${range === undefined ? '' : ` ${range}`}`);
    const first = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const half = /encoder|decoder/.exec(name)?.[0] as 'encoder' | 'decoder' | undefined;
    const file = files[half ?? 'both'] ?? files.decoder;
    const answer = WAYS[way];
    if (answer !== undefined) answer({ request, response, file, first });
    else response.writeHead(Number(way)).end('no');
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  beforeEach(() => {
    requests.length = 0;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const mirror = (way: string) =>
    `http://127.0.0.1:${(server.address() as AddressInfo).port}/${way}`;
  /**
   * `requests`: those since the test began: `good taesd_encoder.safetensors bytes=5-`.
   */
  return { requests, mirror };
}
