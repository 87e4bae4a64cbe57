/*
 * Sums over the pixels of a row, in float64: the channels themselves, and the products of all pairs
 * of channels. The mean and the covariance of a map follow from them (backend/fold-pool.ts). A map
 * is summed row by row from the top, so its sums depend on nothing but the map.
 *
 * A block of 4×4 pairs has 8 accumulators of 2 lanes, which stay in registers for the whole row:
 *
 *                 j … j+3 (2 vectors)
 *     i     ×   ┌─────────┐
 *     …         │ 16 sums │   for each pixel: 4 numbers spread, 2 vectors loaded, 16 products
 *     i+3       └─────────┘
 *
 * Blocks right of the diagonal are left out.
 */

import { F32_BYTES } from '../src/backend/wasm/layout';

/** Bytes of a number in float64. */
const F64_BYTES: usize = 8;

/**
 * sums[c] += Σ(x) row[x][c]
 * @param sums      f64 [channels], 16-byte aligned
 * @param row       f32 [width][channels], 16-byte aligned
 * @param channels  a multiple of 4
 * Accuracy: |Δ| ≤ n·2⁻⁵³·Σ|row| for n numbers summed so far.
 * Source: torch.nn.GroupNorm.
 */
export function sumChannels(sums: usize, row: usize, width: i32, channels: i32): void {
  for (let x = 0; x < width; x++) {
    for (let c: usize = 0; c < <usize>channels; c += 4) {
      const at = sums + c * F64_BYTES;
      const numbers = v128.load(row);
      v128.store(at, f64x2.add(v128.load(at), lower(numbers)));
      v128.store(at, f64x2.add(v128.load(at, 16), upper(numbers)), 16);
      row += 16;
    }
  }
}

/**
 * sums[i][j] += Σ(x) (row[x][i] − means[i]) · (row[x][j] − means[j]), for j < 4·⌊i/4⌋ + 4
 * @param sums      f64 [channels][channels], 16-byte aligned
 * @param row       f32 [width][channels], 16-byte aligned
 * @param means     f64 [channels], 16-byte aligned
 * @param centred   f64 [width][channels], which is written; 16-byte aligned
 * @param channels  a multiple of 4
 * Accuracy: |Δ| ≤ n·2⁻⁵³·Σ|products| for n products summed so far.
 * Source: torch.nn.GroupNorm.
 */
export function sumProducts(
  sums: usize,
  row: usize,
  means: usize,
  centred: usize,
  width: i32,
  channels: i32,
): void {
  const pixelBytes = <usize>channels * F64_BYTES;
  const end = centred + <usize>width * pixelBytes;
  for (let pixel = centred; pixel < end; pixel += pixelBytes) {
    for (let c: usize = 0; c < pixelBytes; c += 4 * F64_BYTES) {
      const numbers = v128.load(row);
      v128.store(pixel + c, f64x2.sub(lower(numbers), v128.load(means + c)));
      v128.store(pixel + c, f64x2.sub(upper(numbers), v128.load(means + c, 16)), 16);
      row += 4 * F32_BYTES;
    }
  }
  for (let i: usize = 0; i < pixelBytes; i += 4 * F64_BYTES) {
    const rows = sums + (i / F64_BYTES) * pixelBytes;
    for (let j: usize = 0; j <= i; j += 4 * F64_BYTES) {
      sumBlock(rows + j, pixelBytes, centred + i, centred + j, end + i);
    }
  }
}

/** Adds the sums of 4×4 pairs. `out` is the address of the first, `stride` from row to row. */
function sumBlock(out: usize, stride: usize, left: usize, right: usize, end: usize): void {
  const row1 = out + stride;
  const row2 = row1 + stride;
  const row3 = row2 + stride;
  let s00 = v128.load(out);
  let s01 = v128.load(out, 16);
  let s10 = v128.load(row1);
  let s11 = v128.load(row1, 16);
  let s20 = v128.load(row2);
  let s21 = v128.load(row2, 16);
  let s30 = v128.load(row3);
  let s31 = v128.load(row3, 16);
  for (; left < end; left += stride, right += stride) {
    const low = v128.load(right);
    const high = v128.load(right, 16);
    let one = v128.load_splat<f64>(left);
    s00 = f64x2.add(s00, f64x2.mul(one, low));
    s01 = f64x2.add(s01, f64x2.mul(one, high));
    one = v128.load_splat<f64>(left, 8);
    s10 = f64x2.add(s10, f64x2.mul(one, low));
    s11 = f64x2.add(s11, f64x2.mul(one, high));
    one = v128.load_splat<f64>(left, 16);
    s20 = f64x2.add(s20, f64x2.mul(one, low));
    s21 = f64x2.add(s21, f64x2.mul(one, high));
    one = v128.load_splat<f64>(left, 24);
    s30 = f64x2.add(s30, f64x2.mul(one, low));
    s31 = f64x2.add(s31, f64x2.mul(one, high));
  }
  v128.store(out, s00);
  v128.store(out, s01, 16);
  v128.store(row1, s10);
  v128.store(row1, s11, 16);
  v128.store(row2, s20);
  v128.store(row2, s21, 16);
  v128.store(row3, s30);
  v128.store(row3, s31, 16);
}

/** The first two of four numbers, in float64. */
function lower(numbers: v128): v128 {
  return v128.promote_low<f32>(numbers);
}

/** The last two of four numbers, in float64. */
function upper(numbers: v128): v128 {
  return v128.promote_low<f32>(v128.shuffle<i64>(numbers, numbers, 1, 0));
}
