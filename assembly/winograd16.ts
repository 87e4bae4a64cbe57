/*
 * The same convolutions with 16-bit products: `i32x4.dot_i16x8_s` does eight of them where `f32x4.mul` does four.
 *
 * Transformed inputs and weights are rounded to i16, their products summed in i32, sums scaled back to f32; the
 * transforms themselves are f32. Nothing can overflow, whatever the numbers:
 *
 *   - After the first half of the input's transform, down the columns, each of a tile's six rows is scaled by its largest
 *     magnitude d: the second half, along the row, gives at most bound(c) · d at column c, with the sums of magnitudes
 *     of the rows of Bᵀ, 10 10 10 6 6 10, and that is scaled to INPUT_MAX. The scale belongs to the tile and depends on
 *     nothing else. (Scaling by the largest magnitude at each point instead is 3 dB more exact and a third slower.)
 *   - The weights of one output channel at one point are scaled so that their magnitudes add up to at most WEIGHT_SUM, and
 *     none exceeds 32767: a sum of products is then at most INPUT_MAX · WEIGHT_SUM < 2³¹.
 *
 * Where a region of the input is flat, all but point (1, 1) are 0 there (the other rows of Bᵀ add up to 0), and what is
 * rounded away at this one point is the same for the whole region: it moves a latent where noise would not. So an encoder's
 * convolutions multiply point (1, 1) in f32 (`vFlat`, `uFlat`), and scale the other five points of its row by their own
 * largest magnitudes. That costs 3 % of the time; without it, latents of taesdxl were off by three 8-bit steps in places.
 *
 * Accuracy: see the numbers in README.md; a decoded picture keeps 62 dB and more against f32.
 */

import { GROUP_BYTES, multiplyPoint } from './winograd';
import { V_TILE_BYTES } from './winograd16-input';

const TILE_COUT: i32 = 8;
/** Bytes of 8 output channels' weights for two input channels. */
const TILE_BYTES: usize = 32;
/** The largest sum of magnitudes of an output channel's weights at one point: 2³¹ / 2¹⁴. */
const WEIGHT_SUM: f32 = 131072;
const I16_MAX: f32 = 32767;

/**
 * m = v · u at each point, scaled back to f32, for one group of output channels: `winogradMultiply` with i16 products in
 * pairs.
 * @param m        f32 [side²][tiles][16], a point every `mStride` bytes
 * @param v        i16 [side²][tiles][64], a point every `vStride` bytes, of 64 channels the first `cin`
 * @param scales   f32 [side²][tiles], a point every `scalesStride` bytes
 * @param u        i16 [36][2][cin / 2][8][2]: the group's part; with `upsample` the 25 points that are not skipped
 * @param uScales  f32 [36][16]: the group's part, of the same points
 * @param vFlat    f32 [tiles][64]: v at point (1, 1), used where `uFlat` is given
 * @param uFlat    f32 [2][cin][8]: the group's weights there, or 0 to use the rounded ones
 * @param tiles    filled up to a multiple of 4; what lies in tiles past the block's end does not matter, nor what
 *                 comes of it
 * @param cin      a multiple of 16
 * @param side     as in `winogradMultiply`, and `upsample`
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
  vFlat: usize,
  uFlat: usize,
  tiles: i32,
  cin: i32,
  side: i32,
  upsample: i32,
): void {
  const uTile = <usize>(cin >> 1) * TILE_BYTES;
  for (let row = 0; row < side; row++) {
    let uPoint = u;
    let uScale = uScales;
    for (let column = 0; column < side; column++) {
      if (upsample && (row == 2 || column == 2)) {
        memory.fill(m, 0, <usize>tiles * GROUP_BYTES);
      } else if (uFlat != 0 && row == 1 && column == 1) {
        multiplyPoint(m, vFlat, uFlat, tiles, cin);
        uPoint += 2 * uTile;
        uScale += GROUP_BYTES;
      } else {
        for (let half: usize = 0; half < 2; half++) {
          for (let j = 0; j < tiles; j += 4) {
            multiply4x8(
              m + <usize>j * GROUP_BYTES + half * TILE_BYTES,
              v + <usize>j * V_TILE_BYTES,
              cin,
              uPoint + half * uTile,
              scales + ((<usize>j) << 2),
              uScale + half * TILE_BYTES,
            );
          }
        }
        if (column < 5) {
          uPoint += 2 * uTile;
          uScale += GROUP_BYTES;
        }
      }
      scales += scalesStride;
      m += mStride;
      v += vStride;
    }
    if (row < 5 && !(upsample && row == 2)) {
      u = uPoint + 2 * uTile;
      uScales = uScale + GROUP_BYTES;
    }
  }
}

/** 4 tiles × 8 output channels at one point; `acc2x4567` holds tile 2, channels 4 … 7. */
function multiply4x8(
  out: usize,
  v: usize,
  cin: i32,
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
  for (const end = v + ((<usize>cin) << 1); v < end; v += 4) {
    const u0123 = v128.load(u);
    const u4567 = v128.load(u, 16);
    const v0 = v128.load32_splat(v);
    acc0x0123 = i32x4.add(acc0x0123, i32x4.dot_i16x8_s(v0, u0123));
    acc0x4567 = i32x4.add(acc0x4567, i32x4.dot_i16x8_s(v0, u4567));
    const v1 = v128.load32_splat(v, V_TILE_BYTES);
    acc1x0123 = i32x4.add(acc1x0123, i32x4.dot_i16x8_s(v1, u0123));
    acc1x4567 = i32x4.add(acc1x4567, i32x4.dot_i16x8_s(v1, u4567));
    const v2 = v128.load32_splat(v, 2 * V_TILE_BYTES);
    acc2x0123 = i32x4.add(acc2x0123, i32x4.dot_i16x8_s(v2, u0123));
    acc2x4567 = i32x4.add(acc2x4567, i32x4.dot_i16x8_s(v2, u4567));
    const v3 = v128.load32_splat(v, 3 * V_TILE_BYTES);
    acc3x0123 = i32x4.add(acc3x0123, i32x4.dot_i16x8_s(v3, u0123));
    acc3x4567 = i32x4.add(acc3x4567, i32x4.dot_i16x8_s(v3, u4567));
    u += TILE_BYTES;
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
 * @param u16      i16 [tiles][cin / 2][8][2]
 * @param uScales  f32 [tiles][8]: what a unit of u16 stands for
 * @param u        f32 [tiles][cin][8], from `winogradTransformWeights`
 * @param tiles    of 8 output channels, at each point of each group
 */
export function winogradRoundWeights(
  u16: usize,
  uScales: usize,
  u: usize,
  cin: i32,
  tiles: i32,
): void {
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
