import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { decodeLatentPng, encodeLatentPng } from '../../src/formats/index.ts';
import { latentsToPicture, Taesd, type Tensor } from '../../src/index.ts';
import { decodePng, encodePng } from '../../src/png/index.ts';
import { createRemote, type RemoteModel, type RemoteOptions } from '../../src/remote/index.ts';
import { randomTensor, seededRandom } from '../random.ts';

/*
 * The handler and the plain form of its requests, with real Requests: what it answers, what it
 * refuses, whom it lets wait, and that a client which goes away, or a load that fails, is in
 * nobody's way.
 */

// The package takes its timers once; these tests replace them.
vi.mock(import('../../src/platform/timers.ts'), async (original) => ({
  ...(await original()),
  millisecondsOfDate: () => Date.now(),
  ringAfter: (ms, ring) => {
    const timer = setTimeout(ring, ms);
    return () => clearTimeout(timer);
  },
}));

/** Another copy of the package: the host's models and their errors may come from one. */
const built: typeof import('../../src/index.ts') = await import(
  new URL('../../dist/index.js', import.meta.url).href
);
const load = () => built.Taesd.load({ model: 'nano', only: 'decoder', workers: 0 });
const reference = Taesd.load({ model: 'nano', only: 'decoder', workers: 0 });

const createService = (options: Omit<RemoteOptions, 'models'>) =>
  createRemote({ models: ['nano'], ...options });

/** Longer than anything here takes on a busy machine. */
const PATIENCE_MS = 300_000;
const RAW = 'application/octet-stream';
const URL_OF = 'http://example/decode';
const latentsOf = (width: number, height: number): Tensor =>
  randomTensor(seededRandom(width + height), [1, 4, height, width]);
const small = latentsOf(3, 5);
const bytesOf = ({ data }: Tensor) => new Uint8Array(data.slice().buffer);

function post(type: string, body: BodyInit | null, query = '', more: RequestInit = {}): Request {
  const headers = { 'content-type': type };
  const duplex = body instanceof ReadableStream ? { duplex: 'half' } : {};
  return new Request(URL_OF + query, { method: 'POST', headers, body, ...duplex, ...more });
}
const postRaw = (latents: Tensor, more?: RequestInit) => {
  const [, , height, width] = latents.shape;
  return post(RAW, bytesOf(latents), `?width=${width}&height=${height}`, more);
};
const pixelsOf = async (answer: Response) => {
  expect({ status: answer.status, type: answer.headers.get('content-type') }).toEqual({
    status: 200,
    type: 'image/png',
  });
  const { width, height, data } = decodePng(new Uint8Array(await answer.arrayBuffer()));
  return { width, height, data: Buffer.from(data) };
};
const decoded = async (latents: Tensor, size = {}) => {
  const { width, height, data } = await (await reference).decode(latents, size);
  return { width, height, data: Buffer.from(data) };
};
const problemOf = async (answer: Response) => ({
  status: answer.status,
  ...((await answer.json()) as { code: string; message: string }),
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('pictures', () => {
  const service = createService({ load });

  test('POST f32 latents → the pixels of Taesd.decode', async () => {
    expect(await pixelsOf(await service(postRaw(small)))).toEqual(await decoded(small));
  });

  test('POST f32 latents without an announced length, in pieces → the same', async () => {
    const bytes = bytesOf(small);
    const pieces = [bytes.subarray(0, 7), bytes.subarray(7, 200), bytes.subarray(200)];
    const body = new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(piece);
        controller.close();
      },
    });
    const answer = await service(post(RAW, body, '?width=3&height=5'));
    expect(await pixelsOf(answer)).toEqual(await decoded(small));
  });

  test('POST a latent PNG → the pixels of its 8-bit latents, cropped to the size that it records', async () => {
    const size = { width: 22, height: 33 };
    const file = encodeLatentPng({ latents: small, model: 'nano', ...size });
    const { latents } = decodeLatentPng(file);
    const answer = await service(post('Image/PNG; x=y', file));
    expect(await pixelsOf(answer)).toEqual(await decoded(latents, size));
  });

  test('POST f32 latents with its type and coding in capitals → the same', async () => {
    const headers = {
      'content-type': 'Application/Octet-Stream',
      'content-encoding': 'Identity',
    };
    const answer = await service(postRaw(small, { headers }));
    expect(await pixelsOf(answer)).toEqual(await decoded(small));
  });

  test('POST a latent PNG that records nothing → its whole picture', async () => {
    const file = encodePng(latentsToPicture(small));
    expect(await pixelsOf(await service(post('image/png', file)))).toMatchObject({
      width: 24,
      height: 40,
    });
  });

  test('GET / → how it is used', async () => {
    const answer = await service(new Request('http://example/'));
    expect(answer.status).toBe(200);
    expect(await answer.text()).toMatch(
      /^POST \/decode, or POST \/, returns the pictures of latents\./,
    );
  });

  test('a large picture → the first of many pieces when little is decoded, no more than its room until it is read', async () => {
    let rows = 0;
    const counting = createService({
      limits: { answerBytes: 100_000 },
      load: async () => {
        const taesd = await load();
        const decodeRows = taesd.decodeRows.bind(taesd);
        taesd.decodeRows = async function* (...args: Parameters<typeof decodeRows>) {
          for await (const band of decodeRows(...args)) {
            rows += band.rows;
            yield band;
          }
        };
        return taesd;
      },
    });
    const answer = await counting(postRaw(latentsOf(96, 128)));
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    const early = rows;
    await untilStill(() => rows);
    const [full, pieces] = [rows, [1]];
    await pause(50);
    expect(rows).toBe(full);
    while (!(await reader.read()).done) pieces.push(1);
    expect(pieces.length).toBeGreaterThan(5);
    expect(early).toBeLessThan(512);
    expect(full).toBeLessThan(512);
    expect(rows).toBe(1024);
  });
});

describe('what is refused', () => {
  const service = createService({ load, limits: { width: 64, pixels: 64 * 48 } });
  const file = encodeLatentPng({ latents: small });
  const damaged = file.slice();
  damaged[damaged.length - 20] ^= 1;
  const notFinite = { ...small, data: small.data.map((value, i) => (i === 4 ? NaN : value)) };
  const wide = encodePng(latentsToPicture(latentsOf(9, 1)));
  const grey = encodePng({ width: 3, height: 5, data: new Uint8Array(45) });

  test.each<[string, Request, number, string, string]>([
    [
      'another path',
      new Request('http://example/x'),
      404,
      'NOT_FOUND',
      'remote: "path" expected one of /, /decode, /encode, /health, /models, got /x',
    ],
    ['GET', new Request(URL_OF), 405, 'METHOD', '"method" expected POST, got GET'],
    [
      'OPTIONS',
      new Request(URL_OF, { method: 'OPTIONS' }),
      405,
      'METHOD',
      '"method" expected POST, got OPTIONS',
    ],
    [
      'PUT /',
      new Request('http://example/', { method: 'PUT' }),
      405,
      'METHOD',
      '"method" expected GET or POST, got PUT',
    ],
    [
      'POST /health',
      new Request('http://example/health', { method: 'POST' }),
      405,
      'METHOD',
      'health: "method" expected GET, got POST',
    ],
    [
      'text',
      post('text/plain', 'x'),
      415,
      'TYPE',
      '"content-type" expected image/png, application/octet-stream, or tensor/binary with a shape in the query, got text/plain',
    ],
    [
      'gzip',
      post('image/png', file, '', { headers: { 'content-encoding': 'gzip' } }),
      415,
      'TYPE',
      '"content-encoding" expected none, got gzip',
    ],
    [
      'a body that says that it is too large',
      post('image/png', new Uint8Array(769)),
      413,
      'LIMIT',
      '"body" expected at most 768 bytes, got more',
    ],
    [
      'a picture that is too wide',
      post('image/png', wide),
      413,
      'LIMIT',
      '"picture" expected at most 64 pixels of width and 3072 in all, got 72×8',
    ],
    [
      'latents that are too many',
      post(RAW, null, '?width=7&height=7'),
      413,
      'LIMIT',
      '"picture" expected at most 64 pixels of width and 3072 in all, got 56×56',
    ],
    [
      'no size',
      post(RAW, bytesOf(small)),
      400,
      'ARG',
      '"width" expected a whole number from 1 on, got none (the latent\'s, ?width=64&height=64 for 512×512 pixels)',
    ],
    [
      'a size that is none',
      post(RAW, bytesOf(small), '?width=3&height=1e1'),
      400,
      'ARG',
      '"height" expected a whole number from 1 on, got 1e1 (the latent\'s, ?width=64&height=64 for 512×512 pixels)',
    ],
    [
      'too few bytes',
      post(RAW, bytesOf(small), '?width=3&height=6'),
      400,
      'TRUNCATED',
      '"body" expected 288 bytes, f32 [4,6,3], got 240',
    ],
    [
      'too many bytes',
      post(RAW, bytesOf(small), '?width=3&height=4'),
      400,
      'SHAPE',
      '"body" expected 192 bytes, f32 [4,4,3], got more',
    ],
    ['no body', post('image/png', null), 400, 'FORMAT', ''],
    ['half a PNG', post('image/png', file.subarray(0, 70)), 400, 'TRUNCATED', ''],
    ['a damaged PNG', post('image/png', damaged), 400, 'INTEGRITY', ''],
    [
      'a picture without alpha: all of it 255, a latent all the same',
      post('image/png', grey),
      200,
      '',
      '',
    ],
    [
      'latents of another model',
      post('image/png', encodeLatentPng({ latents: small, model: 'taesdxl' })),
      422,
      'SHAPE',
      '"latents" expected those of taesd, got taesdxl (made by another model; its colours would be wrong)',
    ],
    [
      'NaN',
      postRaw(notFinite),
      422,
      'NONFINITE',
      '"latents" expected finite numbers, got NaN at element 4',
    ],
  ])('%s', async (_name, request, status, code, message) => {
    const answer = await service(request);
    expect(answer.status).toBe(status);
    if (status === 200) return;
    const problem = await problemOf(answer);
    expect(problem.code).toBe(code);
    if (message !== '')
      expect(problem.message).toBe(/^\w+: /.test(message) ? message : `decode: ${message}`);
    if (status === 405) expect(answer.headers.get('allow')).toMatch(/^(GET|POST|GET, POST)$/);
  });

  test('a length that is announced → 413 with that length', async () => {
    const request = post('image/png', new Uint8Array(769), '', {
      headers: { 'content-type': 'image/png', 'content-length': '769' },
    });
    const { status, message } = await problemOf(await service(request));
    expect({ status, message }).toEqual({
      status: 413,
      message: 'decode: "body" expected at most 768 bytes, got 769',
    });
  });

  test('a body that breaks off → 400 TRUNCATED', async () => {
    const body = new ReadableStream({
      pull(controller) {
        controller.error(new Error('ECONNRESET'));
      },
    });
    expect(await problemOf(await service(post('image/png', body)))).toEqual({
      status: 400,
      code: 'TRUNCATED',
      message: 'decode: "body" expected the whole, got a connection that broke',
    });
  });

  test('a body without an end → 413, and no more of it is read', async () => {
    let [bytes, cancelled] = [0, false];
    const body = new ReadableStream({
      pull(controller) {
        bytes += 2 ** 20;
        controller.enqueue(new Uint8Array(2 ** 20));
      },
      cancel() {
        cancelled = true;
      },
    });
    expect((await service(post('image/png', body))).status).toBe(413);
    expect(cancelled).toBe(true);
    expect(bytes).toBeLessThan(2 ** 26);
  });
});

describe('whom it lets wait', () => {
  const large = latentsOf(96, 96);

  test('more than may wait → 503 with Retry-After; the others get their pictures', async () => {
    const service = createService({ load, limits: { waiting: 2 } });
    const answers = Array.from({ length: 5 }, async () => {
      const answer = await service(postRaw(small));
      return answer.status === 200 ? await pixelsOf(answer) : answer;
    });
    const all = await Promise.all(answers);
    const refused = all.filter((answer) => answer instanceof Response);
    expect(refused.length).toBe(2);
    for (const answer of refused) {
      expect(answer.headers.get('retry-after')).toBe('1');
      expect(await problemOf(answer)).toEqual({
        status: 503,
        code: 'BUSY',
        message: 'decode: "requests" expected at most 2 waiting, got one more (come again later)',
      });
    }
    const expected = await decoded(small);
    for (const answer of all) if (!(answer instanceof Response)) expect(answer).toEqual(expected);
  });

  test('a client that goes away while it reads, waits or has just come → the next is served at once', async () => {
    const service = createService({ load, limits: { waiting: 1 } });
    const ended: Promise<unknown>[] = [];
    const reading = await service(postRaw(large), (work) => ended.push(work));
    const reader = (reading.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    const gone = new AbortController();
    const waiting = service(postRaw(small, { signal: gone.signal }), (work) => ended.push(work));
    await new Promise((resolve) => setTimeout(resolve, 20));
    gone.abort();
    expect((await problemOf(await waiting)).code).toBe('ABORTED');
    await reader.cancel();
    const late = await service(postRaw(small, { signal: AbortSignal.abort() }));
    expect((await problemOf(late)).code).toBe('ABORTED');
    await Promise.all(ended);
    expect(await pixelsOf(await service(postRaw(small)))).toEqual(await decoded(small));
  });

  test('the signal fires while the picture is read → the stream fails, the next is served', async () => {
    const service = createService({ load, limits: { waiting: 0 } });
    const [gone, ended] = [new AbortController(), [] as Promise<unknown>[]];
    const request = postRaw(large, { signal: gone.signal });
    const answer = await service(request, (work) => ended.push(work));
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    gone.abort();
    await expect(
      (async () => {
        while (!(await reader.read()).done);
      })(),
    ).rejects.toThrow();
    // The decoder is free within milliseconds.
    await Promise.all(ended);
    expect(await pixelsOf(await service(postRaw(small)))).toEqual(await decoded(small));
  });

  test.each([
    ['has all of its file in memory', {}],
    ['whose file is full', { answerBytes: 100_000 }],
  ])(
    'a client that does not read on and %s → the next is served meanwhile; its stream fails when its time is over',
    async (_name, limits) => {
      const ended: Promise<unknown>[] = [];
      const service = createService({ load, limits: { turnMs: 8000, ...limits } });
      const answer = await service(postRaw(large), (work) => ended.push(work));
      const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
      await reader.read();
      expect(await pixelsOf(await service(postRaw(small)))).toEqual(await decoded(small));
      // Not before its time: there is something to read.
      await reader.read();
      await Promise.all(ended);
      await expect(reader.read()).rejects.toThrow('the client read nothing for 8000 ms');
    },
  );

  test('four clients that read now and then, with room for a tenth of each file → each has its picture, in several turns', async () => {
    const { service, models, firstRows } = counting({
      answerBytes: 100_000,
      keptBytes: 12_000_000,
      waiting: 3,
    });
    const slow = async () => {
      const answer = await service(postRaw(large));
      const { body, headers } = answer;
      const reader = (body as ReadableStream<Uint8Array>).getReader();
      const pieces: Uint8Array<ArrayBuffer>[] = [];
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return pixelsOf(new Response(new Blob(pieces), { headers }));
        pieces.push(value as Uint8Array<ArrayBuffer>);
        await pause(100);
      }
    };
    const pictures = await Promise.all([slow(), slow(), slow(), slow()]);
    const expected = await decoded(large);
    for (const picture of pictures) expect(picture).toEqual(expected);
    expect(firstRows.filter((row) => row === 0).length).toBe(4);
    // Each goes on at least once; on an idle machine, twice.
    expect(firstRows.filter((row) => row > 0).length).toBeGreaterThanOrEqual(4);
    expect(models).toEqual([{ disposed: 0 }]);
  });

  test('answers that keep more than they may together → 503 BUSY with Retry-After; one that is read makes room', async () => {
    // One at work needs 2.3 MB and its file's 1.8 MB; made and not read, the files keep 1 MB each.
    const service = createService({ load, limits: { keptBytes: 5_700_000 } });
    const [first, ended] = [await service(postRaw(large)), [] as Promise<unknown>[]];
    const second = service(postRaw(large), (work) => ended.push(work));
    const answer = await service(postRaw(large));
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(await problemOf(answer)).toEqual({
      status: 503,
      code: 'BUSY',
      message: 'decode: "kept bytes" expected at most 5700000 in all, got more (come again later)',
    });
    expect(await pixelsOf(first)).toEqual(await decoded(large));
    await (await second).body?.cancel();
    await Promise.all(ended);
    expect(await pixelsOf(await service(postRaw(large)))).toEqual(await decoded(large));
  });

  test('a turn that never ends, as of a request that the host has dropped → given up; a new model', async () => {
    let loads = 0;
    const service = createService({
      load: async () => (loads++ === 0 ? new Promise<never>(() => {}) : await load()),
      limits: { turnMs: 1000 },
    });
    void service(postRaw(small));
    expect(await pixelsOf(await service(postRaw(small)))).toEqual(await decoded(small));
    expect(loads).toBe(2);
  });

  test('the clock jumps while one reads and three wait → four pictures, and a new model; the old one is disposed of', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { held, go } = hold();
    const first = (model: number) => (model === 0 ? held : undefined);
    const { service, models, firstRows } = counting({}, undefined, first);
    const reading = await service(postRaw(large));
    const waiting = [0, 1, 2].map(() => service(postRaw(small)).then(pixelsOf));
    await pause(20);
    vi.setSystemTime(Date.now() + 3_600_000);
    const expected = await decoded(small);
    const late = pause(PATIENCE_MS, ['pending'], { ref: false });
    expect(await Promise.race([Promise.all(waiting), late])).toEqual([
      expected,
      expected,
      expected,
    ]);
    expect(models).toEqual([{ disposed: 1 }, { disposed: 0 }]);
    // It was at work all the while, and goes on with the new model.
    go();
    expect(await pixelsOf(reading)).toEqual(await decoded(large));
    expect(firstRows).toEqual([0, 0, 0, 0, expect.any(Number)]);
    expect(firstRows[4]).toBeGreaterThan(0);
    expect(models).toEqual([{ disposed: 1 }, { disposed: 0 }]);
  });

  test('one that waits is given up and a newcomer takes its room → 503 BUSY; the model is kept', async () => {
    const { held, go } = hold();
    const { service, models } = counting({ waiting: 1 }, undefined, () => held);
    const reading = await service(postRaw(large));
    // Timers too: the one that waits is to look only after the newcomer has come.
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    const waiting = service(postRaw(small));
    await pause(50);
    vi.setSystemTime(Date.now() + 10_000);
    const newcomer = service(postRaw(small));
    await pause(50);
    vi.advanceTimersByTime(5);
    const late = pause(PATIENCE_MS, new Response('{"code": "pending"}'), { ref: false });
    const answer = await Promise.race([waiting, late]);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(await problemOf(answer)).toMatchObject({ status: 503, code: 'BUSY' });
    go();
    await reading.arrayBuffer();
    await pause(50);
    vi.advanceTimersByTime(5);
    vi.useRealTimers();
    expect(await pixelsOf(await newcomer)).toEqual(await decoded(small));
    expect(models).toEqual([{ disposed: 0 }]);
  });

  test('a load that comes after its turn was given up → 503 TIMEOUT, disposed of; the newer model is kept', async () => {
    const limits = { turnMs: 1000 };
    let come = () => {};
    const held = new Promise<void>((resolve) => {
      come = resolve;
    });
    const { service, models } = counting(limits, (n) => (n === 0 ? held : undefined));
    const first = service(postRaw(small));
    expect(await pixelsOf(await service(postRaw(small)))).toEqual(await decoded(small));
    come();
    const answer = await first;
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(await problemOf(answer)).toEqual(timeout(1000));
    expect(await pixelsOf(await service(postRaw(small)))).toEqual(await decoded(small));
    // In the order in which they came: the second request's first.
    expect(models).toEqual([{ disposed: 0 }, { disposed: 1 }]);
  });

  test('a load that takes longer than a picture may → it is not counted: the picture', async () => {
    const { service, models } = counting({ turnMs: 2000 }, () => pause(2100));
    const [first, second] = [service(postRaw(small)), service(postRaw(small))];
    expect(await pixelsOf(await first)).toEqual(await decoded(small));
    expect(await pixelsOf(await second)).toEqual(await decoded(small));
    expect(models).toEqual([{ disposed: 0 }]);
  });

  test('first rows that never come → 503 TIMEOUT when the time is over, and the next is served with a new model', async () => {
    let loads = 0;
    const service = createService({
      load: async () => {
        const taesd = await load();
        if (loads++ > 0) return taesd;
        taesd.decodeRows = async function* () {
          await new Promise(() => {});
        };
        return taesd;
      },
      limits: { turnMs: 1000 },
    });
    const late = pause(PATIENCE_MS, new Response('{"code": "pending"}'), { ref: false });
    const answer = await Promise.race([service(postRaw(small)), late]);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(await problemOf(answer)).toEqual(timeout(1000));
    expect(await pixelsOf(await service(postRaw(small)))).toEqual(await decoded(small));
    expect(loads).toBe(2);
  });
});

const timeout = (turnMs: number) => ({
  status: 503,
  code: 'TIMEOUT',
  message: `decode: the picture took longer than ${turnMs} ms`,
});

function hold() {
  let go = () => {};
  const held = new Promise<void>((resolve) => {
    go = resolve;
  });
  return { held, go };
}

/** Resolves when a number has not changed for a while. */
async function untilStill(value: () => number) {
  for (let before = -1; before !== value(); ) {
    before = value();
    await pause(1000);
  }
}

/**
 * A service, of each model that it has loaded how often it was disposed of, and the first row of
 * each turn.
 * @param before  what the n-th load waits for
 * @param held  what a picture of the n-th model waits for between its rows
 */
function counting(
  limits = {},
  before: (n: number) => Promise<void> | undefined = () => undefined,
  held: (n: number) => Promise<void> | undefined = () => undefined,
) {
  const models: { disposed: number }[] = [];
  const firstRows: number[] = [];
  let loads = 0;
  const service = createService({
    limits,
    load: async () => {
      const n = loads++;
      await before(n);
      const [taesd, model] = [await load(), { disposed: 0 }];
      models.push(model);
      const decoder: RemoteModel = Object.assign(Object.create(taesd) as RemoteModel, {
        async *decodeRows(...[latents, options]: Parameters<RemoteModel['decodeRows']>) {
          firstRows.push(options?.firstRow as number);
          for await (const band of taesd.decodeRows(latents, options)) {
            yield band;
            await held(n);
          }
        },
        dispose: () => {
          model.disposed++;
          taesd.dispose();
        },
      });
      return decoder;
    },
  });
  return { service, models, firstRows };
}

test("the package's own error while the host loads → 500 that tells nothing, the log has it", async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => {});
  const service = createService({
    load: () => built.Taesd.load({ weights: '/srv/secret/weights', only: 'decoder', workers: 0 }),
  });
  expect(await problemOf(await service(postRaw(small)))).toEqual({
    status: 500,
    code: 'INTERNAL',
    message: 'decode: failed, and not because of the request',
  });
  expect(log).toHaveBeenCalledOnce();
  expect(log.mock.calls[0][0]).toMatchObject({
    name: 'TaesdError',
    code: 'ARG',
    message: expect.stringContaining('/srv/secret/weights'),
  });
});

test('no memory while the host loads → 503 OOM with Retry-After', async () => {
  const message = 'wasm: "memory" expected 1 MiB of memory to be free, got less';
  const service = createService({
    load: async () => {
      throw new built.TaesdError('OOM', message);
    },
  });
  const answer = await service(postRaw(small));
  expect(answer.headers.get('retry-after')).toBe('1');
  expect(await problemOf(answer)).toEqual({
    status: 503,
    code: 'OOM',
    message: `decode: ${message}`,
  });
});

test('a load that fails → 500 that tells nothing, the next request loads again', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => {});
  let loads = 0;
  const service = createService({
    load: async () => {
      if (loads++ === 0) throw new Error('/a/path/of/ours');
      return load();
    },
  });
  expect(await problemOf(await service(postRaw(small)))).toEqual({
    status: 500,
    code: 'INTERNAL',
    message: 'decode: failed, and not because of the request',
  });
  expect(log).toHaveBeenCalledOnce();
  expect(await pixelsOf(await service(postRaw(small)))).toEqual(await decoded(small));
  await service(postRaw(small)).then((answer) => answer.arrayBuffer());
  expect(loads).toBe(2);
});

test('a decode that fails on its first rows → its status, not a broken picture', async () => {
  const service = createService({
    load: async () => {
      const taesd = await load();
      // biome-ignore lint/correctness/useYield: it fails before
      taesd.decodeRows = async function* () {
        throw new built.TaesdError(
          'OOM',
          'wasm: "memory" expected 1 MiB of memory to be free, got less',
        );
      };
      return taesd;
    },
  });
  const answer = await service(postRaw(small));
  expect(answer.headers.get('retry-after')).toBe('1');
  expect(await problemOf(answer)).toMatchObject({ status: 503, code: 'OOM' });
});
