import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createRemote } from '../../src/remote/index.ts';

/*
 * The bodies that the handler reads: how many bytes of them it keeps, and
 * how long it waits. Each body has an infinity, so that no model is needed: it is refused when it
 * is there.
 */

const SIDE = 80;
const BODY_BYTES = 16 * SIDE * SIDE;
const AT = 9999;
const notFinite = new Float32Array(BODY_BYTES / 4);
notFinite[AT] = Number.POSITIVE_INFINITY;
const body = new Uint8Array(notFinite.buffer);
const whole = {
  status: 422,
  retryAfter: null,
  code: 'NONFINITE',
  message: `decode: "latents" expected finite numbers, got Infinity at element ${AT}`,
};

const serviceOf = (limits: object) =>
  createRemote({ models: ['nano'], load: () => Promise.reject(new Error('no model')), limits });

function post(body: Uint8Array<ArrayBuffer> | ReadableStream) {
  const url = `http://example/decode?width=${SIDE}&height=${SIDE}`;
  const headers = { 'content-type': 'application/octet-stream' };
  return new Request(url, { method: 'POST', headers, body, duplex: 'half' } as RequestInit);
}

async function problemOf(answer: Promise<Response>) {
  const { status, headers, json } = await answer.then((got) => ({
    status: got.status,
    headers: got.headers,
    json: got.json(),
  }));
  return { status, retryAfter: headers.get('retry-after'), ...((await json) as object) };
}

/** A body that its client stops sending. `read` resolves when all that was sent has been read. */
function stalled(bytes: number) {
  const source = new EventTarget();
  const read = once(source, 'read');
  let controller!: ReadableStreamDefaultController;
  let isSent = false;
  const cancelled = once(source, 'cancel');
  const stream = new ReadableStream(
    {
      start(of) {
        controller = of;
      },
      pull() {
        if (isSent) source.dispatchEvent(new Event('read'));
        else controller.enqueue(body.slice(0, bytes));
        isSent = true;
      },
      cancel: () => void source.dispatchEvent(new Event('cancel')),
    },
    { highWaterMark: 0 },
  );
  return { stream, read, cancelled, breakOff: () => controller.error(new Error('ECONNRESET')) };
}

test('bodies: three that lack a byte, with room for three and a half → the fourth 503 BUSY with Retry-After, until one breaks off', async () => {
  const keptBytes = 7 * BODY_BYTES;
  const service = serviceOf({ keptBytes });
  const clients = [1, 2, 3].map(() => stalled(BODY_BYTES - 1));
  const answers = clients.map(({ stream }) => service(post(stream)));
  await Promise.all(clients.map(({ read }) => read));
  expect(await problemOf(service(post(body)))).toEqual({
    status: 503,
    retryAfter: '1',
    code: 'BUSY',
    message: `decode: "unfinished bodies" expected at most ${keptBytes / 2} bytes in all, got more (come again later)`,
  });
  clients[0].breakOff();
  expect((await answers[0]).status).toBe(400);
  expect(await problemOf(service(post(body)))).toEqual(whole);
  for (const { breakOff } of clients.slice(1)) breakOff();
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([400, 400, 400]);
});

test('bodies: one that stalls → 408 TIMEOUT when its time is over, cancelled, and its bytes are free', async () => {
  const service = serviceOf({ keptBytes: 2 * BODY_BYTES, bodyMs: 100 });
  const { stream, read, cancelled } = stalled(BODY_BYTES - 1);
  const answer = service(post(stream));
  await read;
  expect((await service(post(body))).status).toBe(503);
  expect(await problemOf(answer)).toEqual({
    status: 408,
    retryAfter: null,
    code: 'TIMEOUT',
    message: 'decode: "body" expected the whole within 100 ms, got a part',
  });
  await cancelled;
  expect(await problemOf(service(post(body)))).toEqual(whole);
});

test('bodies: pieces of 7 to 7000 bytes, with pauses → read whole, in order', async () => {
  let [at, bytes] = [0, 7];
  const stream = new ReadableStream({
    async pull(controller) {
      await pause(1);
      controller.enqueue(body.slice(at, at + bytes));
      at += bytes;
      bytes = Math.min(2 * bytes, 7000);
      if (at >= BODY_BYTES) controller.close();
    },
  });
  const answer = serviceOf({ keptBytes: 2 * BODY_BYTES })(post(stream));
  expect(await problemOf(answer)).toEqual(whole);
});
