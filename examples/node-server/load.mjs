// node examples/node-server/load.mjs [--serve] [--requests 200] [--at-once 8] [--stalled 0]
//   [--longest 5] [--mixed]
// Puts server.mjs or, with --serve, `taesd serve` under load: good requests, bad ones and clients
// that disconnect, several at a time; `taesd serve` gets diffusers' protocol too. Checks that each
// request gets the right answer, that none is lost and that the server's memory stays flat. Prints
// a table; exit code 1 if something is wrong.
// With --stalled N, all requests are good ones of 256×256, beside N clients that never read their
// answer; every second of them asks for 2048×2048. No request may take more than --longest seconds.
// --mixed sends all kinds of requests beside them.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { rawRequest, sampleLatents } from '../edge-worker/tools/sample.mjs';
import { besideStalled, plainKinds, protocolKinds } from './requests.mjs';

const pathOf = (path) => fileURLToPath(new URL(path, import.meta.url));
const EXAMPLE = [pathOf('server.mjs'), ['0']];
/** The small models alone, so that weights on this machine do not change the answers. */
const MODELS = 'nano,nano-sdxl,nano-sd3,nano-flux1';
const COMMAND = [
  pathOf('../../dist/cli/main.js'),
  ['serve', '--port', '0', '--model', MODELS, '--quiet'],
];
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
    serve: { type: 'boolean', default: false },
    requests: { type: 'string', default: '200' },
    'at-once': { type: 'string', default: '8' },
    stalled: { type: 'string', default: '0' },
    longest: { type: 'string', default: '5' },
    mixed: { type: 'boolean', default: false },
  },
});
const [requests, atOnce] = [Number(values.requests), Number(values['at-once'])];
const [stalled, longestMs] = [Number(values.stalled), 1000 * Number(values.longest)];

const [program, args] = values.serve ? COMMAND : EXAMPLE;
const server = fork(program, args, {
  execArgv: ['--expose-gc', '--import', new URL('report-memory.mjs', import.meta.url).href],
  stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  // glibc gives each thread arenas of its own, which fragment: without this the process seems to
  // grow by 30 MB in 800 requests.
  env: { ...process.env, MALLOC_ARENA_MAX: '2' },
});
const [listening] = await once(server.stdout, 'data');
const origin = /http:\S+/.exec(`${listening}`)[0];
const kinds = await kindsOfRequests();
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
server.kill('SIGTERM');
const [exitCode] = await once(server, 'exit');
report();

async function kindsOfRequests() {
  if (stalled > 0 && !values.mixed) return besideStalled(origin);
  const plain = await plainKinds(origin);
  return values.serve ? [...plain, ...(await protocolKinds(origin))] : plain;
}

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
    const call = httpRequest(`${origin}${path}`, { method: 'POST', headers, agent: false });
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
    const longest = Math.max(...tallies.flatMap(({ times }) => times));
    console.log(`\nlongest time from a request to its whole answer: ${longest.toFixed(0)} ms`);
    const counts = new Map();
    for (const status of stalledAnswers) counts.set(status, (counts.get(status) ?? 0) + 1);
    const words = [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
    console.log(`answers of ${stalled} clients that never read: ${words}`);
    if (longest > longestMs) wrong.push(`a request took more than ${longestMs} ms`);
  }
  if (exitCode !== (values.serve ? 143 : 0)) wrong.push(`exit code ${exitCode}`);
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
