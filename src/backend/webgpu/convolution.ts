/*
 * The shader of convolutions without Winograd's tiles, and what it shares with those that have
 * them.
 */

/** How the numbers of a map are stored. Sums are f32 in either case. */
export type Stored = 'f32' | 'f16';

/**
 * The properties that a shader is compiled for. All others are read from its parameters, so few
 * shaders serve all convolutions.
 */
export interface ConvolutionVariant {
  readonly kernel: 1 | 3;
  readonly stride: 1 | 2;
  /** Quads of output channels an invocation makes. */
  readonly quads: 1 | 2;
  readonly input: Stored;
  /** The type of the added map; any type if there is none. */
  readonly added: Stored;
  readonly output: Stored;
}

/**
 * Rows an invocation makes. With 2 quads these are 32 sums: it loads 12 numbers for them, not 64.
 */
export const ROWS = 4;
/** Invocations of a workgroup: columns, times blocks of `ROWS` rows above each other. */
export const WORKGROUP = { columns: 16, blocks: 4 };

/** The parameters, i32 each, in this order. */
export const CONVOLUTION_PARAMETERS = [
  // The map that is read; the size is that of its upsampling, if it is upsampled.
  'inHeight',
  'inWidth',
  'inShift', // 1 if it is upsampled: coordinates are halved
  'inFirst', // the first stored row
  'inRowLength', // stored columns
  'inPlaneLength', // stored columns · rows
  'inQuads',
  // The rows of its own output that the convolution makes.
  'first',
  'end',
  'width',
  'quads',
  // The map they are written to, and the rows of it that are kept.
  'shuffle',
  'keptFirst',
  'keptEnd',
  'outFirst',
  'outRows',
  'outRowLength',
  'outQuads',
  'relu',
  'add', // 1 if there is a map to add, of the output's shape
  'addFirst',
  'addPlaneLength',
  // The tiles made at a time, for Winograd's convolutions alone (winograd.ts).
  'tileColumns',
  'firstTileRow',
  'tiles',
] as const;

/** Returns the first line of a shader of these types. */
export const enable = (...types: readonly Stored[]): string =>
  types.includes('f16') ? 'enable f16;' : '';

/** WGSL of the struct of parameters. */
export const parametersStruct = (): string =>
  `struct Parameters { ${CONVOLUTION_PARAMETERS.map((name) => `${name}: i32`).join(', ')} }`;

/** WGSL that reads the map `source`. */
export const READING = `
// The index at which a row begins in its plane; below zero outside the map.
fn rowAt(y: i32) -> i32 {
  return select(-1, ((y >> u32(p.inShift)) - p.inFirst) * p.inRowLength, y >= 0 && y < p.inHeight);
}
fn columnAt(x: i32) -> i32 {
  return select(-1, x >> u32(p.inShift), x >= 0 && x < p.inWidth);
}
fn load(row: i32, column: i32, plane: i32) -> vec4f {
  if (row < 0 || column < 0) { return vec4f(); }
  return vec4f(source[plane + row + column]);
}`;

/** WGSL that makes sums a map: it reads the map `added` and writes `made`. */
const writing = (output: Stored): string => `
fn store(sum: vec4f, quad: i32, y: i32, x: i32) {
  if (y >= p.end || x >= p.width || quad >= p.quads) { return; }
  let phase = quad / p.outQuads;
  let plane = quad % p.outQuads;
  let row = y * p.shuffle + phase / p.shuffle;
  let column = x * p.shuffle + phase % p.shuffle;
  if (row < p.keptFirst || row >= p.keptEnd) { return; }
  var value = sum;
  if (p.add != 0) {
    value += vec4f(added[plane * p.addPlaneLength + (row - p.addFirst) * p.outRowLength + column]);
  }
  if (p.relu != 0) { value = max(value, vec4f()); }
  made[(plane * p.outRows + row - p.outFirst) * p.outRowLength + column] = vec4<${output}>(value);
}`;

/**
 * 3×3 (zero padding 1) or 1×1 convolution, stride 1 or 2, with what follows it.
 *   sum[o][y][x] = bias[o] + Σ(ky,kx,i) input[i][s·y + ky − 1][s·x + kx − 1] · weight[o][i][ky][kx]
 *   out[o][y][x] = relu(sum[o][y][x] + added[o][y][x])
 * If the input is upsampled, it is read at halved coordinates. If the output is shuffled, channel
 * (f·i + j)·C + c is written to pixel (f·y + i, f·x + j) of channel c; the weights are packed in
 * that order.
 *
 * Maps are planes of four channels, vec4 [⌈channels / 4⌉][rows][width]. Invocations side by side in
 * a workgroup make pixels side by side in a row, and so load neighbours in memory. Weights are f32
 * in either precision: all invocations of a workgroup load one set of them, so their size matters
 * little.
 *
 * An invocation makes 4 rows × 4 or 8 channels of a column. For a quad of input channels and a
 * column of the kernel it loads 6 quads and 12 or 24 quads of weights, for 192 or 384
 * multiply-adds. It uses no workgroup memory: caches serve as well, and on software adapters each
 * barrier makes every invocation stop and resume.
 *
 * Errors: none here; bands.ts checks limits.
 * Accuracy: |Δ| ≤ 2·9·cin·2⁻²⁴·(|bias| + Σ|input · weight|) against float64, and 2⁻¹¹·|out| more if
 * the output is stored as f16.
 * Source: taesd.py `conv`.
 */
export function convolutionShader(variant: ConvolutionVariant): string {
  const { kernel, stride, quads, input, added, output } = variant;
  const radius = (kernel - 1) / 2;
  const inRows = range((ROWS - 1) * stride + kernel);
  const sums = range(ROWS).flatMap((row) => range(quads).map((quad) => ({ row, quad })));
  const weights = kernel * kernel * quads;
  return `${enable(input, added, output)}
${parametersStruct()}
@group(0) @binding(0) var<uniform> p: Parameters;
@group(0) @binding(1) var<storage, read> source: array<vec4<${input}>>;
@group(0) @binding(2) var<storage, read> weights: array<mat4x4f>;
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
@group(0) @binding(4) var<storage, read> added: array<vec4<${added}>>;
@group(0) @binding(5) var<storage, read_write> made: array<vec4<${output}>>;
${READING}
${writing(output)}
@compute @workgroup_size(${WORKGROUP.columns}, ${WORKGROUP.blocks})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let block = i32(group.x);
  let x = i32(group.y * ${WORKGROUP.columns} + local.x);
  let y = p.first + i32(group.z * ${WORKGROUP.blocks} + local.y) * ${ROWS};
  if (x >= p.width || y >= p.end) { return; }
${inRows.map((r) => `  let row${r} = rowAt(y * ${stride} + ${r - radius});`).join('\n')}
${sums.map(({ row, quad }) => `  var s${row}${quad} = bias[block * ${quads} + ${quad}];`).join('\n')}
  var w = block * p.inQuads * ${weights};
  var plane = 0;
  for (var i = 0; i < p.inQuads; i++) {
    for (var kx = 0; kx < ${kernel}; kx++) {
      let column = columnAt(x * ${stride} + kx - ${radius});
${inRows.map((r) => `      let v${r} = load(row${r}, column, plane);`).join('\n')}
${range(kernel)
  .map((ky) => multiplyAdds(ky, stride, quads))
  .join('\n')}
      w += ${weights / kernel};
    }
    plane += p.inPlaneLength;
  }
${sums.map(({ row, quad }) => `  store(s${row}${quad}, block * ${quads} + ${quad}, y + ${row}, x);`).join('\n')}
}`;
}

/** WGSL for one row of the kernel's column: 4 input channels × `ROWS` rows × the quads. */
function multiplyAdds(ky: number, stride: number, quads: number): string {
  const lines: string[] = [];
  for (const quad of range(quads)) {
    const matrix = `w${ky}${quad}`;
    lines.push(`let ${matrix} = weights[w + ${ky * quads + quad}];`);
    for (const channel of range(4)) {
      for (const row of range(ROWS)) {
        const value = `v${row * stride + ky}.${'xyzw'[channel]}`;
        lines.push(`s${row}${quad} = fma(${matrix}[${channel}], vec4f(${value}), s${row}${quad});`);
      }
    }
  }
  return lines.map((line) => `      ${line}`).join('\n');
}

export const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
