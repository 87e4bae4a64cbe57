import { TILE } from '../tile.ts';
import { enable, parametersStruct, READING, range, type Stored } from './convolution.ts';

/*
 * 3×3 convolutions with stride 1 as Winograd F(4×4, 3×3): 36 multiplications instead of 144.
 *
 *     Y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ d B) ] A
 *
 * The matrices are those of assembly/winograd4x4.ts. An output tile of 4×4 comes from the 6×6
 * numbers d around it. These and the kernel w are transformed to 36 points, and at each point the
 * channels meet in a matrix product of their own. Three dispatches:
 *
 *     source ──transform──▶ v [36][quads in][tiles] ──multiply──▶ m [36][quads out][tiles]
 *            ──transform back──▶ made
 *
 * They run for a few rows of tiles at a time, so that v and m stay in the caches of a GPU and do
 * not grow with the picture (tuning.ts). v and m are f32 in both precisions. On the CPU, v and m
 * of 12 bits gave pictures of 58 dB, and f16 has 11 bits.
 *
 * Tiles lie on a grid that begins at the picture's corner, so no value depends on the band it is
 * made in.
 * Accuracy: a 64→64 convolution of numbers near 1 stays within 2·10⁻⁵ of float64.
 * Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015,
 * https://arxiv.org/abs/1509.09308
 */

/** Rows and columns of the input around a tile. */
const SIDE = 6;
export const POINTS = SIDE ** 2;
/**
 * Points of an upsampled input. Its rows and columns 1 and 2 are equal, and so are 3 and 4, which
 * makes the points of row and column 2 zero.
 */
export const UPSAMPLED_POINTS = 25;
/** Invocations of a workgroup: as many as the widest GPUs run in lockstep. */
export const WINOGRAD_WORKGROUP = 64;
/** Tiles an invocation of the product makes, of two quads each. */
export const PRODUCT_TILES = 4;

/** The three dispatches, in order. */
export const WINOGRAD_PARTS = ['transform', 'multiply', 'transformBack'] as const;
export type WinogradPart = (typeof WINOGRAD_PARTS)[number];

export function winogradShader(part: WinogradPart, types: WinogradTypes): string {
  if (part === 'transform') return transform(types.input);
  return part === 'multiply' ? multiply() : transformBack(types);
}

export interface WinogradTypes {
  readonly input: Stored;
  readonly added: Stored;
  readonly output: Stored;
}

/** Names of the 36 numbers of a tile, or of its points: `d00` … `d55`. */
const names = (letter: string, rows: number, columns: number) =>
  range(rows).map((y) => range(columns).map((x) => `${letter}${y}${x}`));

/** Bᵀ of six numbers. */
function forward(to: readonly string[], [a, b, c, d, e, f]: readonly string[]): string {
  return `
  let ${to[0]} = 4.0 * ${a} - 5.0 * ${c} + ${e};
  let ${to[1]} = (${d} + ${e}) - 4.0 * (${b} + ${c});
  let ${to[2]} = (${e} - ${d}) + 4.0 * (${b} - ${c});
  let ${to[3]} = (${e} - ${c}) + 2.0 * (${d} - ${b});
  let ${to[4]} = (${e} - ${c}) - 2.0 * (${d} - ${b});
  let ${to[5]} = 4.0 * ${b} - 5.0 * ${d} + ${f};`;
}

/** Aᵀ of six numbers. */
function backward(to: readonly string[], [a, b, c, d, e, f]: readonly string[]): string {
  const [plus, minus, plus2, minus2] = ['p', 'q', 'r', 's'].map((name) => `${name}${to[0]}`);
  return `
  let ${plus} = ${b} + ${c}; let ${minus} = ${b} - ${c};
  let ${plus2} = ${d} + ${e}; let ${minus2} = ${d} - ${e};
  let ${to[0]} = ${a} + ${plus} + ${plus2};
  let ${to[1]} = ${minus} + 2.0 * ${minus2};
  let ${to[2]} = ${plus} + 4.0 * ${plus2};
  let ${to[3]} = ${minus} + 8.0 * ${minus2} + ${f};`;
}

const column = (table: readonly (readonly string[])[], x: number) => table.map((row) => row[x]);

/** v = Bᵀ d B: an invocation transforms a quad of channels of a tile. */
function transform(input: Stored): string {
  const [d, t, v] = ['d', 't', 'v'].map((letter) => names(letter, SIDE, SIDE));
  return `${enable(input)}
${parametersStruct()}
@group(0) @binding(0) var<uniform> p: Parameters;
@group(0) @binding(1) var<storage, read> source: array<vec4<${input}>>;
@group(0) @binding(2) var<storage, read_write> points: array<vec4f>;
${READING}
@compute @workgroup_size(${WINOGRAD_WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let tile = i32(id.x);
  let quad = i32(id.y);
  if (tile >= p.tiles) { return; }
  let y = (p.firstTileRow + tile / p.tileColumns) * ${TILE} - 1;
  let x = (tile % p.tileColumns) * ${TILE} - 1;
  let plane = quad * p.inPlaneLength;
${range(SIDE)
  .map((n) => `  let row${n} = rowAt(y + ${n}); let column${n} = columnAt(x + ${n});`)
  .join('\n')}
${d.map((row, r) => row.map((name, c) => `  let ${name} = load(row${r}, column${c}, plane);`).join('\n')).join('\n')}
${range(SIDE)
  .map((x) => forward(column(t, x), column(d, x)))
  .join('')}
${range(SIDE)
  .map((y) => forward(v[y], t[y]))
  .join('')}
  let at = quad * p.tiles + tile;
  let stride = p.inQuads * p.tiles;
${v.flatMap((row, r) => row.map((name, c) => `  points[at + ${r * SIDE + c} * stride] = ${name};`)).join('\n')}
}`;
}

/**
 * m = u v at each point. An invocation makes `PRODUCT_TILES` tiles × 8 channels of one point. Its
 * tiles are as far apart as there are invocations, so that neighbours load neighbours. Weights:
 * mat4x4 [points][blocks][quads in][2], a column for each input channel.
 */
const multiply = (): string => `
${parametersStruct()}
@group(0) @binding(0) var<uniform> p: Parameters;
@group(0) @binding(1) var<storage, read> points: array<vec4f>;
@group(0) @binding(2) var<storage, read> weights: array<mat4x4f>;
@group(0) @binding(3) var<storage, read_write> products: array<vec4f>;
@compute @workgroup_size(${WINOGRAD_WORKGROUP})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let block = i32(group.x);
  var point = i32(group.z);
  if (p.inShift != 0) {
    // Row and column 2 are 0 and were left out.
    let row = point / ${SIDE - 1};
    let column = point % ${SIDE - 1};
    point = (row + select(0, 1, row > 1)) * ${SIDE} + column + select(0, 1, column > 1);
  }
  let tile = i32(group.y * ${WINOGRAD_WORKGROUP} + local.x);
  let apart = (p.tiles + ${PRODUCT_TILES - 1}) / ${PRODUCT_TILES};
  if (tile >= apart) { return; }
  let last = p.tiles - 1;
${range(PRODUCT_TILES)
  .map((n) => `  let tile${n} = min(tile + ${n} * apart, last);`)
  .join('\n')}
${range(PRODUCT_TILES)
  .map((n) => `  var s${n}0 = vec4f(); var s${n}1 = vec4f();`)
  .join('\n')}
  var w = (point * ((p.quads + 1) / 2) + block) * p.inQuads * 2;
  var at = point * p.inQuads * p.tiles;
  for (var i = 0; i < p.inQuads; i++) {
    let w0 = weights[w];
    let w1 = weights[w + 1];
${range(PRODUCT_TILES)
  .map(
    (n) => `    let v${n} = points[at + tile${n}];
${[0, 1]
  .flatMap((quad) =>
    range(4).map(
      (c) => `    s${n}${quad} = fma(w${quad}[${c}], vec4f(v${n}.${'xyzw'[c]}), s${n}${quad});`,
    ),
  )
  .join('\n')}`,
  )
  .join('\n')}
    w += 2;
    at += p.tiles;
  }
  let to = (point * p.quads + 2 * block) * p.tiles;
  let both = 2 * block + 1 < p.quads;
${range(PRODUCT_TILES)
  .map(
    (n) => `  if (tile + ${n} * apart <= last) {
    products[to + tile${n}] = s${n}0;
    if (both) { products[to + p.tiles + tile${n}] = s${n}1; }
  }`,
  )
  .join('\n')}
}`;

/**
 * out = Aᵀ m A + bias, then skip connection and ReLU: an invocation makes a quad of channels of a
 * tile.
 */
function transformBack({ added, output }: WinogradTypes): string {
  const m = names('m', SIDE, SIDE);
  const t = names('t', TILE, SIDE);
  const y = names('y', TILE, TILE);
  const load = (name: string, r: number, c: number) => {
    const value = `products[at + ${r * SIDE + c} * stride]`;
    // If the input is upsampled, these points were not multiplied.
    if (r !== 2 && c !== 2) return `  let ${name} = ${value};`;
    return `  var ${name} = vec4f(); if (p.inShift == 0) { ${name} = ${value}; }`;
  };
  return `${enable(added, output)}
${parametersStruct()}
@group(0) @binding(0) var<uniform> p: Parameters;
@group(0) @binding(1) var<storage, read> products: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read> added: array<vec4<${added}>>;
@group(0) @binding(4) var<storage, read_write> made: array<vec4<${output}>>;
// As store() in convolution.ts, for a row of a tile: indices common to its numbers are computed
// once.
fn storeRow(sums: mat4x4f, quad: i32, y: i32, x: i32) {
  let phase = quad / p.outQuads;
  let plane = quad % p.outQuads;
  let row = y * p.shuffle + phase / p.shuffle;
  if (y >= p.end || row < p.keptFirst || row >= p.keptEnd) { return; }
  let first = x * p.shuffle + phase % p.shuffle;
  let addAt = plane * p.addPlaneLength + (row - p.addFirst) * p.outRowLength + first;
  let to = (plane * p.outRows + row - p.outFirst) * p.outRowLength + first;
${range(TILE)
  .map(
    (n) => `  if (x + ${n} < p.width) {
    var value = sums[${n}];
    if (p.add != 0) { value += vec4f(added[addAt + ${n} * p.shuffle]); }
    if (p.relu != 0) { value = max(value, vec4f()); }
    made[to + ${n} * p.shuffle] = vec4<${output}>(value);
  }`,
  )
  .join('\n')}
}
@compute @workgroup_size(${WINOGRAD_WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let tile = i32(id.x);
  let quad = i32(id.y);
  if (tile >= p.tiles) { return; }
  let at = quad * p.tiles + tile;
  let stride = p.quads * p.tiles;
${m.map((row, r) => row.map((name, c) => load(name, r, c)).join('\n')).join('\n')}
${range(SIDE)
  .map((x) => backward(column(t, x), column(m, x)))
  .join('')}
${range(TILE)
  .map((r) => backward(y[r], t[r]))
  .join('')}
  let row = (p.firstTileRow + tile / p.tileColumns) * ${TILE};
  let column = (tile % p.tileColumns) * ${TILE};
  let b = bias[quad];
${y.map((row, r) => `  storeRow(mat4x4f(${row.map((name) => `${name} + b`).join(', ')}), quad, row + ${r}, column);`).join('\n')}
}`;
}

/**
 * u = G w Gᵀ.
 *
 * @param u        [36], row by row
 * @param weights  a kernel's 9 numbers from number `at` on
 * @param columns  [3][6]: scratch
 */
export function transformWeights(
  u: Float64Array,
  weights: Float32Array,
  at: number,
  columns: Float64Array,
): void {
  // Written out, without allocations: a decoder has 150,000 kernels.
  for (let x = 0; x < 3; x++) {
    transform3(columns, x * SIDE, weights[at + x], weights[at + 3 + x], weights[at + 6 + x]);
  }
  for (let y = 0; y < SIDE; y++) {
    transform3(u, y * SIDE, columns[y], columns[SIDE + y], columns[2 * SIDE + y]);
  }
}

/** G of three numbers. */
function transform3(to: Float64Array, at: number, a: number, b: number, c: number): void {
  to[at] = a / 4;
  to[at + 1] = -(a + b + c) / 6;
  to[at + 2] = -(a - b + c) / 6;
  to[at + 3] = (a + 2 * b + 4 * c) / 24;
  to[at + 4] = (a - 2 * b + 4 * c) / 24;
  to[at + 5] = c;
}
