import { type ModelName, VARIANTS } from '../../index.ts';
import { isNano } from '../../model/variants.ts';
import { createRemote } from '../../remote/index.ts';
import type { CommandLine, CommandSpec } from '../line/command-line.ts';
import { SERVE_DEFAULTS } from '../line/options.ts';
import { createHttpHost, type HttpHost } from '../serve/http-host.ts';
import { JpegThread } from '../serve/jpeg-thread.ts';
import { isLoopback, listen } from '../serve/listen.ts';
import { requestLine } from '../serve/request-line.ts';
import { ServedModels } from '../serve/served-models.ts';
import { untilSignal } from '../terminal/interrupt.ts';
import { noteSayer, type Say, sayFailure, sayLine } from '../terminal/say.ts';
import { type Command, runLine } from './command.ts';
import { findModels } from './models.ts';

const SPEC = {
  name: 'serve',
  summary: 'Serves decoding and encoding over HTTP, also for diffusers.',
  detail: `
Answers diffusers' remote_decode and remote_encode at POST /decode and /encode, and latents alone
with a PNG. GET / explains the requests, GET /models lists the models, GET /health is for monitors.
stdout gets the address once the server listens, stderr a line for each request. JPEG needs the
optional package @jsquash/jpeg. SIGINT and SIGTERM let running requests finish; a second one ends at
once. There is no password and no TLS: for other machines put a proxy in front of it.`,
  examples: [
    'taesd serve',
    'taesd serve --port 0 --model taesd,taef1 --quiet',
    'taesd serve --host 0.0.0.0 --max-pixels 1048576 --queue 8 --timeout 20',
  ],
  options: [
    'port',
    'host',
    'servedModels',
    'weights',
    'precision',
    'workers',
    'servedPixels',
    'queue',
    'timeout',
    'servedQuiet',
  ],
} as const satisfies CommandSpec;

type Line = CommandLine<typeof SPEC>;

export const serveCommand: Command = {
  spec: SPEC,
  run: (args) => runLine(SPEC, args, serve),
};

/** Bytes that all open requests may keep. Numbers of 4096×4096 pixels take 300 MB. */
const KEPT_BYTES = 512_000_000;
/** Long enough for the largest body, 4 MB, at 200 kB/s. */
const BODY_MS = 30_000;
/** The largest width of a picture. Memory grows with it: 245 MB for 4096. */
const MAX_WIDTH = 8192;

async function serve(line: Line): Promise<void> {
  const say = noteSayer(line.servedQuiet);
  const loaded = new ServedModels(line, say);
  try {
    await serveModels(line, loaded, say);
  } finally {
    loaded.dispose();
  }
}

async function serveModels(line: Line, loaded: ServedModels, say: Say): Promise<void> {
  const { port, host, pixels, waiting, seconds } = SERVE_DEFAULTS;
  const turnMs = 1000 * (line.timeout ?? seconds);
  const models = await modelsToServe(line, loaded, say);
  const jpeg = new JpegThread();
  const handler = createRemote({
    models,
    load: (model) => loaded.take(model),
    encodeJpeg: ({ width, height, data }) =>
      jpeg.encode({
        width,
        height,
        data: new Uint8Array(data.buffer, data.byteOffset, data.length),
      }),
    limits: {
      width: MAX_WIDTH,
      pixels: line.servedPixels ?? pixels,
      waiting: line.queue ?? waiting,
      turnMs,
      keptBytes: KEPT_BYTES,
      bodyMs: BODY_MS,
    },
    onFault: sayFailure,
  });
  const web = createHttpHost(handler, {
    stallMs: turnMs,
    requestMs: BODY_MS,
    onAnswered: line.servedQuiet ? undefined : (answered) => sayLine(requestLine(answered)),
  });
  const place = { host: line.host ?? host, port: line.port ?? port };
  const address = await listen(web.server, place);
  if (!isLoopback(place.host)) {
    say('other machines may use this server: it has no password and no TLS');
  }
  // Such as too many open files: connections fail, the server goes on.
  web.server.on('error', sayFailure);
  const ended = untilSignal(
    () => end(web, say),
    () => leftBy(web),
  );
  process.stdout.write(`listening on ${address}\n`);
  await ended;
}

/** Lets running requests finish. */
function end(web: HttpHost, say: Say): Promise<void> {
  const count = web.open();
  const them = count === 1 ? 'it' : 'them';
  if (count > 0) say(`${requests(count)} to finish; another signal ends ${them}`);
  return web.end();
}

/** Returns the state after the end, for its message. */
function leftBy(web: HttpHost): string {
  const count = web.open();
  return count === 0 ? 'every request has its answer' : `${requests(count)} cut off`;
}

const requests = (count: number): string => `${count} ${count === 1 ? 'request' : 'requests'}`;

/**
 * Chooses the models and loads those that the command line names, so that a fault of one ends the
 * command before it listens. If it names none, only the first is loaded: the rest may never be
 * needed.
 */
async function modelsToServe(
  { servedModels: named, weights }: Line,
  loaded: ServedModels,
  say: Say,
): Promise<readonly ModelName[]> {
  if (named !== undefined) {
    for (const model of named) await loaded.prepare(model);
    return named;
  }
  if (weights !== undefined) return [await loaded.prepare(undefined)];
  const models = await foundModels(say);
  await loaded.prepare(models[0]);
  const pull = models.some(isNano) ? '; "npx taesd pull" fetches sharper ones' : '';
  say(`serving ${models.join(', ')}${pull}`);
  return models;
}

/**
 * Returns the models whose weights are found, in the order of the table: for each latent space
 * those of TAESD's size, otherwise the small one.
 */
async function foundModels(say: Say): Promise<ModelName[]> {
  const { rows, note } = await findModels();
  if (note !== undefined) say(note);
  for (const { model, state, reason } of rows) {
    if (reason !== null) say(`${model} is not served: ${reason}`);
    else if (state === 'damaged' || state === 'incomplete') {
      say(`${model} is not served: its weights are ${state}; "npx taesd pull ${model}" mends them`);
    }
  }
  const found = rows.filter(({ state }) => state === 'found').map(({ model }) => model);
  const spaces = [...new Set(Object.values(VARIANTS).map(({ space }) => space))];
  return spaces.flatMap((space) => {
    const all = found.filter((model) => VARIANTS[model].space === space);
    const large = all.filter((model) => !isNano(model));
    return large.length > 0 ? large : all;
  });
}
