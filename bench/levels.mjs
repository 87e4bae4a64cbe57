// A whole network by level: the layers that work at one size of map, as a network of their own. Weights are random:
// the time does not depend on them.
import { Bench } from 'tinybench';
import { createWasmBackend } from '../dist/backend/wasm/wasm-backend.js';
import { describeNetwork, weightShapes } from '../dist/model/measure.js';
import { VARIANTS } from '../dist/model/variants.js';

/**
 * @param part       'encoder' or 'decoder'
 * @param precision  'f32' or 'fast'
 * @returns rows { level, ms, multiplyAdds }; the last one is the whole network in one run
 */
export async function benchLevels(part, precision, size = 512) {
  const backend = await createWasmBackend({ precision });
  const input = part === 'encoder' ? [3, size, size] : [4, size / 8, size / 8];
  const layers = describeNetwork(VARIANTS.taesd.networks[part], input);
  const pieces = [...splitByHeight(layers), { level: 'whole', rows: layers }];
  const bench = new Bench({
    iterations: 3,
    time: 0,
    warmupIterations: 2,
    warmupTime: 0,
    throws: true,
  });
  for (const { level, rows } of pieces) {
    const program = backend.compile(
      rows.map(({ layer }) => ({ layer, weights: randomWeights(layer) })),
    );
    const source = waveRows(rows[0].input);
    bench.add(level, () => {
      for (const _ of program.run(source, () => {}));
    });
  }
  await bench.run();
  return pieces.map(({ level, rows }, i) => ({
    level,
    ms: bench.tasks[i].result.latency.p50,
    multiplyAdds: rows.reduce((sum, row) => sum + row.multiplyAdds, 0),
  }));
}

/** Neighbouring layers whose outputs are equally high; an upsampling belongs to what follows it. */
function splitByHeight(layers) {
  const levels = [];
  for (const row of layers) {
    const [, height, width] = row.output;
    const last = levels.at(-1);
    if (last?.height === height) last.rows.push(row);
    else levels.push({ level: `${width}×${height}`, height, rows: [row] });
  }
  return levels;
}

/** Weights of a layer that keep the size of its numbers, so that nothing overflows or becomes a denormal. */
function randomWeights(layer) {
  const random = generator(1);
  const weights = new Map();
  for (const [name, shape] of weightShapes(layer)) {
    const fanIn = shape.slice(1).reduce((a, b) => a * b, 1);
    const amplitude = Math.sqrt(2 / fanIn);
    const data = Float32Array.from(
      { length: shape.reduce((a, b) => a * b, 1) },
      () => amplitude * (2 * random() - 1),
    );
    weights.set(name, { shape, data });
  }
  return weights;
}

/** Rows as a layer before would leave them; copied, since a map's layout is no part of what is measured. */
function waveRows([channels, height, width]) {
  let row;
  return {
    channels,
    height,
    width,
    read(_, target, stride) {
      row ??= Float32Array.from({ length: width * stride }, (_, i) =>
        i % stride < channels ? 1 + Math.sin(i / 7) : 0,
      );
      target.set(row);
    },
  };
}

/** Numbers in [0, 1), the same in each run. Source: Numerical Recipes' linear congruential generator. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
