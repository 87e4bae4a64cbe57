/*
 * The same convolutions with 16-bit products: `i32x4.dot_i16x8_s` does eight of them where `f32x4.mul` does four.
 *
 * Transformed inputs and weights are rounded to i16, their products summed in i32, sums scaled back to f32; the
 * transforms themselves are f32. Nothing can overflow, whatever the numbers:
 *
 *   - At each point a tile's numbers are scaled by their own largest magnitude to ±INPUT_MAX. The scale belongs to the
 *     tile and depends on nothing else.
 *   - The weights of one output channel at one point are scaled so that their magnitudes add up to at most WEIGHT_SUM, and
 *     none exceeds 32767: a sum of products is then at most INPUT_MAX · WEIGHT_SUM < 2³¹.
 *
 * Accuracy: see the numbers in README.md; a decoded picture keeps 62 dB and more against f32.
 */

import { transformColumns, transformTile, transformUpsampledTile } from './winograd';

const POINTS: i32 = 36;
const F32_BYTES: usize = 4;
const I16_BYTES: usize = 2;
const TILE_COUT: i32 = 8;
const GROUP_COUT: i32 = 16;
const GROUP_BYTES: usize = 64;
/** Bytes of 8 output channels' weights for two input channels. */
const TILE_BYTES: usize = 32;
const INPUT_MAX: f32 = 16383;
/** The largest sum of magnitudes of an output channel's weights at one point: 2³¹ / 2¹⁴. */
const WEIGHT_SUM: f32 = 131072;
const I16_MAX: f32 = 32767;
/** 1.5 · 2²³: added to a small number, it leaves that number, rounded to nearest even, in the low bits. */
const ROUNDER: f32 = 12582912;

/**
 * v = Bᵀ d B, scaled and rounded, for a block of tiles: `winogradTransformInput` with other output.
 * @param v        i16 [36][tiles][cin], a point every `vStride` bytes
 * @param scales   f32 [36][tiles], a point every `scalesStride` bytes: what a unit of v stands for
 * @param scratch  f32 [6][columns][cin], a row every `scratchStride` bytes
 * @param tile     f32 [6][cin]
 */
export function winogradTransformInput16(
  v: usize,
  vStride: usize,
  scales: usize,
  scalesStride: usize,
  rows: usize,
  offset: usize,
  scratch: usize,
  scratchStride: usize,
  tile: usize,
  tiles: i32,
  cin: i32,
  upsample: i32,
): void {
  const pixelBytes = <usize>cin * F32_BYTES;
  transformColumns(scratch, scratchStride, rows, offset, tiles, pixelBytes, upsample);
  const step = (upsample ? 2 : 4) * pixelBytes;
  for (let r: usize = 0; r < 6; r++) {
    if (upsample && r == 2) continue;
    let source = scratch + r * scratchStride;
    let point = v + r * 6 * vStride;
    let scale = scales + r * 6 * scalesStride;
    for (let j = 0; j < tiles; j++) {
      if (upsample) transformUpsampledTile(tile, pixelBytes, source, pixelBytes);
      else transformTile(tile, pixelBytes, source, pixelBytes);
      for (let c: usize = 0; c < 6; c++) {
        if (upsample && c == 2) continue;
        roundChannels(
          point + c * vStride,
          scale + c * scalesStride,
          tile + c * pixelBytes,
          pixelBytes,
        );
      }
      source += step;
      point += <usize>cin * I16_BYTES;
      scale += F32_BYTES;
    }
  }
}

/** The channels of one tile at one point: scaled by their largest magnitude, rounded to nearest, held to i16. */
function roundChannels(out: usize, scale: usize, channels: usize, bytes: usize): void {
  let most4 = f32x4.splat(0);
  let other4 = f32x4.splat(0);
  for (let lane: usize = 0; lane < bytes; lane += 32) {
    most4 = f32x4.pmax(f32x4.abs(v128.load(channels + lane)), most4);
    other4 = f32x4.pmax(f32x4.abs(v128.load(channels + lane, 16)), other4);
  }
  most4 = f32x4.pmax(most4, other4);
  most4 = f32x4.pmax(most4, v128.shuffle<i32>(most4, most4, 2, 3, 0, 1));
  most4 = f32x4.pmax(most4, v128.shuffle<i32>(most4, most4, 1, 0, 3, 2));
  const most = f32x4.extract_lane(most4, 0);
  store<f32>(scale, most / INPUT_MAX);
  const factor = f32x4.splat(most > 0 ? INPUT_MAX / most : 0);
  const rounder = f32x4.splat(ROUNDER);
  for (let lane: usize = 0; lane < bytes; lane += 32) {
    const first = f32x4.add(f32x4.mul(v128.load(channels + lane), factor), rounder);
    const second = f32x4.add(f32x4.mul(v128.load(channels + lane, 16), factor), rounder);
    const rounded = i16x8.narrow_i32x4_s(i32x4.sub(first, rounder), i32x4.sub(second, rounder));
    v128.store(out + (lane >> 1), rounded);
  }
}

/**
 * m = v · u at each point, scaled back to f32, for one group of output channels: `winogradMultiply` with i16 products in
 * pairs.
 * @param m        f32 [36][tiles][16], a point every `mStride` bytes
 * @param v        i16 [36][tiles][cin], a point every `vStride` bytes
 * @param scales   f32 [36][tiles], a point every `scalesStride` bytes
 * @param u        i16 [36][2][cin / 2][8][2]: the group's part
 * @param uScales  f32 [36][16]: the group's part
 * @param tiles    filled up to a multiple of 4; what lies in tiles past the block's end does not matter, nor what
 *                 comes of it
 * @param cin      a multiple of 16
 */
export function winogradMultiply16(
  m: usize,
  mStride: usize,
  v: usize,
  vStride: usize,
  scales: usize,
  scalesStride: usize,
  u: usize,
  uScales: usize,
  tiles: i32,
  cin: i32,
  upsample: i32,
): void {
  const vTile = <usize>cin * I16_BYTES;
  const uTile = <usize>(cin >> 1) * TILE_BYTES;
  for (let p = 0; p < POINTS; p++) {
    if (upsample && (p / 6 == 2 || p % 6 == 2)) {
      memory.fill(m, 0, <usize>tiles * GROUP_BYTES);
    } else {
      for (let half: usize = 0; half < 2; half++) {
        for (let j = 0; j < tiles; j += 4) {
          multiply4x8(
            m + <usize>j * GROUP_BYTES + half * TILE_BYTES,
            v + <usize>j * vTile,
            vTile,
            u + half * uTile,
            scales + ((<usize>j) << 2),
            uScales + half * TILE_BYTES,
          );
        }
      }
    }
    u += 2 * uTile;
    uScales += GROUP_BYTES;
    scales += scalesStride;
    m += mStride;
    v += vStride;
  }
}

/** 4 tiles × 8 output channels at one point; `acc2x4567` holds tile 2, channels 4 … 7. */
function multiply4x8(
  out: usize,
  tile0: usize,
  tileBytes: usize,
  u: usize,
  scales: usize,
  uScales: usize,
): void {
  let acc0x0123 = i32x4.splat(0);
  let acc0x4567 = i32x4.splat(0);
  let acc1x0123 = i32x4.splat(0);
  let acc1x4567 = i32x4.splat(0);
  let acc2x0123 = i32x4.splat(0);
  let acc2x4567 = i32x4.splat(0);
  let acc3x0123 = i32x4.splat(0);
  let acc3x4567 = i32x4.splat(0);
  let tile1 = tile0 + tileBytes;
  let tile2 = tile1 + tileBytes;
  let tile3 = tile2 + tileBytes;
  for (const end = tile1; tile0 < end; tile0 += 4) {
    const u0123 = v128.load(u);
    const u4567 = v128.load(u, 16);
    const v0 = v128.load32_splat(tile0);
    acc0x0123 = i32x4.add(acc0x0123, i32x4.dot_i16x8_s(v0, u0123));
    acc0x4567 = i32x4.add(acc0x4567, i32x4.dot_i16x8_s(v0, u4567));
    const v1 = v128.load32_splat(tile1);
    acc1x0123 = i32x4.add(acc1x0123, i32x4.dot_i16x8_s(v1, u0123));
    acc1x4567 = i32x4.add(acc1x4567, i32x4.dot_i16x8_s(v1, u4567));
    const v2 = v128.load32_splat(tile2);
    acc2x0123 = i32x4.add(acc2x0123, i32x4.dot_i16x8_s(v2, u0123));
    acc2x4567 = i32x4.add(acc2x4567, i32x4.dot_i16x8_s(v2, u4567));
    const v3 = v128.load32_splat(tile3);
    acc3x0123 = i32x4.add(acc3x0123, i32x4.dot_i16x8_s(v3, u0123));
    acc3x4567 = i32x4.add(acc3x4567, i32x4.dot_i16x8_s(v3, u4567));
    u += TILE_BYTES;
    tile1 += 4;
    tile2 += 4;
    tile3 += 4;
  }
  storeScaled(out, acc0x0123, acc0x4567, v128.load32_splat(scales), uScales);
  out += GROUP_BYTES;
  storeScaled(out, acc1x0123, acc1x4567, v128.load32_splat(scales, 4), uScales);
  out += GROUP_BYTES;
  storeScaled(out, acc2x0123, acc2x4567, v128.load32_splat(scales, 8), uScales);
  out += GROUP_BYTES;
  storeScaled(out, acc3x0123, acc3x4567, v128.load32_splat(scales, 12), uScales);
}

function storeScaled(out: usize, acc0123: v128, acc4567: v128, scale: v128, uScales: usize): void {
  const scale0123 = f32x4.mul(scale, v128.load(uScales));
  const scale4567 = f32x4.mul(scale, v128.load(uScales, 16));
  v128.store(out, f32x4.mul(f32x4.convert_i32x4_s(acc0123), scale0123));
  v128.store(out, f32x4.mul(f32x4.convert_i32x4_s(acc4567), scale4567), 16);
}

/**
 * Rounds transformed weights; done once, at load.
 * @param u16      i16 [cout / 16][36][2][cin / 2][8][2]
 * @param uScales  f32 [cout / 16][36][16]: what a unit of u16 stands for
 * @param u        f32 [cout / 16][36][2][cin][8], from `winogradTransformWeights`
 */
export function winogradRoundWeights(
  u16: usize,
  uScales: usize,
  u: usize,
  cin: i32,
  cout: i32,
): void {
  // Tile after tile of 8 output channels, at each point of each group.
  const tiles = (cout / GROUP_COUT) * POINTS * (GROUP_COUT / TILE_COUT);
  for (let tile = 0; tile < tiles; tile++) {
    for (let o: usize = 0; o < <usize>TILE_COUT; o++) {
      const column = u + (o << 2);
      let sum: f32 = 0;
      let most: f32 = 0;
      for (let i = 0; i < cin; i++) {
        const magnitude = abs(load<f32>(column + <usize>i * TILE_BYTES));
        sum += magnitude;
        most = max(most, magnitude);
      }
      // Half a unit for each rounding keeps the sum of the rounded ones below the limit.
      const unit = max(sum / (WEIGHT_SUM - <f32>(cin >> 1) - 1), most / I16_MAX);
      store<f32>(uScales + (o << 2), unit);
      for (let i = 0; i < cin; i++) {
        const value = load<f32>(column + <usize>i * TILE_BYTES);
        const rounded: f32 = unit > 0 ? nearest(value / unit) : 0;
        store<i16>(
          u16 + <usize>(i >> 1) * TILE_BYTES + (o << 2) + ((<usize>(i & 1)) << 1),
          <i16>rounded,
        );
      }
    }
    uScales += TILE_BYTES;
    u += <usize>cin * TILE_BYTES;
    u16 += <usize>(cin >> 1) * TILE_BYTES;
  }
}
