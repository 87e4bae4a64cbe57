import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { Files } from './small-manifest.ts';

/** What the server knows when it answers. */
interface Answering {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The file that is asked for. */
  readonly file: Uint8Array;
  /** The byte that is asked for, 0 for the whole. */
  readonly first: number;
}

/** Sends what was asked for, as servers do that know ranges. */
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

/** Those that `pair` lets wait. */
const waiting: (() => void)[] = [];

/** The first part of a path says what the server does. */
const WAYS: Readonly<Record<string, (answering: Answering) => void>> = {
  good,
  /** Knows no ranges. */
  whole: (answering) => good({ ...answering, first: 0 }),
  /** Sends another range than the one that is asked for. */
  shifted: ({ response, file, first }) => {
    const headers = { 'content-range': `bytes ${first - 1}-${file.length - 1}/${file.length}` };
    response.writeHead(first === 0 ? 200 : 206, first === 0 ? {} : headers);
    response.end(file.subarray(Math.max(first - 1, 0)));
  },
  /** A range as it should be, but of another file. */
  changed: ({ first, ...rest }) => good({ ...rest, first, file: reversed(rest.file) }),
  /** Says that there is no such range. */
  unsatisfied: ({ first, ...rest }) => good({ ...rest, first: first > 0 ? Infinity : 0 }),
  /** Knows no lengths, and packs for the way. */
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
  /** A page that does not say so, and comes without a length. */
  bare: ({ response }) => {
    response.writeHead(200);
    response.write(PAGE);
    response.end();
  },
  short: ({ file, ...rest }) => good({ ...rest, file: file.subarray(1) }),
  /** Ends in good order, too early, and has announced no length. */
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
  other: ({ file, ...rest }) => good({ ...rest, file: reversed(file) }),
  cut: (answering) => {
    good(answering, Math.floor(answering.file.length / 2));
    setTimeout(() => answering.request.socket.destroy(), 50);
  },
  /** Sends half, then nothing. */
  stall: (answering) => good(answering, Math.floor(answering.file.length / 2)),
  /** Keeps the second half to itself until two have asked and a moment has passed. */
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
  /** Takes the question, and says nothing. */
  mute: () => {},
  'hang-up': ({ request }) => void request.socket.destroy(),
};

const reversed = (file: Uint8Array) => file.slice().reverse();

/** A server on this machine that has a model's files, and a bad manner for each path. */
export function weightsServer(files: Files) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const [, way, name] = (request.url ?? '').split('/');
    const { range } = request.headers;
    asked.push(`${way} ${name}${range === undefined ? '' : ` ${range}`}`);
    const first = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const file = name.includes('encoder') ? files.encoder : files.decoder;
    const answer = WAYS[way];
    if (answer !== undefined) answer({ request, response, file, first });
    else response.writeHead(Number(way)).end('no');
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  beforeEach(() => {
    asked.length = 0;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const place = (way: string) =>
    `http://127.0.0.1:${(server.address() as AddressInfo).port}/${way}`;
  /** `asked`: what was asked for since the test began: `good taesd_encoder.safetensors bytes=5-`. */
  return { asked, place };
}
