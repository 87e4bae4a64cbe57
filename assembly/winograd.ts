/*
 * 3×3 convolutions by Winograd's method, channels last: the steps, their buffers, and the product.
 *
 *     Y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ d B) ] A
 *
 * An output tile of 6×6 pixels comes from the 8×8 input pixels d around it. Both are transformed to
 * 64 points; at each point the channels meet in one matrix product, [tiles][cin] × [cin][cout].
 * That is 64 multiplications for 36 outputs instead of 324. Each kind of tile has a file with its
 * matrices and its transforms:
 *
 *     file                  tile  points        products for each output
 *     winograd6x6.ts        6×6   8 × 8   64    1.78; upsampled 49 points, 1.36
 *     winograd4x4.ts        4×4   6 × 6   36    2.25; upsampled 25 points, 1.56
 *     winograd-stride2.ts   4×4   9 × 9   81    5.06
 *
 * A direct convolution has 9 products for each output. Tiles of 6×6 are for large maps: a map of
 * 64×64 has 11 rows of 11 of them, and a third of the last ones lies past its edge.
 *
 * Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, section 4.2,
 * https://arxiv.org/abs/1509.09308
 *
 * A block of tiles, side by side in one row of tiles, is transformed once and then multiplied for
 * 16 output channels at a time. The products of a group stay in the first-level cache, everything
 * else in the second. Point p = side · row + column, with a side of 6, 8 or 9 points:
 *
 *     rows ──transformInput──▶ v [side²][chunks][tiles][64]
 *                                      │        for each group of 16 output channels:
 *                                      └──multiply──▶ m [side²][tiles][16] ─transformOutput─▶ rows
 *                                             ▲
 *                              u [cout / 16][points][2][cin][8]
 *
 * Input channels are transformed and laid in v in chunks of 64, so that tiles lie a constant
 * distance apart whatever their number. The sums of a chunk are added to those in m.
 *
 * The weights of a wide convolution are up to 9 MB as u. They are kept as they are and transformed
 * group by group for each block (winogradTransformGroup). Its blocks have up to 32 tiles, of
 * several rows of tiles where those are short: each row of tiles has a job of its own, whose v and
 * m begin at its first tile. Measured on a Zen 4, G multiply-adds/s as if direct, 64→64 on 128×128
 * beside 128→128 on 64×64 and 256→256 on 32×32: 62, 63 and 65 in f32; 88, 106 and 111 with 16-bit
 * products.
 *
 * The distance from one point's part of v or m to the next (JOB_V_STRIDE, JOB_M_STRIDE) is the
 * caller's choice and must not be a multiple of 4 KB: with a power of two all its parts fall into
 * one set of the first-level cache, and transforming takes four times as long.
 *
 * In taesd.relaxed.wasm a product and its addition are one instruction. With it, a decode of
 * 512×512 takes 0.89 × the time of f32 (Zen 4, Node 26), an encode 0.88 ×. With the instruction in
 * conv.ts too it was 0.91 × and 0.88 ×, so conv.ts does without.
 *
 * Accuracy: see each transform, and the numbers in README.md. A decoded picture stays within
 * 6·10⁻⁵ of PyTorch.
 */

import {
  JOB_CIN,
  JOB_M,
  JOB_M_STRIDE,
  JOB_SIDE,
  JOB_TILE,
  JOB_UPSAMPLE,
  JOB_V,
  JOB_V_CHUNK,
  JOB_V_STRIDE,
  JOB_WEIGHTS,
  JOB_WEIGHTS_STRIDE,
} from '../src/backend/wasm/job-layout';
import {
  CHUNK,
  F32_BYTES,
  GROUP_BYTES,
  PTR_BYTES,
  SIDE,
  STRIDE2_SIDE,
  TILE_COUT_BYTES,
  V_TILE_BYTES,
} from '../src/backend/wasm/layout';

/** The address of row `r` in a table of addresses. */
export function rowAt(rows: usize, r: usize): usize {
  return load<usize>(rows + r * PTR_BYTES);
}

/** The different weights along an axis. With stride 2, the last four points share theirs. */
export function weightSide(side: i32): i32 {
  return side == STRIDE2_SIDE ? SIDE : side;
}

/**
 * m = v · u at each point, for one group of output channels: 4 tiles × 8 channels in 8
 * accumulators, as in conv.ts and for its reasons.
 * @param job    reads JOB_CIN, a multiple of 16;
 *               JOB_V, f32 [side²][chunks][tiles][64], a point every JOB_V_STRIDE bytes, a chunk of
 *               it every JOB_V_CHUNK; of the last chunk's 64 channels, those of cin are read;
 *               JOB_WEIGHTS, f32 [cout / 16][points][2][cin][8], a point every JOB_WEIGHTS_STRIDE
 *               bytes; with JOB_UPSAMPLE the 25 or 49 points that are not skipped;
 *               JOB_M, f32 [side²][tiles][16], a point every JOB_M_STRIDE bytes, which is written;
 *               JOB_TILE, f32 [4][16], scratch, if there are several chunks;
 *               JOB_SIDE, 6 or 8, or 9 with stride 2, where all points from the sixth on share
 *               their weights;
 *               JOB_UPSAMPLE, 1: points of row or column 2 are not multiplied but set to 0
 * @param group  the output channels, 16·group and the 15 after it
 * @param tiles  in the block, filled up to a multiple of 2 or 4. The numbers in tiles past the
 *               block's end do not matter, nor do their products
 * Units: pointers are byte addresses, 16-byte aligned; sizes are elements, strides bytes.
 * Errors: none here; backend/wasm checks shapes once.
 * Accuracy: |Δ| ≤ 2·cin·2⁻²⁴·Σ|v·u| against float64.
 */
export function winogradMultiply(job: usize, group: i32, tiles: i32): void {
  let m = load<usize>(job, JOB_M);
  const mStride = load<usize>(job, JOB_M_STRIDE);
  let v = load<usize>(job, JOB_V);
  const vStride = load<usize>(job, JOB_V_STRIDE);
  const vChunk = load<usize>(job, JOB_V_CHUNK);
  const scratch = load<usize>(job, JOB_TILE);
  const cin = load<i32>(job, JOB_CIN);
  const side = load<i32>(job, JOB_SIDE);
  const upsample = load<i32>(job, JOB_UPSAMPLE);
  const uStride = load<usize>(job, JOB_WEIGHTS_STRIDE);
  const last = weightSide(side) - 1;
  const weighed = upsample ? last : last + 1;
  const groupPoints = <usize>(group * weighed * weighed);
  let u = load<usize>(job, JOB_WEIGHTS) + groupPoints * uStride;
  for (let row = 0; row < side; row++) {
    let uPoint = u;
    for (let column = 0; column < side; column++) {
      if (upsample && (row == 2 || column == 2)) {
        memory.fill(m, 0, <usize>tiles * GROUP_BYTES);
      } else {
        multiplyPoint(m, v, vChunk, uPoint, tiles, cin, scratch);
        if (column < last) uPoint += uStride;
      }
      m += mStride;
      v += vStride;
    }
    if (row < last && !(upsample && row == 2)) u = uPoint + uStride;
  }
}

/** m = v · u at one point, with the operands of `winogradMultiply`. */
export function multiplyPoint(
  m: usize,
  v: usize,
  vChunk: usize,
  u: usize,
  tiles: i32,
  cin: i32,
  scratch: usize,
): void {
  const rest = restOf(tiles, cin);
  tiles -= rest;
  for (let half: usize = 0; half < 2; half++) {
    const uHalf = u + half * <usize>cin * TILE_COUT_BYTES;
    let chunk = v;
    for (let first = 0; first < cin; first += CHUNK, chunk += vChunk) {
      const channels = min(cin - first, CHUNK);
      const uChunk = uHalf + <usize>first * TILE_COUT_BYTES;
      for (let j = 0; j < tiles; j += 4) {
        const out = m + <usize>j * GROUP_BYTES + half * TILE_COUT_BYTES;
        const vTiles = chunk + <usize>j * V_TILE_BYTES;
        multiply4x8(first == 0 ? out : scratch, vTiles, channels, uChunk);
        if (first > 0) add4x8(out, scratch);
      }
    }
  }
  if (rest > 0) {
    multiply2x16(m + <usize>tiles * GROUP_BYTES, v + <usize>tiles * V_TILE_BYTES, cin, u);
  }
}

/**
 * Adds a later chunk's sums, which are in a scratch, to those at `out`. As part of `multiply4x8` it
 * would cost taesd 2 % of its time in f32 and 10 % with 16-bit products, of one chunk each.
 */
export function add4x8(out: usize, sums: usize): void {
  for (const end = out + 4 * GROUP_BYTES; out < end; out += GROUP_BYTES, sums += GROUP_BYTES) {
    v128.store(out, f32x4.add(v128.load(out), v128.load(sums)));
    v128.store(out, f32x4.add(v128.load(out, 16), v128.load(sums, 16)), 16);
  }
}

/**
 * acc + a · b in each lane. `relaxed_madd` rounds once or twice, as the processor has it. The
 * condition is a constant of the compiler, so each module contains one of the two ways.
 */
function multiplyAdd(acc: v128, a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, acc);
  return f32x4.add(acc, f32x4.mul(a, b));
}

/**
 * The tiles at a block's end that `multiply2x16` takes: one or two behind a multiple of four. There
 * are none for several chunks, whose sums it does not add.
 */
export function restOf(tiles: i32, cin: i32): i32 {
  const rest = tiles & 3;
  return cin <= CHUNK && rest < 3 ? rest : 0;
}

/**
 * 2 tiles × 16 output channels at one point, for the last one or two tiles of a block: 512 pixels
 * are 86 tiles of 6.
 */
function multiply2x16(out: usize, v: usize, channels: i32, u: usize): void {
  let acc0x0123 = f32x4.splat(0);
  let acc0x4567 = f32x4.splat(0);
  let acc0x89AB = f32x4.splat(0);
  let acc0xCDEF = f32x4.splat(0);
  let acc1x0123 = f32x4.splat(0);
  let acc1x4567 = f32x4.splat(0);
  let acc1x89AB = f32x4.splat(0);
  let acc1xCDEF = f32x4.splat(0);
  const half = <usize>channels * TILE_COUT_BYTES;
  for (const end = v + <usize>channels * F32_BYTES; v < end; v += F32_BYTES) {
    const v0 = v128.load32_splat(v);
    const v1 = v128.load32_splat(v, V_TILE_BYTES);
    const u0123 = v128.load(u);
    acc0x0123 = multiplyAdd(acc0x0123, v0, u0123);
    acc1x0123 = multiplyAdd(acc1x0123, v1, u0123);
    const u4567 = v128.load(u, 16);
    acc0x4567 = multiplyAdd(acc0x4567, v0, u4567);
    acc1x4567 = multiplyAdd(acc1x4567, v1, u4567);
    const u89AB = v128.load(u + half);
    acc0x89AB = multiplyAdd(acc0x89AB, v0, u89AB);
    acc1x89AB = multiplyAdd(acc1x89AB, v1, u89AB);
    const uCDEF = v128.load(u + half, 16);
    acc0xCDEF = multiplyAdd(acc0xCDEF, v0, uCDEF);
    acc1xCDEF = multiplyAdd(acc1xCDEF, v1, uCDEF);
    u += TILE_COUT_BYTES;
  }
  v128.store(out, acc0x0123);
  v128.store(out, acc0x4567, 16);
  v128.store(out, acc0x89AB, 32);
  v128.store(out, acc0xCDEF, 48);
  v128.store(out, acc1x0123, 64);
  v128.store(out, acc1x4567, 80);
  v128.store(out, acc1x89AB, 96);
  v128.store(out, acc1xCDEF, 112);
}

/** 4 tiles × 8 output channels at one point; `acc2x4567` holds tile 2, channels 4 … 7. */
function multiply4x8(out: usize, v: usize, channels: i32, u: usize): void {
  let acc0x0123 = f32x4.splat(0);
  let acc0x4567 = f32x4.splat(0);
  let acc1x0123 = f32x4.splat(0);
  let acc1x4567 = f32x4.splat(0);
  let acc2x0123 = f32x4.splat(0);
  let acc2x4567 = f32x4.splat(0);
  let acc3x0123 = f32x4.splat(0);
  let acc3x4567 = f32x4.splat(0);
  for (const end = v + <usize>channels * F32_BYTES; v < end; v += F32_BYTES) {
    const u0123 = v128.load(u);
    const u4567 = v128.load(u, 16);
    const v0 = v128.load32_splat(v);
    acc0x0123 = multiplyAdd(acc0x0123, v0, u0123);
    acc0x4567 = multiplyAdd(acc0x4567, v0, u4567);
    const v1 = v128.load32_splat(v, V_TILE_BYTES);
    acc1x0123 = multiplyAdd(acc1x0123, v1, u0123);
    acc1x4567 = multiplyAdd(acc1x4567, v1, u4567);
    const v2 = v128.load32_splat(v, 2 * V_TILE_BYTES);
    acc2x0123 = multiplyAdd(acc2x0123, v2, u0123);
    acc2x4567 = multiplyAdd(acc2x4567, v2, u4567);
    const v3 = v128.load32_splat(v, 3 * V_TILE_BYTES);
    acc3x0123 = multiplyAdd(acc3x0123, v3, u0123);
    acc3x4567 = multiplyAdd(acc3x4567, v3, u4567);
    u += TILE_COUT_BYTES;
  }
  v128.store(out, acc0x0123);
  v128.store(out, acc0x4567, 16);
  v128.store(out, acc1x0123, 64);
  v128.store(out, acc1x4567, 80);
  v128.store(out, acc2x0123, 128);
  v128.store(out, acc2x4567, 144);
  v128.store(out, acc3x0123, 192);
  v128.store(out, acc3x4567, 208);
}
