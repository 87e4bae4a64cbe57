// The promises, and the figure that each is held against. None may be softened in order to be kept.
import { core } from '../machine.mjs';
import { F32, FAST, NATIVE, NCNN, WEB } from './contestants.mjs';
import { OTHER } from './measure/nano.mjs';
import { ratio } from './measure/speed.mjs';
import { PEER_FRAMES } from './models.mjs';

const MB = 1e6;
const times = (value) => `${value.toFixed(3)} ×`;
const megabytes = (value) => `${value.toFixed(1)} MB`;
const milliseconds = (value) => `${value.toFixed(1)} ms`;
const kilobytes = (value) => `${value.toFixed(1)} kB`;
const decibels = (value) => `${value.toFixed(1)} dB`;
const difference = (value) => value.toExponential(1);

/** @param atMost  a number, or one for each core (see machine.mjs) */
const againstPeer = (part, mine, label, peer, atMost) => ({
  what: `${part} 512², ${label}, against ${peer}`,
  part,
  measured: (results) => ratio(results, mine, peer),
  atMost,
  format: times,
});

const perPixel = (name, label) => ({
  what: `time per pixel at 4096² against 512², ${label}`,
  part: 'scale',
  measured: (results) => {
    if (results[name].reason !== undefined) throw new Error(results[name].reason);
    return results[name].perPixel;
  },
  atMost: 1.15,
  format: times,
});

/** The promises of a model beside taesd. */
const ofModel = (model, limits) => [
  {
    what: `${model}: decode 512², f32, against taesd`,
    part: model,
    measured: (results) => ratio(results, F32, 'taesd'),
    atMost: limits.taesd,
    format: times,
  },
  {
    what: `${model}: decode 512², f32, against ${WEB}`,
    part: model,
    measured: (results) => ratio(results, F32, WEB),
    atMost: limits.web,
    format: times,
  },
  {
    what: `${model}: WASM memory, decoder alone, 512², f32`,
    part: model,
    measured: (results) => results[F32].wasmBytes / MB,
    atMost: limits.megabytes,
    format: megabytes,
  },
];

const peerFrames = (model) =>
  PEER_FRAMES[model] === undefined
    ? ''
    : `, one frame against the peer's ${PEER_FRAMES[model]} frames`;

/**
 * The promises of a model whose weights are seeded. Its work is not taesd's, so multiply-adds a
 * second are compared with taesd's, not times.
 */
const ofSeededModel = (model, atMostOfPeer) => [
  {
    what: `${model}: decode 512², f32, multiply-adds a second by taesd's`,
    part: model,
    measured: (results) =>
      results[F32].multiplyAdds / results.taesd.multiplyAdds / ratio(results, F32, 'taesd'),
    atLeast: 0.75,
    format: times,
  },
  {
    what: `${model}: decode 512², f32, against ${WEB}${peerFrames(model)}`,
    part: model,
    measured: (results) => ratio(results, F32, WEB),
    atMost: atMostOfPeer,
    format: times,
  },
  {
    what: `${model}: decode 512², largest difference to ${WEB}`,
    part: model,
    measured: (results) => fromF32(results, WEB).largestDifference,
    atMost: 1e-4,
    format: difference,
  },
  {
    what: `${model}: decode 512², fast against f32, time`,
    part: model,
    measured: (results) => ratio(results, FAST, F32),
    atMost: 0.75,
    format: times,
  },
  {
    what: `${model}: decode 512², fast against f32, PSNR`,
    part: model,
    measured: (results) => fromF32(results, FAST).decibels,
    atLeast: 62,
    format: decibels,
  },
  {
    what: `${model}: WASM memory, decoder alone, 512², f32`,
    part: model,
    measured: (results) => results[F32].wasmBytes / MB,
    atMost: 100,
    format: megabytes,
  },
];

/** @param way  a property of what measure/resolution.mjs returns */
const halfResolution = (label, way, atMost) => ({
  what: `decode at resolution 1/2, taesd f32, ${label}, against full size`,
  part: 'resolution',
  measured: (results) => results[way].ms / results.full.ms,
  atMost,
  format: times,
});

/** 100 ms for this project; the rest is a multiple of what Node takes for nothing. */
const freshNano = (process, label) => ({
  what: `fresh process, ${label}, first 256² picture: time − 100 ms, against node -e 0`,
  part: 'fresh',
  measured: (results) => (results[process].ms - 100) / results.empty.ms,
  atMost: 2.5,
  format: times,
});

/** @throws if a contestant has no picture to compare */
function fromF32(results, name) {
  const { reason = 'no f32 picture to compare with', fromF32 } = results[name];
  if (fromF32 === undefined) throw new Error(`${name}: ${reason}`);
  return fromF32;
}

/**
 * `measured` takes the result of the part of that name (see parts.mjs) and returns the figure, in
 * the unit of `atMost` or `atLeast`. It throws if there is none.
 */
export const TARGETS = [
  againstPeer('decode', F32, 'f32', WEB, { 'Zen 5': 0.165, 'Zen 4': 0.15 }),
  againstPeer('decode', FAST, 'fast', WEB, 0.11),
  againstPeer('decode', F32, 'f32', NATIVE, { 'Zen 5': 1.06, 'Zen 4': 0.64 }),
  againstPeer('decode', FAST, 'fast', NATIVE, { 'Zen 5': 0.71, 'Zen 4': 0.5 }),
  againstPeer('decode', F32, 'f32', NCNN, 1),
  againstPeer('decode', FAST, 'fast', NCNN, 0.75),
  againstPeer('encode', F32, 'f32', WEB, 0.2),
  againstPeer('encode', FAST, 'fast', WEB, 0.135),
  againstPeer('encode', F32, 'f32', NATIVE, 1.5),
  againstPeer('encode', FAST, 'fast', NATIVE, 0.92),
  {
    what: 'nano: decode 512², fast, against the f32 of --against',
    part: 'nano',
    measured: (results) => results[FAST].ms / results[OTHER].ms,
    atMost: 0.62,
    format: times,
  },
  {
    what: 'nano: 512² in Chromium, two workers, pictures a second × seconds of taesd f32',
    part: 'previews',
    measured: ({ shared, each, taesdMs }) => (Math.max(shared, each) * taesdMs) / 1000,
    atLeast: 48,
    format: (value) => value.toFixed(1),
  },
  halfResolution('last upsampling left out', 'leftOut', 0.63),
  halfResolution('latents shrunk', 'shrunk', 0.28),
  perPixel(F32, 'f32'),
  perPixel(FAST, 'fast'),
  {
    what: 'two workers against one, 1024², f32',
    part: 'workers',
    measured: (results) => results.ratio,
    atMost: 0.58,
    format: times,
  },
  {
    what: 'WASM memory, decoder alone, 512², f32',
    part: 'memory',
    measured: (bytes) => bytes / MB,
    atMost: 66,
    format: megabytes,
  },
  {
    what: 'WASM memory, 512 wide, 16384 high, against 512²',
    part: 'tall',
    measured: ({ tall, square }) => tall / square,
    atMost: 1,
    format: times,
  },
  {
    what: 'process memory above its start, 4096² decode, rows written as they come',
    part: 'stream',
    measured: ({ aboveStartBytes }) => aboveStartBytes / MB,
    atMost: 250,
    format: megabytes,
  },
  ...ofModel('taef2', { taesd: 1.1, web: 0.2, megabytes: 60 }),
  ...ofSeededModel('taesana', 0.25),
  ...ofSeededModel('taeqi2_1', 0.25),
  ...ofSeededModel('taew2_1', 0.16),
  {
    what: 'fresh process, from weights in memory to the first 64×64 picture, f32',
    part: 'start',
    measured: ({ ms }) => ms,
    atMost: 90,
    format: milliseconds,
  },
  freshNano('files', "load({ model: 'nano' })"),
  freshNano('text', 'load(nano())'),
  {
    what: 'the .wasm, gzipped',
    part: 'size',
    measured: ({ gzipped }) => gzipped / 1000,
    atMost: 24,
    format: kilobytes,
  },
];

/** Picks the limit of this machine's core. Another core is held to the highest one. */
function onThisCore({ what, atMost }) {
  if (typeof atMost !== 'object') return { what, atMost };
  const [here, limit] = [core(), Math.max(...Object.values(atMost))];
  if (atMost[here] !== undefined) return { what: `${what}, ${here}`, atMost: atMost[here] };
  const name = Object.keys(atMost).find((name) => atMost[name] === limit);
  return { what: `${what}, limit of ${name}`, atMost: limit };
}

/**
 * Compares the results with the promises.
 *
 * @param results  by part, `{ value }` or `{ reason }`; parts that were not run are not in it
 * @returns [{ what, measured, atMost, reached }], with `atLeast` in place of `atMost` of some, and
 *   with `reason` in place of `measured` if nothing was measured;
 *   texts for people in `shown` and `shownTarget`
 */
export function judge(results) {
  return TARGETS.filter(({ part }) => results[part] !== undefined).map((target) => {
    const { part, atLeast, format } = target;
    const { what, atMost } = onThisCore(target);
    const limit = format(atMost ?? atLeast).replace(/\.?0+ /, ' ');
    const shownTarget = `${atMost === undefined ? 'at least' : 'at most'} ${limit}`;
    const row = { what, atMost, atLeast, shownTarget };
    const { value, reason } = results[part];
    if (reason !== undefined) return { ...row, reason, reached: false };
    try {
      const measured = target.measured(value);
      const reached = atMost === undefined ? measured >= atLeast : measured <= atMost;
      return { ...row, measured, shown: format(measured), reached };
    } catch (error) {
      return { ...row, reason: error.message, reached: false };
    }
  });
}
