// node examples/node-server/load.mjs [--requests 200] [--at-once 8] [--stalled 0] [--longest 5]
// Puts the server under load: good requests, bad ones and clients that disconnect, several at a
// time. Checks that each request gets the right answer, that none is lost and that the server's
// memory stays flat. Prints a table; exit code 1 if something is wrong.
// With --stalled N, all requests are good ones of 256×256, beside N clients that never read their
// answer; every second of them asks for 2048×2048. No request may take more than --longest seconds.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Taesd } from 'taesd-wasm';
import { decodeLatentPng } from 'taesd-wasm/latent-file';
import { decodePng } from 'taesd-wasm/png';
import { pngRequest, rawRequest, sampleLatents } from '../edge-worker/tools/sample.mjs';

const SERVER = fileURLToPath(new URL('measured-server.mjs', import.meta.url));
/** Requests before memory counts: until then the server compiles code and fills caches. */
const WARM = 50;
/** Requests between two samples of memory. */
const ROUND = 25;
/** The growth allowed between the first sample that counts and the last. */
const FLAT_BYTES = 2e6;
/** A request without an answer after this time is lost. */
const LOST_MS = 30_000;

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '200' },
    'at-once': { type: 'string', default: '8' },
    stalled: { type: 'string', default: '0' },
    longest: { type: 'string', default: '5' },
  },
});
const [requests, atOnce] = [Number(values.requests), Number(values['at-once'])];
const [stalled, longestMs] = [Number(values.stalled), 1000 * Number(values.longest)];

const server = fork(SERVER, {
  execArgv: ['--expose-gc'],
  // glibc gives each thread arenas of its own, which fragment: without this the process seems to
  // grow by 30 MB in 800 requests.
  env: { ...process.env, MALLOC_ARENA_MAX: '2' },
});
const [{ port }] = await once(server, 'message');
const kinds = stalled > 0 ? await besideStalled() : await kindsOfRequests();
const tallies = kinds.map(() => ({ right: 0, wrong: [], times: [] }));
const memory = [];
const stalledClients = await stall();
let [begun, done] = [0, 0];
const started = performance.now();
while (done < requests) {
  // In rounds, so that memory is sampled while no request is running.
  const end = Math.min(done + ROUND, requests);
  await Promise.all(Array.from({ length: atOnce }, () => client(end)));
  memory.push({ done, ...(await serverMemory()) });
}
const seconds = (performance.now() - started) / 1000;
const last = await ask(kinds[0]);
const stalledAnswers = stalledClients.map(({ status }) => status);
for (const { call } of stalledClients) call.destroy();
server.disconnect();
report();

/** A client that sends one request after another; several run at once. */
async function client(end) {
  while (begun < end) {
    const n = begun++;
    const [kind, tally] = [kinds[n % kinds.length], tallies[n % kinds.length]];
    const from = performance.now();
    const problem = await ask(kind);
    if (problem === undefined) tally.right++;
    else tally.wrong.push(problem);
    tally.times.push(performance.now() - from);
    done++;
  }
}

/** @returns {Promise<string | undefined>} the problem with the answer, if there is one */
async function ask({ run }) {
  let timer;
  const lost = new Promise((resolve) => {
    timer = setTimeout(resolve, LOST_MS, `lost: no answer in ${LOST_MS} ms`);
  });
  const problem = await Promise.race([run().catch((error) => `${error.cause ?? error}`), lost]);
  clearTimeout(timer);
  return problem;
}

async function serverMemory() {
  const answer = once(server, 'message');
  server.send('memory');
  const [usage] = await answer;
  return usage;
}

/** The kind of request that is sent beside stalled clients. */
async function besideStalled() {
  const nano = await Taesd.load({ model: 'nano', only: 'decoder', workers: 0 });
  const latents = await sampleLatents(32, 32);
  return [{ name: 'f32, 256×256', run: good(rawRequest(latents), await nano.decode(latents)) }];
}

/**
 * Starts the clients that never read. Resolves when those with small pictures have the beginning of
 * their answer: then there is room in the line, and large pictures still wait in it.
 */
async function stall() {
  const [small, large] = [await sampleLatents(32, 32), noisyLatents(256, 256)];
  const begun = [];
  const clients = Array.from({ length: stalled }, (_, n) => {
    const isSmall = n % 2 === 0;
    const [path, { headers, body }] = rawRequest(isSmall ? small : large);
    const call = httpRequest(urlOf(path), { method: 'POST', headers, agent: false });
    const client = { call, status: 'none yet' };
    const answered = new Promise((resolve) => {
      // Without a listener for its data, nothing of it is read.
      call.on('response', (answer) => {
        client.status = `${answer.statusCode}`;
        answer.on('error', () => {
          client.status = 'cut off';
        });
        resolve();
      });
      call.on('error', (error) => {
        client.status = `${error}`;
        resolve();
      });
    });
    if (isSmall) begun.push(answered);
    call.end(body);
    return client;
  });
  await Promise.all(begun);
  return clients;
}

/** Returns latents whose file is larger than the server finishes in memory. */
function noisyLatents(width, height) {
  const data = Float32Array.from({ length: 4 * width * height }, (_, n) => 2 * Math.sin(n * n));
  return { shape: [1, 4, height, width], data };
}

/** The ten kinds of requests, sent in turn. */
async function kindsOfRequests() {
  const nano = await Taesd.load({ model: 'nano', only: 'decoder', workers: 0 });
  const [small, middle, picture, large] = [
    await sampleLatents(8, 8),
    await sampleLatents(32, 16),
    await sampleLatents(64, 64),
    await sampleLatents(128, 128),
  ];
  const png = pngRequest(await sampleLatents(16, 16), { width: 121, height: 128 });
  const stored = decodeLatentPng(png[1].body);
  const broken = png[1].body.slice();
  broken[60] ^= 1;
  const notFinite = small.data.slice();
  notFinite[7] = Number.POSITIVE_INFINITY;
  const ofPng = await nano.decode(stored.latents, { width: 121, height: 128 });
  const of = (latents) => nano.decode(latents);
  const type = 'application/octet-stream';
  const post = (body) => ({ method: 'POST', headers: { 'content-type': type }, body });
  return [
    { name: 'f32, 64×64', run: good(rawRequest(small), await of(small)) },
    { name: 'a latent PNG, 121×128', run: good(png, ofPng) },
    { name: 'broken PNG', run: bad(['/decode', { ...png[1], body: broken }], 400, 'INTEGRITY') },
    { name: 'f32, 256×128', run: good(rawRequest(middle), await of(middle)) },
    { name: 'gone while it reads, 1024×1024', run: goneWhileReading(rawRequest(large)) },
    { name: 'f32, 512×512, reads slowly', run: good(rawRequest(picture), await of(picture), 10) },
    {
      name: 'too large',
      run: bad(['/decode?width=999&height=999', post(small.data)], 413, 'LIMIT'),
    },
    { name: 'gone before the answer', run: goneBefore(rawRequest(large)) },
    {
      name: 'not finite',
      run: bad(['/decode?width=8&height=8', post(notFinite)], 422, 'NONFINITE'),
    },
    { name: 'gone while it sends', run: goneWhileSending(rawRequest(large)) },
  ];
}

function good([path, options], { width, height, data }, pauseMs = 0) {
  return async () => {
    const answer = await fetch(urlOf(path), options);
    if (answer.status !== 200) return `${answer.status} ${await answer.text()}`;
    const pieces = [];
    for await (const piece of answer.body) {
      pieces.push(piece);
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    const decoded = decodePng(new Uint8Array(Buffer.concat(pieces)));
    const isRight = decoded.width === width && decoded.height === height;
    return isRight && Buffer.compare(decoded.data, Buffer.from(data.buffer)) === 0
      ? undefined
      : 'other pixels';
  };
}

function bad([path, options], status, code) {
  return async () => {
    const answer = await fetch(urlOf(path), options);
    const got = `${answer.status} ${(await answer.json()).code}`;
    return got === `${status} ${code}` ? undefined : `expected ${status} ${code}, got ${got}`;
  };
}

function goneWhileReading([path, options]) {
  return async () => {
    const answer = await fetch(urlOf(path), options);
    const reader = answer.body.getReader();
    await reader.read();
    await reader.cancel();
    return answer.status === 200 ? undefined : `${answer.status}`;
  };
}

function goneBefore([path, options]) {
  return async () => {
    const signal = AbortSignal.timeout(3);
    const answer = await fetch(urlOf(path), { ...options, signal }).catch((error) => error);
    // An answer within 3 ms is fine too.
    if (answer instanceof Response) await answer.body.cancel();
    return undefined;
  };
}

function goneWhileSending([path, { headers, body }]) {
  return () =>
    new Promise((resolve) => {
      const call = httpRequest(urlOf(path), { method: 'POST', headers, agent: false });
      call.on('error', () => resolve(undefined));
      call.on('response', ({ statusCode }) => resolve(`${statusCode} before it had all`));
      call.write(body.subarray(0, body.length / 2), () => setTimeout(() => call.destroy(), 5));
    });
}

function urlOf(path) {
  return `http://127.0.0.1:${port}${path}`;
}

function report() {
  const wrong = tallies.flatMap((tally) => tally.wrong);
  console.log('| request | sent | right | median |\n| --- | --- | --- | --- |');
  for (const [n, { name }] of kinds.entries()) {
    const { right, wrong: others, times } = tallies[n];
    const median = [...times].sort((a, b) => a - b)[times.length >> 1] ?? 0;
    console.log(`| ${name} | ${right + others.length} | ${right} | ${median.toFixed(0)} ms |`);
  }
  console.log(`\n${done} of ${requests} requests, ${atOnce} at once, in ${seconds.toFixed(1)} s`);
  console.log('\n| requests | kept: heap, buffers | process |\n| --- | --- | --- |');
  for (const usage of memory) {
    const { rss } = usage;
    console.log(`| ${usage.done} | ${MB(kept(usage))} | ${MB(rss)} |`);
  }
  if (stalled > 0) {
    const longest = Math.max(...tallies[0].times);
    console.log(`\nlongest time from a request to its whole picture: ${longest.toFixed(0)} ms`);
    const counts = new Map();
    for (const status of stalledAnswers) counts.set(status, (counts.get(status) ?? 0) + 1);
    const words = [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
    console.log(`answers of ${stalled} clients that never read: ${words}`);
    if (longest > longestMs) wrong.push(`a request took more than ${longestMs} ms`);
  }
  if (last !== undefined) wrong.push(`one more at the end: ${last}`);
  if (done !== requests) wrong.push(`${requests - done} requests without an end`);
  const counted = memory.filter((usage) => usage.done >= WARM);
  // The answers of stalled clients are kept: memory is not flat.
  if (counted.length > 1 && stalled === 0) {
    const least = (some) => Math.min(...some.map(kept));
    const growth = least(counted.slice(-2)) - least(counted.slice(0, 2));
    console.log(`\nkept more after ${requests} than after ${WARM}: ${MB(growth)}`);
    if (growth > FLAT_BYTES) wrong.push(`memory grew by ${MB(growth)}`);
  }
  for (const text of wrong) console.log(`WRONG ${text}`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}

/** The bytes the server keeps. External memory includes the array buffers. */
function kept({ heapUsed, external }) {
  return heapUsed + external;
}

function MB(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
