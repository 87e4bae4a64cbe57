/*
 * The convolutions of winograd.ts with 16-bit products: `i32x4.dot_i16x8_s` does eight of them
 * where `f32x4.mul` does four.
 *
 * Transformed inputs and weights are rounded to i16, their products summed in i32, the sums scaled
 * back to f32. The transforms themselves are f32. Nothing can overflow, whatever the numbers are:
 *
 *   - A sum has the products of one chunk of 64 channels. The sums of chunks are scaled back and
 *     then added in f32, so each chunk has scales of its own, of inputs and of weights. (One scale
 *     for all 256 channels would leave two bits less to each weight.)
 *   - Each point of a tile's transformed input is scaled by the largest magnitude at it, to
 *     INPUT_MAX. The scale belongs to the tile and depends on nothing else. (With the maximum that
 *     a row of Bᵀ allows as the scale, the transform takes up to a fifth less time, and a decode
 *     loses 3 to 5 dB.)
 *   - The weights of one output channel at one point are scaled so that their magnitudes add up to
 *     at most WEIGHT_SUM, and none exceeds 32767. A sum of products is then at most
 *     INPUT_MAX · WEIGHT_SUM < 2³¹.
 *
 * In a flat region of the input, all points but (1, 1) are 0 (the other rows of Bᵀ add up to 0).
 * The error of rounding at this one point is equal over the whole region: it moves a latent, which
 * noise would not. An encoder's convolutions therefore multiply point (1, 1) in f32 (JOB_V_FLAT,
 * JOB_WEIGHTS_FLAT). Without it, latents of taesdxl were off by three 8-bit steps in places.
 *
 * Accuracy: see the numbers in README.md; a decoded picture keeps 62 dB and more against f32, with
 * nano 55 dB and more.
 */

import {
  JOB_CIN,
  JOB_M,
  JOB_M_STRIDE,
  JOB_SCALES,
  JOB_SCALES_CHUNK,
  JOB_SCALES_STRIDE,
  JOB_SIDE,
  JOB_TILE,
  JOB_UPSAMPLE,
  JOB_V,
  JOB_V_CHUNK,
  JOB_V_FLAT,
  JOB_V_STRIDE,
  JOB_WEIGHT_SCALES,
  JOB_WEIGHTS,
  JOB_WEIGHTS_FLAT,
} from '../src/backend/wasm/job-layout';
import {
  CHUNK,
  F32_BYTES,
  GROUP_BYTES,
  TILE_COUT,
  TILE_COUT_BYTES,
  V16_TILE_BYTES,
} from '../src/backend/wasm/layout';
import { add4x8, multiplyPoint, restOf, weightSide } from './winograd';

/** Bytes of 8 output channels' weights for two input channels. */
const PAIR_BYTES: usize = 32;
/** The largest sum of magnitudes of an output channel's weights at one point: 2³¹ / 2¹⁴. */
const WEIGHT_SUM: f32 = 131072;
const I16_MAX: f32 = 32767;

/**
 * m = v · u at each point, scaled back to f32, for one group of output channels: `winogradMultiply`
 * with i16 products in pairs.
 * @param job    reads JOB_CIN, a multiple of 16;
 *               JOB_V, i16 [side²][chunks][tiles][64], a point every JOB_V_STRIDE bytes, a chunk of
 *               it every JOB_V_CHUNK; of the last chunk's 64 channels, those of cin are read;
 *               JOB_SCALES, f32 [side²][chunks][tiles], a point every JOB_SCALES_STRIDE bytes, a
 *               chunk of it every JOB_SCALES_CHUNK;
 *               JOB_WEIGHTS, i16 [cout / 16][points][2][cin / 2][8][2]; with JOB_UPSAMPLE those
 *               that are not skipped; JOB_WEIGHT_SCALES, f32 [cout / 16][points][2][chunks][8], of
 *               the points of JOB_WEIGHTS;
 *               JOB_WEIGHTS_FLAT, f32 [cout / 16][2][cin][8]: weights at point (1, 1), or 0 to use
 *               the rounded ones; JOB_V_FLAT, f32 [chunks][tiles][64], a chunk every
 *               2 · JOB_V_CHUNK bytes: v at point (1, 1), read with JOB_WEIGHTS_FLAT alone;
 *               JOB_M, f32 [side²][tiles][16], a point every JOB_M_STRIDE bytes, which is written;
 *               JOB_TILE, f32 [4][16], scratch, if there are several chunks;
 *               JOB_SIDE and JOB_UPSAMPLE as `winogradMultiply`
 * @param group  the output channels, 16·group and the 15 after it
 * @param tiles  in the block, filled up to a multiple of 4. The numbers in tiles past the block's
 *               end do not matter, nor do their products
 * Units: pointers are byte addresses, 16-byte aligned; sizes are elements, strides bytes.
 * Errors: none here; backend/wasm checks shapes once.
 * Accuracy: a chunk's sum of products is exact; two roundings for the scales, one for the product
 * with them, one for adding it to those of the chunks before it.
 */
export function winogradMultiply16(job: usize, group: i32, tiles: i32): void {
  let m = load<usize>(job, JOB_M);
  const mStride = load<usize>(job, JOB_M_STRIDE);
  let v = load<usize>(job, JOB_V);
  const vStride = load<usize>(job, JOB_V_STRIDE);
  const vChunk = load<usize>(job, JOB_V_CHUNK);
  let scales = load<usize>(job, JOB_SCALES);
  const scalesStride = load<usize>(job, JOB_SCALES_STRIDE);
  const scalesChunk = load<usize>(job, JOB_SCALES_CHUNK);
  const vFlat = load<usize>(job, JOB_V_FLAT);
  let uFlat = load<usize>(job, JOB_WEIGHTS_FLAT);
  const scratch = load<usize>(job, JOB_TILE);
  const cin = load<i32>(job, JOB_CIN);
  const side = load<i32>(job, JOB_SIDE);
  const upsample = load<i32>(job, JOB_UPSAMPLE);
  if (uFlat != 0) uFlat += <usize>(group * cin) * GROUP_BYTES;
  const uTile = <usize>(cin >> 1) * PAIR_BYTES;
  const last = weightSide(side) - 1;
  const weighed = upsample ? last : last + 1;
  const groupPoints = <usize>(group * weighed * weighed);
  let u = load<usize>(job, JOB_WEIGHTS) + groupPoints * 2 * uTile;
  /** Bytes of the scales of 8 output channels. */
  const uTileScales = <usize>((cin + CHUNK - 1) / CHUNK) * TILE_COUT_BYTES;
  let uScales = load<usize>(job, JOB_WEIGHT_SCALES) + groupPoints * 2 * uTileScales;
  for (let row = 0; row < side; row++) {
    let uPoint = u;
    let uScale = uScales;
    for (let column = 0; column < side; column++) {
      if (upsample && (row == 2 || column == 2)) {
        memory.fill(m, 0, <usize>tiles * GROUP_BYTES);
      } else if (uFlat != 0 && row == 1 && column == 1) {
        // In f32, a chunk takes twice the bytes.
        multiplyPoint(m, vFlat, 2 * vChunk, uFlat, tiles, cin, scratch);
        uPoint += 2 * uTile;
        uScale += 2 * uTileScales;
      } else {
        const rest = restOf(tiles, cin);
        const whole = tiles - rest;
        for (let half: usize = 0; half < 2; half++) {
          let vTiles = v;
          let vScale = scales;
          let uChunk = uPoint + half * uTile;
          let uChunkScale = uScale + half * uTileScales;
          for (let first = 0; first < cin; first += CHUNK) {
            const channels = min(cin - first, CHUNK);
            for (let j = 0; j < whole; j += 4) {
              const out = m + <usize>j * GROUP_BYTES + half * TILE_COUT_BYTES;
              multiply4x8(
                first == 0 ? out : scratch,
                vTiles + <usize>j * V16_TILE_BYTES,
                channels,
                uChunk,
                vScale + <usize>j * F32_BYTES,
                uChunkScale,
              );
              if (first > 0) add4x8(out, scratch);
            }
            vTiles += vChunk;
            vScale += scalesChunk;
            uChunk += <usize>(channels >> 1) * PAIR_BYTES;
            uChunkScale += TILE_COUT_BYTES;
          }
        }
        if (rest > 0) {
          multiply2x16(
            m + <usize>whole * GROUP_BYTES,
            v + <usize>whole * V16_TILE_BYTES,
            cin,
            uPoint,
            scales + <usize>whole * F32_BYTES,
            uScale,
          );
        }
        if (column < last) {
          uPoint += 2 * uTile;
          uScale += 2 * uTileScales;
        }
      }
      scales += scalesStride;
      m += mStride;
      v += vStride;
    }
    if (row < last && !(upsample && row == 2)) {
      u = uPoint + 2 * uTile;
      uScales = uScale + 2 * uTileScales;
    }
  }
}

/** 2 tiles × 16 output channels at one point, for a block's end as in winograd.ts. */
function multiply2x16(
  out: usize,
  v: usize,
  cin: i32,
  u: usize,
  scales: usize,
  uScales: usize,
): void {
  let acc0x0123 = i32x4.splat(0);
  let acc0x4567 = i32x4.splat(0);
  let acc0x89AB = i32x4.splat(0);
  let acc0xCDEF = i32x4.splat(0);
  let acc1x0123 = i32x4.splat(0);
  let acc1x4567 = i32x4.splat(0);
  let acc1x89AB = i32x4.splat(0);
  let acc1xCDEF = i32x4.splat(0);
  const half = <usize>(cin >> 1) * PAIR_BYTES;
  for (const end = v + ((<usize>cin) << 1); v < end; v += 4) {
    const v0 = v128.load32_splat(v);
    const v1 = v128.load32_splat(v, V16_TILE_BYTES);
    const u0123 = v128.load(u);
    acc0x0123 = i32x4.add(acc0x0123, i32x4.dot_i16x8_s(v0, u0123));
    acc1x0123 = i32x4.add(acc1x0123, i32x4.dot_i16x8_s(v1, u0123));
    const u4567 = v128.load(u, 16);
    acc0x4567 = i32x4.add(acc0x4567, i32x4.dot_i16x8_s(v0, u4567));
    acc1x4567 = i32x4.add(acc1x4567, i32x4.dot_i16x8_s(v1, u4567));
    const u89AB = v128.load(u + half);
    acc0x89AB = i32x4.add(acc0x89AB, i32x4.dot_i16x8_s(v0, u89AB));
    acc1x89AB = i32x4.add(acc1x89AB, i32x4.dot_i16x8_s(v1, u89AB));
    const uCDEF = v128.load(u + half, 16);
    acc0xCDEF = i32x4.add(acc0xCDEF, i32x4.dot_i16x8_s(v0, uCDEF));
    acc1xCDEF = i32x4.add(acc1xCDEF, i32x4.dot_i16x8_s(v1, uCDEF));
    u += PAIR_BYTES;
  }
  for (let tile = 0; tile < 2; tile++) {
    const scale = v128.load32_splat(scales);
    storeScaled(out, acc0x0123, acc0x4567, scale, uScales);
    storeScaled(out + TILE_COUT_BYTES, acc0x89AB, acc0xCDEF, scale, uScales + TILE_COUT_BYTES);
    acc0x0123 = acc1x0123;
    acc0x4567 = acc1x4567;
    acc0x89AB = acc1x89AB;
    acc0xCDEF = acc1xCDEF;
    out += GROUP_BYTES;
    scales += F32_BYTES;
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
    const v1 = v128.load32_splat(v, V16_TILE_BYTES);
    acc1x0123 = i32x4.add(acc1x0123, i32x4.dot_i16x8_s(v1, u0123));
    acc1x4567 = i32x4.add(acc1x4567, i32x4.dot_i16x8_s(v1, u4567));
    const v2 = v128.load32_splat(v, 2 * V16_TILE_BYTES);
    acc2x0123 = i32x4.add(acc2x0123, i32x4.dot_i16x8_s(v2, u0123));
    acc2x4567 = i32x4.add(acc2x4567, i32x4.dot_i16x8_s(v2, u4567));
    const v3 = v128.load32_splat(v, 3 * V16_TILE_BYTES);
    acc3x0123 = i32x4.add(acc3x0123, i32x4.dot_i16x8_s(v3, u0123));
    acc3x4567 = i32x4.add(acc3x4567, i32x4.dot_i16x8_s(v3, u4567));
    u += PAIR_BYTES;
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
 * Rounds transformed weights to nearest, once, at load:
 *   u16 = u / unit, with unit = max(Σ|u| / (WEIGHT_SUM − channels / 2 − 1), max|u| / 32767)
 * over the weights of an output channel at a point, in each chunk of up to 64 channels.
 * @param u16      i16 [tiles][cin / 2][8][2]
 * @param uScales  f32 [tiles][chunks][8]: what a unit of u16 stands for
 * @param u        f32 [tiles][cin][8], from `winogradTransformWeights`
 * @param cin      even
 * @param tiles    tiles of 8 output channels, at each point of each group
 * Units: pointers are byte addresses, 4-byte aligned; sizes are elements.
 * Errors: none here; backend/wasm checks shapes once. A sum that is not finite gives a unit that is
 * not finite.
 * Accuracy: |Δ| ≤ half a unit and a rounding of the quotient.
 */
export function winogradRoundWeights(
  u16: usize,
  uScales: usize,
  u: usize,
  cin: i32,
  tiles: i32,
): void {
  for (let tile = 0; tile < tiles; tile++) {
    for (let first = 0; first < cin; first += CHUNK) {
      const channels = min(cin - first, CHUNK);
      for (let o: usize = 0; o < <usize>TILE_COUT; o++) {
        const column = u + o * F32_BYTES;
        let sum: f32 = 0;
        let largest: f32 = 0;
        for (let i = 0; i < channels; i++) {
          const magnitude = abs(load<f32>(column + <usize>i * TILE_COUT_BYTES));
          sum += magnitude;
          largest = max(largest, magnitude);
        }
        // Half a unit for each rounding keeps the sum of the rounded ones below the limit.
        const unit = max(sum / (WEIGHT_SUM - <f32>(channels >> 1) - 1), largest / I16_MAX);
        store<f32>(uScales + o * F32_BYTES, unit);
        for (let i = 0; i < channels; i++) {
          const value = load<f32>(column + <usize>i * TILE_COUT_BYTES);
          const rounded: f32 = unit > 0 ? nearest(value / unit) : 0;
          store<i16>(
            u16 + <usize>(i >> 1) * PAIR_BYTES + o * F32_BYTES + ((<usize>(i & 1)) << 1),
            <i16>rounded,
          );
        }
      }
      uScales += TILE_COUT_BYTES;
      u += <usize>channels * TILE_COUT_BYTES;
      u16 += <usize>(channels >> 1) * PAIR_BYTES;
    }
  }
}
