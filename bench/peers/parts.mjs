// All measurements, in order. `--only NAME` picks by these names.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { measureFreshNano } from './measure/fresh-nano.mjs';
import { measureModel } from './measure/model.mjs';
import { measureNano } from './measure/nano.mjs';
import { measurePreviews } from './measure/previews.mjs';
import { measureScale } from './measure/scale.mjs';
import { measureSizes } from './measure/sizes.mjs';
import { measureSpeed } from './measure/speed.mjs';
import { measureStart } from './measure/start.mjs';
import { measureStream } from './measure/stream.mjs';
import { measureWasmMemory } from './measure/wasm-memory.mjs';
import { measureWorkers } from './measure/workers.mjs';
import { SEEDED_MODELS } from './models.mjs';

const SQUARE = { height: 512, width: 512 };
const TALL = { height: 16384, width: 512 };

/**
 * Each takes { quick, runs, progress, options, against } and returns what targets.mjs and
 * report.mjs read, or throws the reason.
 */
export const PARTS = {
  size: () => {
    const bytes = readFileSync(new URL('../../dist/taesd.wasm', import.meta.url));
    return { bytes: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length };
  },
  start: measureStart,
  memory: (settings) => measureWasmMemory(SQUARE, settings),
  decode: (settings) => measureSpeed('decoder', settings),
  encode: (settings) => measureSpeed('encoder', settings),
  nano: measureNano,
  previews: measurePreviews,
  fresh: measureFreshNano,
  resolution: async (settings) => {
    const { measureResolution } = await import('./measure/resolution.mjs');
    return measureResolution(settings);
  },
  workers: measureWorkers,
  taef2: (settings) => measureModel('taef2', settings),
  ...Object.fromEntries(
    SEEDED_MODELS.map((model) => [model, (settings) => measureModel(model, settings)]),
  ),
  tall: async (settings) => {
    if (settings.quick) throw new Error('--quick leaves 16384 rows out');
    const square = await measureWasmMemory(SQUARE, settings);
    return { square, tall: await measureWasmMemory(TALL, settings) };
  },
  stream: measureStream,
  scale: measureScale,
  sizes: measureSizes,
};
