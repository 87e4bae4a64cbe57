// node examples/edge-worker/check.mjs [PICTURE.png]
// Builds the worker, runs it in workerd, and sends it good requests and requests that it must
// refuse. Prints a line for each; exit code 1 if one fails. A picture made by workerd is written to
// PICTURE.png.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import { Taesd } from 'taesd-wasm';
import { decodeLatentPng, encodeLatentPng } from 'taesd-wasm/latent-file';
import { decodePng, encodePng } from 'taesd-wasm/png';
import { buildWorker, checkSize } from './build.mjs';
import { pngRequest, protocolRequest, rawRequest, sampleLatents } from './tools/sample.mjs';
import { startWorkerd } from './tools/workerd.mjs';

/** On the edge the clock stands still while code runs. This stops it here too. */
const STOPPED_CLOCK = 'performance.now = () => 0;';

/** Makes the 30 seconds of a body short. */
const SHORT_BODY = `globalThis.setTimeout = ((start) => (run, ms) =>
  start(run, ms === 30_000 ? 200 : ms))(globalThis.setTimeout);`;

checkSize(await buildWorker());
const nano = await Taesd.load({ model: 'nano', only: 'decoder', workers: 0 });
const latents = await sampleLatents(64, 64);
const raw = rawRequest(latents);
const png = pngRequest(latents, { width: 509, height: 511 });
const drawn = { width: 8, height: 8, data: new Uint8Array(192) };

let failures = 0;
const worker = await startWorkerd();
const ask = ([path, options]) => fetch(worker.url + path, options);
const check = async (name, run) => {
  const started = performance.now();
  try {
    await run();
    console.log(`ok    ${name}, ${(performance.now() - started).toFixed(0)} ms`);
  } catch (error) {
    failures++;
    console.log(`WRONG ${name}\n${error.message}`);
  }
};

try {
  await check('f32 latents: the pixels that the package decodes in Node', async () => {
    const file = await bytesOf(await ask(raw));
    if (process.argv[2] !== undefined) writeFileSync(process.argv[2], file);
    assert.deepEqual(pixelsOf(file), picture(await nano.decode(latents)));
  });
  await check('a latent PNG: the same, cropped to the size that it records', async () => {
    const { latents: stored, width, height } = decodeLatentPng(png[1].body);
    const decoded = picture(await nano.decode(stored, { width, height }));
    assert.deepEqual(pixelsOf(await bytesOf(await ask(png))), decoded);
  });
  await check("diffusers' protocol, as a PNG: the same pixels", async () => {
    const file = await bytesOf(await ask(protocolRequest(latents, 'image_format=png')));
    assert.deepEqual(pixelsOf(file), picture(await nano.decode(latents)));
  });
  await check("diffusers' protocol, as bytes: the same pixels, without alpha", async () => {
    const answer = await ask(protocolRequest(latents, 'output_type=pt&partial_postprocess=True'));
    assert.equal(answer.headers.get('shape'), '[1,512,512,3]');
    const { data } = await nano.decode(latents);
    const rgb = Buffer.from(data.filter((_, i) => i % 4 !== 3));
    assert.deepEqual(Buffer.from(await answer.arrayBuffer()), rgb);
  });
  await check('health and models: JSON', async () => {
    assert.equal((await (await ask(['/health', {}])).json()).status, 'ok');
    assert.equal((await (await ask(['/models', {}])).json()).default, 'nano');
  });
  await check('two at once, and five: all the same picture', async () => {
    for (const count of [2, 5]) {
      const files = await Promise.all(
        Array.from({ length: count }, async () => bytesOf(await ask(raw))),
      );
      for (const file of files) assert.deepEqual(file, files[0]);
    }
  });
  await check('streams: the first bytes long before the last', async () => {
    assert((await piecesOf(await ask(raw))) > 3);
  });
  await check('more than can wait: 503 with Retry-After, the others answered', async () => {
    const answers = await Promise.all(Array.from({ length: 14 }, () => ask(raw)));
    const refused = answers.filter(({ status }) => status === 503);
    assert(refused.length > 0);
    for (const { headers } of refused) assert.equal(headers.get('retry-after'), '1');
    for (const answer of answers) await answer.arrayBuffer();
    assert(answers.filter(({ status }) => status === 200).length >= 5);
  });
  await check(
    'clients that go away, while reading and while waiting: the next is served',
    async () => {
      const large = rawRequest(await sampleLatents(128, 96));
      for (let n = 0; n < 6; n++) {
        const { signal, abort } = abortable();
        const reader = (await ask(large)).body.getReader();
        await reader.read();
        const waiting = fetch(worker.url + large[0], { ...large[1], signal }).catch(
          () => undefined,
        );
        setTimeout(abort, 20);
        await waiting;
        await reader.cancel();
      }
      const started = performance.now();
      assert.deepEqual(
        pixelsOf(await bytesOf(await ask(raw))),
        picture(await nano.decode(latents)),
      );
      // Much sooner than a request in line counts as dead.
      assert(performance.now() - started < 10_000);
    },
  );
  await check('20 clients that never read: the next is served meanwhile', async () => {
    const large = rawRequest(await sampleLatents(128, 96));
    const stalled = [];
    for (let n = 0; n < 20; n++) stalled.push(await ask(large));
    const started = performance.now();
    const file = await bytesOf(await ask(raw));
    assert(performance.now() - started < 5000);
    assert.deepEqual(pixelsOf(file), picture(await nano.decode(latents)));
    for (const { status, body } of stalled) {
      assert.equal(status, 200);
      await body.cancel();
    }
  });
  for (const [name, status, code, [path, options]] of await badRequests()) {
    await check(`${name}: ${status} ${code}`, async () => {
      const answer = await ask([path, options]);
      assert.equal(answer.status, status);
      if (code !== '') assert.equal((await answer.json()).code, code);
    });
  }
  await check('and after all that: a picture', async () => {
    assert.equal((await ask(raw)).status, 200);
  });
  assert.equal(worker.said(), '', 'workerd said something');
} finally {
  await worker.stop();
}

await check('a clock that stands still: it streams all the same', async () => {
  await buildWorker('out-stopped-clock', STOPPED_CLOCK);
  const stopped = await startWorkerd((config) => config.replaceAll('out/', 'out-stopped-clock/'));
  try {
    const large = rawRequest(await sampleLatents(128, 96));
    const answer = await fetch(stopped.url + large[0], large[1]);
    const started = performance.now();
    const [reader, pieces] = [answer.body.getReader(), []];
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      pieces.push([performance.now() - started, value.length]);
    }
    // If the whole picture were decoded before its first rows are sent, nearly all the time would
    // pass before the answer.
    assert(pieces.length > 3, `${pieces.length} pieces`);
    const total = performance.now() - started;
    assert(total > 20, `all of it within ${total} ms of the answer`);
  } finally {
    await stopped.stop();
  }
});
await check('a body that lacks a byte: 408 when its time is over', async () => {
  await buildWorker('out-short-body', SHORT_BODY);
  const short = await startWorkerd((config) => config.replaceAll('out/', 'out-short-body/'));
  try {
    const { port } = new URL(short.url);
    const headers = { 'content-type': raw[1].headers['content-type'], 'content-length': 65_536 };
    const call = request({ port, path: raw[0], method: 'POST', headers, agent: false });
    call.write(raw[1].body.subarray(1));
    const [answer] = await once(call, 'response');
    assert.equal(answer.statusCode, 408);
    assert.equal((await json(answer)).code, 'TIMEOUT');
    call.destroy();
  } finally {
    await short.stop();
  }
});
console.log(failures === 0 ? 'all right' : `${failures} wrong`);
process.exitCode = failures === 0 ? 0 : 1;

async function badRequests() {
  const post = (type, body) => ({ method: 'POST', headers: { 'content-type': type }, body });
  const rawType = 'application/octet-stream';
  const broken = png[1].body.slice();
  broken[60] ^= 1;
  const notFinite = latents.data.slice();
  notFinite[5] = Number.NaN;
  const xl = encodeLatentPng({ latents, model: 'taesdxl' });
  return [
    ['another path', 404, 'NOT_FOUND', ['/decod', {}]],
    ['GET', 405, 'METHOD', ['/decode', {}]],
    ['HEAD', 405, '', ['/', { method: 'HEAD' }]],
    ['no type', 415, 'TYPE', ['/decode', { method: 'POST', body: broken }]],
    ['a JPEG of the protocol', 501, 'UNSUPPORTED', protocolRequest(latents, 'image_format=jpg')],
    ['no encoder', 501, 'UNSUPPORTED', ['/encode', post('image/png', encodePng(drawn))]],
    ['a JPEG', 415, 'TYPE', ['/decode', post('image/jpeg', broken)]],
    ['a broken PNG', 400, 'INTEGRITY', ['/decode', post('image/png', broken)]],
    ['half a PNG', 400, 'TRUNCATED', ['/decode', post('image/png', broken.slice(0, 50))]],
    ['latents of another model', 422, 'SHAPE', ['/decode', post('image/png', xl)]],
    ['no size', 400, 'ARG', ['/decode', post(rawType, latents.data)]],
    [
      'too few bytes',
      400,
      'TRUNCATED',
      ['/decode?width=99&height=64', post(rawType, latents.data)],
    ],
    ['too many bytes', 400, 'SHAPE', ['/decode?width=8&height=8', post(rawType, latents.data)]],
    ['NaN', 422, 'NONFINITE', ['/decode?width=64&height=64', post(rawType, notFinite)]],
    ['a large picture', 413, 'LIMIT', ['/decode?width=9999&height=9', post(rawType, notFinite)]],
    ['10 MB', 413, 'LIMIT', ['/decode', post('image/png', new Uint8Array(1e7))]],
    [
      '10 MB of no announced length',
      413,
      'LIMIT',
      ['/decode', { ...post('image/png', unannounced(1e7)), duplex: 'half' }],
    ],
  ];
}

/** Returns a body that does not announce its length. */
function unannounced(bytes) {
  let left = bytes;
  return new ReadableStream({
    pull(controller) {
      if (left <= 0) return controller.close();
      left -= 65_536;
      controller.enqueue(new Uint8Array(65_536));
    },
  });
}

async function bytesOf(answer) {
  assert.equal(answer.status, 200, answer.status === 200 ? '' : await answer.text());
  assert.equal(answer.headers.get('content-type'), 'image/png');
  return new Uint8Array(await answer.arrayBuffer());
}

async function piecesOf(answer) {
  let pieces = 0;
  for await (const _ of answer.body) pieces++;
  return pieces;
}

function pixelsOf(file) {
  return picture(decodePng(file));
}

function picture({ width, height, data }) {
  return { width, height, data: Buffer.from(data) };
}

function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
