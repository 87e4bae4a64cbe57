import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createDecodeServer } from '../../examples/node-server/server.mjs';
import { Taesd, type Tensor } from '../../src/index.ts';
import { decodePng } from '../../src/png/index.ts';
import { testAtFullLength } from '../full-length.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { clientThatStalls } from '../stalled-client.ts';

const SERVER = fileURLToPath(new URL('../../examples/node-server/server.mjs', import.meta.url));
const LOAD = fileURLToPath(new URL('../../examples/node-server/load.mjs', import.meta.url));

/** Runs load.mjs, which must find nothing wrong. @returns its stdout */
function loadRun(args: readonly string[], wanted = ''): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [LOAD, ...args], {
    encoding: 'utf8',
  });
  expect({ status, stderr, wrong: /^WRONG.*/m.exec(stdout)?.[0] }).toEqual({
    status: 0,
    stderr: wanted,
    wrong: undefined,
  });
  return stdout;
}

testAtFullLength(
  'examples/node-server/load.mjs: 100 requests, 8 at once, bad ones and clients that go away among them → each gets what it should, memory flat',
  () => {
    const stdout = loadRun(['--requests', '100']);
    expect(stdout).toContain('100 of 100 requests, 8 at once');
    console.log(stdout);
  },
);

testAtFullLength(
  'examples/node-server/load.mjs --serve: 100 requests to taesd serve, 8 at once, diffusers’ protocol in each form → each gets what it should, memory flat',
  () => {
    const stdout = loadRun(
      ['--serve', '--requests', '100'],
      'taesd: interrupted by SIGTERM, every request has its answer\n',
    );
    expect(stdout).toContain('100 of 100 requests, 8 at once');
    console.log(stdout);
  },
);

testAtFullLength(
  'examples/node-server/load.mjs: 40 requests, 4 at once, beside 8 clients that never read → each has its picture in time',
  () => {
    const stdout = loadRun([
      '--requests',
      '40',
      '--at-once',
      '4',
      '--stalled',
      '8',
      '--longest',
      '20',
    ]);
    expect(stdout).toContain('40 of 40 requests, 4 at once');
    expect(stdout).toMatch(
      /^answers of 8 clients that never read: (, |\d (200|none yet|cut off))+$/m,
    );
  },
);

test('examples/node-server/server.mjs 0 → it listens on a free port, and SIGTERM ends it', async () => {
  const run = spawn(process.execPath, [SERVER, '0']);
  const ended = once(run, 'exit');
  const [line] = await once(run.stdout, 'data');
  const url = /^listening on (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(String(line))?.[1];
  expect((await fetch(`${url}/`)).status).toBe(200);
  run.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});

test('node server: a client that reads nothing of a large picture → cut off when its time is over', async () => {
  const limits = { turnMs: 5000, answerBytes: 1_000_000 };
  const { server: decoder } = createDecodeServer({ workers: 0, limits });
  await once(decoder.listen(0, '127.0.0.1'), 'listening');
  const noise = Float32Array.from({ length: 4 * 256 * 256 }, (_, i) => Math.sin(i * i));
  const body = new Uint8Array(noise.buffer);
  const address = decoder.address() as AddressInfo;
  const socket = await clientThatStalls(address, '/decode?width=256&height=256', body);
  const connections = () =>
    new Promise((resolve) => decoder.getConnections((_: unknown, count: number) => resolve(count)));
  while ((await connections()) !== 0) await pause(50);
  socket.destroy();
  decoder.close();
});

/** Sends latents, and reads nothing but the head of the answer. */
async function unreadAnswer({ port }: AddressInfo, { shape, data }: Tensor) {
  const [, , height, width] = shape;
  const path = `/decode?width=${width}&height=${height}`;
  const headers = { 'content-type': 'application/octet-stream' };
  const call = request({ port, path, method: 'POST', headers, agent: false });
  call.end(new Uint8Array(data.slice().buffer));
  const [answer] = (await once(call, 'response')) as [IncomingMessage];
  return answer;
}

test('node server: 16 requests, 4 at once, beside 8 clients that do not read, half of them of 2048×2048 → each its picture while all eight wait; then those have theirs', async () => {
  const { server } = createDecodeServer({ workers: 0, limits: { turnMs: 600_000 } });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address() as AddressInfo;
  const reference = await Taesd.load({ model: 'nano', only: 'decoder', workers: 0 });
  const latentsOf = (side: number) => randomTensor(seededRandom(side), [1, 4, side, side], 2);
  const [small, large] = [latentsOf(32), latentsOf(256)];
  const pictures = [await reference.decode(small), await reference.decode(large)];
  /** 0 for the small picture, 1 for the large one, and -1 for anything else. */
  const numberOf = async (answer: IncomingMessage) => {
    const { width, height, data } = decodePng(await buffer(answer));
    const bytes = Buffer.from(data);
    return pictures.findIndex(
      (one) =>
        one.width === width && one.height === height && bytes.equals(Buffer.from(one.data.buffer)),
    );
  };
  const kinds = [small, large, small, large, small, large, small, large];
  const unread = await Promise.all(kinds.map((latents) => unreadAnswer(address, latents)));
  const states = () => unread.map(({ statusCode, destroyed }) => [statusCode, destroyed]);
  const isLargeWhole = () => unread.map(({ complete }) => complete).filter((_, n) => n % 2 === 1);

  const found: number[] = [];
  const client = async () => {
    for (let n = 0; n < 4; n++) found.push(await numberOf(await unreadAnswer(address, small)));
  };
  await Promise.all([client(), client(), client(), client()]);
  expect(found).toEqual(new Array(16).fill(0));
  expect(states()).toEqual(new Array(8).fill([200, false]));
  expect(isLargeWhole()).toEqual([false, false, false, false]);
  expect(await Promise.all(unread.map(numberOf))).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
  server.close();
});

test('node server: a client that sends 4 MB at 200 kB/s → read to its end', async () => {
  const { server } = createDecodeServer({ workers: 0 });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  // An infinity at the end: it is found when all is there, and nothing needs to be decoded.
  const latents = new Float32Array(4 * 500 * 500).fill(1);
  latents[latents.length - 1] = Number.POSITIVE_INFINITY;
  const body = new Uint8Array(latents.buffer);
  const headers = { 'content-type': 'application/octet-stream', 'content-length': body.length };
  const path = '/decode?width=500&height=500';
  const call = request({ port, path, method: 'POST', headers, agent: false });
  const answered = once(call, 'response') as Promise<[IncomingMessage]>;
  const started = performance.now();
  for (let at = 0; at < body.length; at += 20_000) {
    call.write(body.subarray(at, at + 20_000));
    await pause(Math.max(0, started + at / 200 - performance.now()));
  }
  call.end();
  const [answer] = await answered;
  expect(JSON.parse(await text(answer))).toMatchObject({ code: 'NONFINITE' });
  server.close();
});
