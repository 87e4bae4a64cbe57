import { beforeAll, describe, expect, test } from 'vitest';
import type { Picture } from '../../src/options/types.ts';
import {
  decodeFrame,
  encodeFrame,
  type FrameOptions,
  type FrameSource,
  type PreviewFromOptions,
  predictOriginal,
  previewFrom,
  type StreamFrameInfo,
  type StreamPreview,
} from '../../src/preview/index.ts';
import { Taesd } from '../../src/taesd.ts';
import type { Tensor } from '../../src/tensor.ts';
import { dreamOf, PINNED } from '../dream/loaded.ts';
import { needs, servePython } from '../python.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { expectError } from '../thrown-by.ts';

/*
 * Connections that bring frames: every kind of them, latest first, and what may go wrong.
 */

const LATENTS = randomTensor(seededRandom(5), [1, 4, 3, 5], 2);
const frameOf = (step: number, options: FrameOptions = {}, latents: Tensor = LATENTS) =>
  encodeFrame(latents, { model: 'taesd', type: 'f16', step, ...options });

let nano: Taesd;
beforeAll(async () => {
  nano = await Taesd.load({ model: 'nano', only: 'decoder', workers: 0 });
});

interface Shown extends StreamFrameInfo {
  readonly picture: Picture;
}

/** Shows a connection and keeps what it shows and reports. */
function keeping(source: unknown, options: Partial<PreviewFromOptions> = {}) {
  const shown: Shown[] = [];
  const errors: unknown[] = [];
  const preview = previewFrom(source as FrameSource, nano, {
    onFrame: (picture, frame) => void shown.push({ picture, ...frame }),
    onError: (error) => errors.push(error),
    ...options,
  });
  return { preview, shown, errors, steps: () => shown.map(({ step }) => step) };
}

const messages = (errors: readonly unknown[]) =>
  errors.map((error) => {
    const { code, message } = error as { code?: string; message: string };
    return [code, message];
  });

const turns = async (count = 5) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setTimeout(resolve, 2));
};

/** A connection of events, as browsers, ws and undici have them. */
class Events extends EventTarget {
  readyState = 1;
  closed = 0;
  listeners = 0;
  override addEventListener(...args: Parameters<EventTarget['addEventListener']>) {
    this.listeners++;
    super.addEventListener(...args);
  }
  override removeEventListener(...args: Parameters<EventTarget['removeEventListener']>) {
    this.listeners--;
    super.removeEventListener(...args);
  }
  fire(type: string, facts: object = {}) {
    this.dispatchEvent(Object.assign(new Event(type), facts));
  }
  close() {
    this.closed++;
    this.readyState = 3;
  }
}

class Socket extends Events {
  readonly sent: unknown[] = [];
  binaryType = 'blob';
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  message(data: unknown) {
    this.fire('message', { data });
  }
}

function streamOf(...pieces: (Uint8Array | string)[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece as Uint8Array);
      controller.close();
    },
  });
}

const event = (frame: Uint8Array) =>
  `event: latents\ndata: ${Buffer.from(frame).toString('base64')}\n\n`;

describe('a body of frames', () => {
  test('in one piece → the last is shown, as decode makes it; the others are dropped', async () => {
    const pieces = [0, 1, 2].map((step) => frameOf(step, { steps: 3, width: 37, height: 20 }));
    const { preview, shown, errors } = keeping(streamOf(Buffer.concat(pieces)));
    await preview.done;
    const [{ picture, elapsedMs, ...facts }] = shown;
    expect(facts).toEqual({ step: 2, steps: 3, model: 'taesd', dropped: 2 });
    expect([picture.width, picture.height, shown.length]).toEqual([37, 20, 1]);
    const half = await nano.decode(halved(LATENTS), { width: 37, height: 20 });
    expect(picture).toEqual(half);
    expect(elapsedMs).toBeGreaterThan(0);
    expect(preview.dropped).toBe(2);
    expect(errors).toEqual([]);
  });

  test('slower than the decoder → each is shown, in order', async () => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const { preview, steps } = keeping(new Response(readable));
    const writer = writable.getWriter();
    for (let step = 0; step < 5; step++) {
      const frame = frameOf(step);
      await writer.write(frame.subarray(0, 50));
      await writer.write(frame.subarray(50));
      while (steps().length <= step) await turns(1);
    }
    await writer.close();
    await preview.done;
    expect(steps()).toEqual([0, 1, 2, 3, 4]);
    expect(preview.dropped).toBe(0);
  });

  test('that always has one more → pictures come all the same; stop ends it', async () => {
    let step = 0;
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(frameOf(step++)),
      cancel() {
        cancelled = true;
      },
    });
    const { preview, steps } = keeping(endless);
    while (steps().length < 5) await turns(1);
    preview.stop();
    await preview.done;
    const count = steps().length;
    expect(cancelled).toBe(true);
    expect(preview.dropped).toBeGreaterThan(0);
    await turns();
    expect(steps().length).toBe(count);
    expect(steps()).toEqual([...steps()].sort((a = 0, b = 0) => a - b));
  });

  test('that ends inside of a frame → TRUNCATED after the pictures before', async () => {
    const { preview, steps, errors } = keeping(
      streamOf(Buffer.concat([frameOf(1), frameOf(2).subarray(0, 60)])),
    );
    await preview.done;
    expect(steps()).toEqual([1]);
    expect(messages(errors)).toEqual([
      ['TRUNCATED', 'previewFrom: "frame" expected 164 bytes, got 60 (the connection was cut?)'],
    ]);
  });

  test('other bytes, texts → errors, and the stream is cancelled', async () => {
    let cancelled = 0;
    const endless = (piece: unknown) =>
      new ReadableStream({
        pull: (controller) => controller.enqueue(piece),
        cancel: () => void cancelled++,
      });
    const page = keeping(endless(Buffer.from('<html>')));
    const text = keeping(endless('a text'));
    await Promise.all([page.preview.done, text.preview.done]);
    expect(messages([...page.errors, ...text.errors])).toEqual([
      [
        'FORMAT',
        'previewFrom: "magic" expected 54 4c 41 54, got 3c 68 74 6d (a text, such as the page of an error?)',
      ],
      ['ARG', 'previewFrom: "source" expected a stream of bytes, got a stream of "a text"'],
    ]);
    expect(cancelled).toBe(2);
  });

  test('that breaks → NETWORK with its cause', async () => {
    const cause = new TypeError('terminated');
    const broken = new ReadableStream({ start: (controller) => controller.error(cause) });
    const { preview } = keeping(broken, { onError: undefined });
    await expect(preview.done).rejects.toMatchObject({
      code: 'NETWORK',
      message: 'previewFrom: "source" expected a whole stream, got terminated',
      cause,
    });
  });

  test('a body of server-sent events, cut anywhere → frames until end', async () => {
    const text = `: a comment\r\n\r\nevent: other\ndata: x\n\n${event(frameOf(3))}id: 7\nretry\n${event(
      frameOf(4),
    )}event: end\ndata:\n\n${event(frameOf(5))}`;
    for (const length of [text.length, 1, 7, 100]) {
      const pieces = Array.from({ length: Math.ceil(text.length / length) }, (_, i) =>
        Buffer.from(text.slice(i * length, (i + 1) * length)),
      );
      const headers = { 'content-type': 'text/event-stream; charset=utf-8' };
      const source = new Response(streamOf(...pieces), { headers });
      const { preview, steps, errors } = keeping(source);
      await preview.done;
      expect(errors).toEqual([]);
      expect(steps().at(-1)).toBe(4);
      expect(steps().length + preview.dropped).toBe(2);
    }
  });
});

describe('a WebSocket', () => {
  test('ArrayBuffers, Buffers, Blobs in between → in order; texts are ignored', async () => {
    const socket = new Socket();
    const { preview, steps, errors } = keeping(socket);
    expect(socket.binaryType).toBe('arraybuffer');
    const forms = [
      (frame: Uint8Array) => frame.slice().buffer,
      (frame: Uint8Array) => Buffer.from(frame),
      (frame: Uint8Array) => new Blob([frame.slice()]),
      (frame: Uint8Array) => frame.slice().buffer,
    ];
    for (const [step, form] of forms.entries()) {
      socket.message('{"status":"busy"}');
      socket.message(form(frameOf(step)));
      while (steps().length <= step) await turns(1);
    }
    socket.message(new Blob([frameOf(8)]));
    socket.message(frameOf(9).buffer);
    socket.fire('close', { code: 1000 });
    await preview.done;
    expect([errors, steps().at(-1)]).toEqual([[], 9]);
    expect(steps().slice(0, 4)).toEqual([0, 1, 2, 3]);
    expect([socket.sent, socket.listeners, socket.closed]).toEqual([[], 0, 0]);
  });

  test('frames that ask → answered in order, dropped ones by a later one', async () => {
    const socket = new Socket();
    const { preview, shown } = keeping(socket);
    const asking = (step: number) => frameOf(step, { acknowledge: true });
    socket.message(asking(10));
    while (shown.length < 1) await turns(1);
    for (const step of [11, 12, 13]) socket.message(asking(step));
    while (shown.length < 2) await turns(1);
    await turns();
    preview.stop();
    await preview.done;
    expect(socket.sent).toEqual([
      { done: 1, step: 10 },
      { done: 4, step: 13 },
    ]);
    expect([socket.closed, socket.listeners]).toEqual([1, 0]);
  });

  test('frames that fail → errors, answered all the same, and the next is shown', async () => {
    const socket = new Socket();
    const { shown, errors } = keeping(socket);
    const fails: unknown[] = [
      frameOf(1, { acknowledge: true, model: 'taesdxl' }),
      Buffer.from('JPEG'),
      [frameOf(2)],
      encodeFrame(randomTensor(seededRandom(1), [1, 16, 1, 1]), { model: 'taef1' }),
    ];
    for (const [i, data] of fails.entries()) {
      socket.message(data);
      while (socket.sent.length <= i) await turns(1);
    }
    socket.message(frameOf(5));
    while (shown.length < 1) await turns(1);
    await turns();
    expect(messages(errors)).toEqual([
      [
        'ARG',
        'previewFrom: "frame" expected latents of taesd for model nano, got latents of taesdxl (load({ model: \'nano-sdxl\' }))',
      ],
      [
        'FORMAT',
        'previewFrom: "magic" expected 54 4c 41 54, got 4a 50 45 47 (not a frame of latents; readLatents reads files)',
      ],
      ['ARG', 'previewFrom: "bytes" expected a Uint8Array or ArrayBuffer, got { 0 }'],
      [
        'ARG',
        'previewFrom: "frame" expected latents of taesd for model nano, got latents of taef1 (load({ model: \'nano-flux1\' }))',
      ],
    ]);
    expect(socket.sent).toEqual([
      { done: 1 },
      { done: 2 },
      { done: 3 },
      { done: 4 },
      { done: 5, step: 5 },
    ]);
  });

  test('the connection is lost → NETWORK, after the last picture', async () => {
    const socket = new Socket();
    const { preview, steps, errors } = keeping(socket);
    socket.message(frameOf(1).buffer);
    socket.fire('error', { message: 'read ECONNRESET' });
    socket.fire('close', { code: 1006, reason: '' });
    await preview.done;
    expect(steps()).toEqual([1]);
    expect(messages(errors)).toEqual([
      [
        'NETWORK',
        'previewFrom: "source" expected a WebSocket that closes with code 1000, got code 1006: read ECONNRESET (the connection broke off)',
      ],
    ]);
  });

  test.each([
    [
      'never opens → NETWORK, which asks for the server',
      ['error'],
      { code: 1006, reason: '' },
      'a WebSocket that opens, got code 1006 (is the server running, and does it let this page connect?)',
    ],
    [
      'opens and ends with code 1011 → NETWORK with its reason',
      ['open'],
      { code: 1011, reason: 'no memory' },
      'a WebSocket that closes with code 1000, got code 1011: no memory',
    ],
  ])('that %s', async (_, before, close, words) => {
    const socket = Object.assign(new Socket(), { readyState: 0 });
    const { preview, errors } = keeping(socket);
    for (const type of before) socket.fire(type);
    socket.fire('close', close);
    await preview.done;
    expect(messages(errors)).toEqual([['NETWORK', `previewFrom: "source" expected ${words}`]]);
  });

  test('without onError → done rejects with the first error; later frames are shown', async () => {
    const socket = new Socket();
    const { preview, steps } = keeping(socket, { onError: undefined });
    socket.message(Buffer.from('JPEG'));
    socket.message(frameOf(1));
    while (steps().length < 1) await turns(1);
    socket.fire('close', { code: 1006 });
    await expect(preview.done).rejects.toMatchObject({ code: 'FORMAT' });
    expect(steps()).toEqual([1]);
  });

  test('onFrame, onError throw → their own errors', async () => {
    const own = new RangeError('the caller’s');
    const socket = new Socket();
    const onFrame = () => {
      throw own;
    };
    const { preview, errors } = keeping(socket, { onFrame });
    socket.message(frameOf(1, { acknowledge: true }));
    while (errors.length < 1) await turns(1);
    expect(errors).toEqual([own]);
    expect(socket.sent).toEqual([{ done: 1, step: 1 }]);
    preview.stop();
    const throwing = keeping(streamOf(Buffer.from('JPEG')), {
      onError: () => {
        throw own;
      },
    });
    await expect(throwing.preview.done).rejects.toBe(own);
  });

  test('a closed one, a send that throws → ARG; nothing', async () => {
    const closed = Object.assign(new Socket(), { readyState: 3 });
    const message = 'previewFrom: "source" expected an open WebSocket, got a closed one';
    expectError(() => keeping(closed), 'ARG', message);
    const socket = new Socket();
    socket.send = () => {
      throw new Error('gone');
    };
    const { preview, shown, errors } = keeping(socket);
    socket.message(frameOf(1, { acknowledge: true }));
    while (shown.length < 1) await turns(1);
    preview.stop();
    await preview.done;
    expect(errors).toEqual([]);
  });
});

describe('an EventSource', () => {
  test('latents, other events, end → pictures, nothing, closed', async () => {
    const events = new Events();
    const { preview, steps, errors } = keeping(events);
    const base64 = (frame: Uint8Array) => ({ data: Buffer.from(frame).toString('base64') });
    events.fire('message', { data: 'hello' });
    events.fire('latents', base64(frameOf(1)));
    while (steps().length < 1) await turns(1);
    // It connects again.
    events.readyState = 0;
    events.fire('error');
    events.readyState = 1;
    events.fire('latents', { data: '!' });
    events.fire('latents', base64(frameOf(2)));
    events.fire('end');
    await preview.done;
    expect(steps()).toEqual([1, 2]);
    expect(messages(errors)).toEqual([['FORMAT', 'previewFrom: "frame" expected base64, got "!"']]);
    expect([events.closed, events.listeners]).toEqual([1, 0]);
  });

  test('that does not connect again → NETWORK; a closed one → ARG', async () => {
    const events = new Events();
    const { preview, errors } = keeping(events);
    events.readyState = 2;
    events.fire('error');
    await preview.done;
    expect(messages(errors)).toEqual([
      [
        'NETWORK',
        'previewFrom: "source" expected server-sent events, got an error (an HTTP error, another content-type, or a host that does not allow this page?)',
      ],
    ]);
    const message = 'previewFrom: "source" expected an open EventSource, got a closed one';
    expectError(() => keeping(Object.assign(new Events(), { readyState: 2 })), 'ARG', message);
  });
});

describe('a call that cannot be', () => {
  const KINDS = 'a WebSocket, an EventSource, a Response or a ReadableStream';
  test.each([
    ['no connection', (): unknown => undefined, 'ARG', `"source" expected ${KINDS}, got undefined`],
    ['bytes', () => frameOf(1), 'ARG', `"source" expected ${KINDS}, got Uint8Array of 164 bytes`],
    [
      'a response of 404',
      () => new Response('', { status: 404 }),
      'NETWORK',
      '"source" expected HTTP status 200 to 299, got 404',
    ],
    [
      'a response without a body',
      () => new Response(null, { status: 204 }),
      'ARG',
      '"source" expected a Response with a body, got none',
    ],
  ] as const)('%s → an error', (_, source, code, message) => {
    expectError(() => keeping(source()), code, `previewFrom: ${message}`);
  });

  test('a stream that is being read → ARG', () => {
    const stream = streamOf(frameOf(1));
    stream.getReader();
    expect(() => keeping(stream)).toThrow(
      /^previewFrom: "source" expected a stream that is not being read, got /,
    );
  });

  test('wrong options, no instance → ARG', () => {
    const call = (options: object, taesd: unknown = nano): StreamPreview =>
      previewFrom(streamOf(), taesd as Taesd, options as PreviewFromOptions);
    expectError(() => call({}), 'ARG', 'previewFrom: "onFrame" expected a function, got undefined');
    const onFrame = () => {};
    expectError(
      () => call({ onFrame, onError: 1 }),
      'ARG',
      'previewFrom: "onError" expected a function, got 1',
    );
    expectError(
      () => call({ onFrame, space: 'vae' }),
      'ARG',
      'previewFrom: unknown option "space" (known: onFrame, onError, resolution, maxFps)',
    );
    expectError(
      () => call({ onFrame, maxFps: 0 }),
      'ARG',
      'previewFrom: "maxFps" expected a number above 0, got 0',
    );
    expectError(
      () => call({ onFrame }, {}),
      'ARG',
      'previewFrom: "taesd" expected an instance from Taesd.load, got Object',
    );
  });
});

test('dream’s loop, its predicted pictures over a stream → each as decode makes it', async () => {
  const dream = await dreamOf();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const { preview, shown } = keeping(readable);
  const predicted: Tensor[] = [];
  await dream.generate({
    ...PINNED,
    steps: 6,
    onStep: async ({ step, sample, output, sigma }) => {
      const latents = predictOriginal(sample, output, { prediction: 'flow', sigma });
      predicted.push(latents);
      await writer.write(encodeFrame(latents, { model: 'taesd', type: 'f16', step, steps: 6 }));
      while (shown.length <= step) await turns(1);
    },
  });
  await writer.close();
  await preview.done;
  dream.dispose();
  expect(shown.map(({ step, steps, picture }) => [step, steps, picture.width])).toEqual(
    [0, 1, 2, 3, 4, 5].map((step) => [step, 6, 256]),
  );
  for (const [step, latents] of predicted.entries()) {
    expect(shown[step].picture).toEqual(await nano.decode(halved(latents)));
  }
});

test('Python’s HTTP server → the frames of /frames and of /events, and their end', async ({
  skip,
}) => {
  needs(['numpy'], skip);
  for (const path of ['frames', 'events']) {
    const server = await servePython(`
import numpy as np
from taesd_stream import FrameServer, encode_frame
server = FrameServer(port=0)
print(server.port, flush=True)
server.wait_for_reader()
for step in range(20):
    server.send_each(encode_frame(np.full((4, 8, 8), step / 20), 'taesd', step=step, steps=20))
server.close()`);
    const { preview, shown, errors } = keeping(
      await fetch(`http://127.0.0.1:${server.port}/${path}`),
    );
    await preview.done;
    expect(await server.ended()).toEqual({ code: 0, errors: '' });
    expect(errors).toEqual([]);
    expect(shown.at(-1)).toMatchObject({ step: 19, steps: 20, picture: { width: 64 } });
    expect(shown.length + preview.dropped).toBe(20);
    const latents = { shape: [1, 4, 8, 8], data: new Float32Array(256).fill(19 / 20) };
    expect(shown.at(-1)?.picture).toEqual(await nano.decode(latents));
  }
});

test('Python’s WebSocket server, two in flight → no frame is dropped here', async ({ skip }) => {
  needs(['numpy', 'websockets'], skip);
  if (typeof WebSocket === 'undefined') skip('this runtime has no WebSocket: Node 22 has');
  const server = await servePython(`
import numpy as np
from taesd_stream import FrameSocket, encode_frame
server = FrameSocket(port=0)
print(server.port, flush=True)
server.wait_for_reader()
for step in range(40):
    server.send_each(encode_frame(np.full((4, 8, 8), step / 40), 'taesd', step=step, acknowledge=True))
server.close()`);
  const { preview, steps, errors } = keeping(new WebSocket(`ws://127.0.0.1:${server.port}`));
  await preview.done;
  expect(await server.ended()).toEqual({ code: 0, errors: '' });
  expect(errors).toEqual([]);
  expect(steps()).toEqual(Array.from({ length: 40 }, (_, step) => step));
  expect(preview.dropped).toBe(0);
});

test('using → stopped at the end of the block', async () => {
  const socket = new Socket();
  const { preview } = keeping(socket);
  preview[Symbol.dispose]();
  await preview.done;
  expect(socket.closed).toBe(1);
});

/** Latents as half floats have them. */
function halved({ shape, data }: Tensor): Tensor {
  const { latents } = decodeFrame(encodeFrame({ shape, data }, { model: 'taesd', type: 'f16' }));
  return latents;
}
