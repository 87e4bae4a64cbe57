// The promises, and the figure that each is held against. None may be softened in order to be kept.
import { F32, FAST, NATIVE, WEB } from './contestants.mjs';
import { ratio } from './measure/speed.mjs';

const MB = 1e6;
const times = (value) => `${value.toFixed(3)} ×`;
const megabytes = (value) => `${value.toFixed(1)} MB`;
const milliseconds = (value) => `${value.toFixed(1)} ms`;
const kilobytes = (value) => `${value.toFixed(1)} kB`;

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

/**
 * `measured` takes the result of the part of that name (see parts.mjs) and returns the figure, in
 * the unit of `atMost`. It throws if there is none.
 */
export const TARGETS = [
  againstPeer('decode', F32, 'f32', WEB, 0.19),
  againstPeer('decode', FAST, 'fast', WEB, 0.125),
  againstPeer('decode', F32, 'f32', NATIVE, 1.25),
  againstPeer('decode', FAST, 'fast', NATIVE, 0.85),
  againstPeer('encode', F32, 'f32', WEB, 0.22),
  againstPeer('encode', FAST, 'fast', WEB, 0.15),
  againstPeer('encode', F32, 'f32', NATIVE, 1.5),
  againstPeer('encode', FAST, 'fast', NATIVE, 0.95),
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
    atMost: 48,
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
  {
    what: 'fresh process, from weights in memory to the first 64×64 picture, f32',
    part: 'start',
    measured: ({ ms }) => ms,
    atMost: 80,
    format: milliseconds,
  },
  {
    what: 'the .wasm, gzipped',
    part: 'size',
    measured: ({ gzipped }) => gzipped / 1000,
    atMost: 24,
    format: kilobytes,
  },
];

/**
 * Compares the results with the promises.
 *
 * @param results  by part, `{ value }` or `{ reason }`; parts that were not run are not in it
 * @returns [{ what, measured, atMost, reached }], with `reason` in place of `measured` if nothing
 *   was measured;
 *   texts for people in `shown` and `shownAtMost`
 */
export function judge(results) {
  return TARGETS.filter(({ part }) => results[part] !== undefined).map((target) => {
    const { what, part, atMost, format } = target;
    const row = { what, atMost, shownAtMost: format(atMost).replace(/\.?0+ /, ' ') };
    const { value, reason } = results[part];
    if (reason !== undefined) return { ...row, reason, reached: false };
    try {
      const measured = target.measured(value);
      return { ...row, measured, shown: format(measured), reached: measured <= atMost };
    } catch (error) {
      return { ...row, reason: error.message, reached: false };
    }
  });
}
