import type { Stored } from './convolution.ts';

/*
 * Layers that no convolution takes over: numbers changed one by one, and numbers moved.
 */

/** The parameters, i32 each, in this order. */
export const REMAP_PARAMETERS = [
  'operation',
  'factor',
  // The map that is read: its size, its first stored row, its stored columns · rows.
  'inHeight',
  'inWidth',
  'inFirst',
  'inPlaneLength',
  'inChannels',
  // The map that is made, and the rows of it.
  'first',
  'rows',
  'width',
  'channels',
  'magnitude', // the bits of an f32
  // The place of those rows in the buffer, and all rows of it.
  'madeFirst',
  'madeRows',
] as const;

/** The values of `operation`, by their place in the list. */
export const OPERATIONS = [
  'relu',
  'clamp',
  'upsample2x',
  'pixelShuffle',
  'pixelUnshuffle',
  'import',
] as const;

/** `const RELU = 0; const CLAMP = 1; … const PIXEL_SHUFFLE = 3; …` */
function operationConstants(): string {
  const constants = OPERATIONS.map((name, value) => {
    const constant = name.replace(/[A-Z]/g, '_$&').toUpperCase();
    return `const ${constant} = ${value};`;
  });
  return constants.join(' ');
}

/** Columns, each an invocation, of a workgroup. */
export const REMAP_WORKGROUP = 64;

/**
 *   relu            out[c][y][x] = max(in[c][y][x], 0)
 *   clamp           out[c][y][x] = tanh(in[c][y][x] / m) · m
 *   upsample2x      out[c][y][x] = in[c][⌊y / f⌋][⌊x / f⌋], f = 2
 *   pixelShuffle    out[c][y][x] = in[c·f² + (y mod f)·f + x mod f][⌊y / f⌋][⌊x / f⌋]
 *   pixelUnshuffle  out[c·f² + i·f + j][y][x] = in[c][f·y + i][f·x + j], 0 outside
 *   import          out[c][y][x] = in[c][y][x], of a tensor f32 [C, H, W]: planes of one channel
 *
 * Maps are as in convolution.ts. An invocation makes one quad. Channels past the last are 0.
 * The argument of tanh is kept within ±15, where tanh is ±1 in f32: some drivers compute it from
 * exponentials, which overflow beyond.
 * Accuracy: clamp may be off by about 2⁻¹⁸, as WGSL allows. All others are exact.
 */
export function remapShader(input: Stored, output: Stored): string {
  const f16 = [input, output].includes('f16') ? 'enable f16;' : '';
  return `${f16}
${operationConstants()}
struct Parameters { ${REMAP_PARAMETERS.map((name) => `${name}: i32`).join(', ')} }
@group(0) @binding(0) var<uniform> p: Parameters;
@group(0) @binding(1) var<storage, read> source: array<${input}>;
@group(0) @binding(2) var<storage, read_write> made: array<vec4<${output}>>;

fn placeOf(c: i32, y: i32, x: i32) -> i32 {
  let pixel = (y - p.inFirst) * p.inWidth + x;
  if (p.operation == IMPORT) { return c * p.inPlaneLength + pixel; }
  return ((c / 4) * p.inPlaneLength + pixel) * 4 + c % 4;
}
fn valueOf(c: i32, y: i32, x: i32) -> f32 {
  if (c >= p.channels) { return 0.0; }
  let f = p.factor;
  var origin = vec3i(c, y, x);
  if (p.operation == UPSAMPLE2X) { origin = vec3i(c, y / f, x / f); }
  if (p.operation == PIXEL_SHUFFLE) { origin = vec3i((c * f + y % f) * f + x % f, y / f, x / f); }
  if (p.operation == PIXEL_UNSHUFFLE) {
    let phase = c % (f * f);
    origin = vec3i(c / (f * f), y * f + phase / f, x * f + phase % f);
    if (origin.y >= p.inHeight || origin.z >= p.inWidth) { return 0.0; }
  }
  let place = placeOf(origin.x, origin.y, origin.z);
  let value = f32(source[place]);
  if (p.operation == RELU) { return max(value, 0.0); }
  if (p.operation == CLAMP) {
    let magnitude = bitcast<f32>(p.magnitude);
    return tanh(clamp(value / magnitude, -15.0, 15.0)) * magnitude;
  }
  return value;
}

@compute @workgroup_size(${REMAP_WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let x = i32(id.x);
  let row = i32(id.y);
  let quad = i32(id.z);
  if (x >= p.width || row >= p.rows) { return; }
  let y = p.first + row;
  let c = 4 * quad;
  made[(quad * p.madeRows + p.madeFirst + row) * p.width + x] = vec4<${output}>(
    vec4f(valueOf(c, y, x), valueOf(c + 1, y, x), valueOf(c + 2, y, x), valueOf(c + 3, y, x)));
}`;
}
