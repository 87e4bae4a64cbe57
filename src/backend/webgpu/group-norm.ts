import { enable, range, type Stored } from './convolution.ts';

/*
 * The normalisation of a pool, folded on the device into the 1×1 convolution y = W·x before it, as
 * fold-pool.ts does for WASM: statistics of the whole map make one factor and one number to add
 * for each channel. The map stays on the device, so nothing waits for the caller's thread.
 *
 *     x, W ──moments──▶ mean and squares of each channel of y, for each chunk of pixels
 *          ──statistics──▶ scale, bias of each channel
 *     W, scale ──fold──▶ weights of the convolution for this map
 *
 * A chunk is a run of pixels in the order of memory. There are at most 256, and they depend on the
 * map's size alone, so bands and limits change no bit. y is computed once for the moments and again
 * by the convolution: 0.1 % of a decoder's work, instead of a map of 256 channels that is kept
 * whole.
 *
 * Sums are f32. Squares are those of differences to a mean, never of numbers, so nothing cancels:
 * chunks are joined by Chan's formula, squares = Σ squares + Σ count · (mean − mean of all)².
 * Accuracy: a block on a map whose mean is 100 deviations from 0 is within 3·10⁻⁶ of float64,
 * relative to the largest value of its output.
 * Source: Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample
 * variances", 1979. PyTorch's `nn.GroupNorm`.
 */

/** The parameters, i32 each, in this order. */
export const NORM_PARAMETERS = [
  'pixels',
  'chunkPixels',
  'chunks',
  'inQuads',
  'quads', // those of y's channels
  'blockQuads', // see pack.ts
  'channels',
  'groups',
  'epsilon', // the bits of an f32
] as const;

/** The three dispatches, in order. */
export const NORM_PARTS = ['moments', 'statistics', 'fold'] as const;
export type NormPart = (typeof NORM_PARTS)[number];

/** Invocations of a workgroup. */
export const NORM_WORKGROUP = 64;
/** The maximum number of chunks: enough to occupy a large GPU. */
export const MAX_CHUNKS = 256;
/** The fewest pixels of a chunk. A self-test's map of 12 pixels then has two, one of them short. */
const MIN_CHUNK_PIXELS = 8;

/** Pixels that an invocation takes at a time, of which it loads each weight once. */
const PIXELS = 4;

/** Divides the pixels of a map into chunks of one size. The last may be shorter. */
export function chunksOf(pixels: number): { readonly size: number; readonly count: number } {
  const size = Math.max(MIN_CHUNK_PIXELS, Math.ceil(pixels / MAX_CHUNKS));
  return { size, count: Math.ceil(pixels / size) };
}

/** @param input  how the map's numbers are stored */
export function normShader(part: NormPart, input: Stored): string {
  return `${part === 'moments' ? enable(input) : ''}
struct Parameters { ${NORM_PARAMETERS.map((name) => `${name}: i32`).join(', ')} }
@group(0) @binding(0) var<uniform> p: Parameters;
${part === 'moments' ? moments(input) : part === 'statistics' ? STATISTICS : FOLD}`;
}

/**
 * An invocation takes a quad of channels of a chunk, 4 pixels at a time. Each variable has a first
 * value: software adapters do not make one zero again when a loop comes back to it.
 *
 * moments: f32 [chunks][2: means, squares][quads][4]
 */
const moments = (input: Stored): string => `
@group(0) @binding(1) var<storage, read> source: array<vec4<${input}>>;
@group(0) @binding(2) var<storage, read> weights: array<mat4x4f>;
@group(0) @binding(3) var<storage, read_write> moments: array<vec4f>;
@compute @workgroup_size(${NORM_WORKGROUP})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let quad = i32(group.x * ${NORM_WORKGROUP} + local.x);
  let chunk = i32(group.y);
  if (quad >= p.quads) { return; }
  let first = chunk * p.chunkPixels;
  let end = min(first + p.chunkPixels, p.pixels);
  let firstWeight = quad / p.blockQuads * p.inQuads * p.blockQuads + quad % p.blockQuads;
  var mean = vec4f();
  var squares = vec4f();
  for (var at = first; at < end; at += ${PIXELS}) {
${range(PIXELS)
  .map((n) => `    let at${n} = min(at + ${n}, end - 1); var y${n} = vec4f();`)
  .join('\n')}
    var w = firstWeight;
    for (var i = 0; i < p.inQuads; i++) {
      let weight = weights[w];
      let plane = i * p.pixels;
${range(PIXELS)
  .map((n) => `      y${n} += weight * vec4f(source[plane + at${n}]);`)
  .join('\n')}
      w += p.blockQuads;
    }
${range(PIXELS)
  .map((n) => `    let is${n} = select(0.0, 1.0, at + ${n} < end);`)
  .join('\n')}
    let count = ${range(PIXELS)
      .map((n) => `is${n}`)
      .join(' + ')};
    let own = (${range(PIXELS)
      .map((n) => `is${n} * y${n}`)
      .join(' + ')}) / count;
${range(PIXELS)
  .map((n) => `    let d${n} = y${n} - own;`)
  .join('\n')}
    let before = f32(at - first);
    let share = count / (before + count);
    let apart = own - mean;
    squares += ${range(PIXELS)
      .map((n) => `is${n} * d${n} * d${n}`)
      .join(' + ')};
    squares += apart * apart * (before * share);
    mean += apart * share;
  }
  let to = chunk * 2 * p.quads + quad;
  moments[to] = mean;
  moments[to + p.quads] = squares;
}`;

/**
 * A workgroup takes a group of channels. `sumOf` adds the numbers of all invocations in one order.
 *
 * affine: f32 [2: factors, numbers to add][channels]; scales, bias: f32 [channels]
 */
const STATISTICS = `
@group(0) @binding(1) var<storage, read> moments: array<f32>;
@group(0) @binding(2) var<storage, read> affine: array<f32>;
@group(0) @binding(3) var<storage, read_write> scales: array<f32>;
@group(0) @binding(4) var<storage, read_write> bias: array<f32>;
var<workgroup> sums: array<f32, ${NORM_WORKGROUP}>;
fn sumOf(own: f32, n: i32) -> f32 {
  sums[n] = own;
  workgroupBarrier();
  for (var half = ${NORM_WORKGROUP / 2}; half > 0; half >>= 1) {
    if (n < half) { sums[n] += sums[n + half]; }
    workgroupBarrier();
  }
  let sum = sums[0];
  workgroupBarrier();
  return sum;
}
fn pixelsIn(chunk: i32) -> f32 {
  return f32(min(p.chunkPixels, p.pixels - chunk * p.chunkPixels));
}
@compute @workgroup_size(${NORM_WORKGROUP})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let n = i32(local.x);
  let channels = p.channels / p.groups;
  let first = i32(group.x) * channels;
  let all = f32(p.pixels) * f32(channels);
  var own = 0.0;
  for (var i = n; i < channels * p.chunks; i += ${NORM_WORKGROUP}) {
    let chunk = i / channels;
    own += moments[chunk * 8 * p.quads + first + i % channels] * (pixelsIn(chunk) / all);
  }
  let mean = sumOf(own, n);
  own = 0.0;
  for (var i = n; i < channels * p.chunks; i += ${NORM_WORKGROUP}) {
    let chunk = i / channels;
    let at = chunk * 8 * p.quads + first + i % channels;
    let apart = moments[at] - mean;
    own += moments[at + 4 * p.quads] + pixelsIn(chunk) * apart * apart;
  }
  let variance = sumOf(own, n) / all;
  let deviation = sqrt(variance + bitcast<f32>(p.epsilon));
  for (var i = n; i < channels; i += ${NORM_WORKGROUP}) {
    let c = first + i;
    let scale = affine[c] / deviation;
    scales[c] = scale;
    bias[c] = affine[p.channels + c] - mean * scale;
  }
}`;

/** An invocation takes a matrix of packed weights, whose columns are input channels. */
const FOLD = `
@group(0) @binding(1) var<storage, read> weights: array<mat4x4f>;
@group(0) @binding(2) var<storage, read> scales: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> folded: array<mat4x4f>;
@compute @workgroup_size(${NORM_WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let at = i32(id.x);
  let quad = at / (p.inQuads * p.blockQuads) * p.blockQuads + at % p.blockQuads;
  if (quad >= p.quads) { return; }
  let w = weights[at];
  let scale = scales[quad];
  folded[at] = mat4x4f(w[0] * scale, w[1] * scale, w[2] * scale, w[3] * scale);
}`;
