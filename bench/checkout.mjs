// A built checkout of this project, this one or another, and its networks cut into levels.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * The addresses of modules in `dist/`, the newest first: a benchmark also loads older checkouts.
 */
const WASM_BACKEND = ['backend/wasm/wasm-backend.js', 'backend/wasm/index.js'];
const MEASURE = ['model/measure.js'];
const VARIANTS = ['model/variants.js'];

/**
 * Loads the modules that the benchmark by level needs.
 *
 * @param folder  the checkout, with its `dist/`
 * @returns { createWasmBackend, describeNetwork, weightShapes, networkOf }
 */
export async function loadCheckout(folder) {
  const load = (addresses) => {
    const files = addresses.map((address) => resolve(folder, 'dist', address));
    const file = files.find((file) => existsSync(file));
    if (file === undefined)
      throw new Error(`${folder}: expected a built checkout, got no ${files[0]}`);
    return import(pathToFileURL(file).href);
  };
  const { createWasmBackend } = await load(WASM_BACKEND);
  const { describeNetwork, weightShapes } = await load(MEASURE);
  const { VARIANTS: variants } = await load(VARIANTS);
  return {
    createWasmBackend,
    describeNetwork,
    weightShapes,
    networkOf: (half, model = 'taesd') => variants[model].networks[half],
  };
}

/**
 * Cuts a half into pieces: the neighbouring layers that work at one size of map, and the whole.
 *
 * @param half   'encoder' or 'decoder'
 * @param model  one whose pictures are 8 times as wide as its latents
 * @returns pieces { level, rows, multiplyAdds }, where each row describes a layer
 */
export function piecesOf({ describeNetwork, networkOf }, half, size, model) {
  const input = half === 'encoder' ? [3, size, size] : [4, size / 8, size / 8];
  const layers = describeNetwork(networkOf(half, model), input);
  return [...splitByHeight(layers), { level: 'whole', rows: layers }].map((piece) => ({
    ...piece,
    multiplyAdds: piece.rows.reduce((sum, row) => sum + row.multiplyAdds, 0),
  }));
}

/**
 * Neighbouring layers whose outputs are equally high. An upsampling belongs to the layers after it.
 */
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

/**
 * Compiles a piece as a network of its own. Its weights are random: the time does not depend on
 * them.
 *
 * @returns a function that starts a run, a generator that yields after each portion of the work
 */
export function preparePiece(backend, { weightShapes }, { rows }) {
  const network = rows.map(({ layer }) => ({ layer, weights: randomWeights(weightShapes(layer)) }));
  const program = backend.compile(network);
  const source = waveRows(rows[0].input);
  return () => program.run(source, () => {});
}

/** Weights that keep the size of a layer's numbers: none overflows or becomes a denormal. */
function randomWeights(shapes) {
  const random = generator(1);
  const weights = new Map();
  for (const [name, shape] of shapes) {
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

/** Rows as the layer before would leave them. They are copied: a map's layout is not measured. */
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

/**
 * Returns a generator of numbers in [0, 1), equal in each run.
 * Source: Numerical Recipes' linear congruential generator.
 */
function generator(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
