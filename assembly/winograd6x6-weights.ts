/*
 * The transform of the weights of F(6×6, 3×3), u = G w Gᵀ, with G from winograd6x6.ts.
 */

import {
  F32_BYTES,
  GROUP,
  LARGE_SIDE,
  TILE_COUT,
  TILE_COUT_BYTES,
} from '../src/backend/wasm/layout';

/** Bytes of a row in the scratch: 3 vectors of two f64. */
const SCRATCH_ROW: usize = 48;

/**
 * u = G w Gᵀ for all channels, in the order in which `winogradMultiply` reads it. Called once, at
 * load. It works in f64, on two output channels at a time, and rounds at the end: f32 would keep
 * too little of numbers such as 32/45 and 1/360. Points may lie a power of two apart, and stores to
 * all of them in turn would meet in one set of the first-level cache. So eight output channels of
 * all points go through a block of scratch first.
 * @param u        f32 [cout / 16][64][2][cin][8]
 * @param weights  f32 [cout][cin][3][3]
 * @param scratch  f64 [8][3][2], f64 [8][2], and behind them f32 [64][8]
 * @param cin      any number
 * @param cout     a multiple of 16
 * Units: pointers are byte addresses, 16-byte aligned; sizes are elements.
 * Errors: none here; backend/wasm checks shapes once.
 * Accuracy: |Δ| ≤ 2⁻²⁴·|u| against float64, and 2⁻⁵⁰·|G||w||Gᵀ|.
 */
export function winograd6TransformWeights(
  u: usize,
  weights: usize,
  scratch: usize,
  cin: i32,
  cout: i32,
): void {
  const filterBytes: usize = 9 * F32_BYTES;
  const channelBytes = <usize>cin * filterBytes;
  const pointBytes = <usize>(cin * GROUP) * F32_BYTES;
  const block = scratch + <usize>LARGE_SIDE * (SCRATCH_ROW + 16);
  const blockEnd = block + LARGE_SIDE * LARGE_SIDE * TILE_COUT_BYTES;
  for (let o = 0; o < cout; o += TILE_COUT) {
    const group = u + <usize>((o / GROUP) * LARGE_SIDE * LARGE_SIDE) * pointBytes;
    let out = group + <usize>((o % GROUP) * cin) * F32_BYTES;
    for (let i = 0; i < cin; i++) {
      let filter = weights + <usize>o * channelBytes + <usize>i * filterBytes;
      for (let at = block; at < block + TILE_COUT_BYTES; at += 2 * F32_BYTES) {
        transformTwo(at, filter, channelBytes, scratch);
        filter += 2 * channelBytes;
      }
      let point = out;
      for (let at = block; at < blockEnd; at += TILE_COUT_BYTES) {
        v128.store(point, v128.load(at));
        v128.store(point, v128.load(at, 16), 16);
        point += pointBytes;
      }
      out += TILE_COUT_BYTES;
    }
  }
}

/**
 * Transforms the filters of two output channels and one input channel to 64 points.
 * @param out           in the block, f32 [64][8]: two of the eight are written
 * @param filter        f32 [3][3] of the first output channel, the other's `channelBytes` behind it
 * @param scratch       f64 [8][3][2], and behind it f64 [8][2]
 */
function transformTwo(out: usize, filter: usize, channelBytes: usize, scratch: usize): void {
  for (let column: usize = 0; column < 3; column++) {
    const w = filter + column * F32_BYTES;
    transform3(
      scratch + column * 16,
      SCRATCH_ROW,
      two(w, channelBytes),
      two(w + 3 * F32_BYTES, channelBytes),
      two(w + 6 * F32_BYTES, channelBytes),
    );
  }
  const points = scratch + <usize>LARGE_SIDE * SCRATCH_ROW;
  for (let from = scratch; from < points; from += SCRATCH_ROW) {
    transform3(points, 16, v128.load(from), v128.load(from, 16), v128.load(from, 32));
    for (let at = points; at < points + <usize>LARGE_SIDE * 16; at += 16, out += TILE_COUT_BYTES) {
      v128.store64_lane(out, f32x4.demote_f64x2_zero(v128.load(at)), 0);
    }
  }
}

/** One weight of each of two output channels, as f64. */
function two(weight: usize, channelBytes: usize): v128 {
  const first = v128.load32_zero(weight);
  return f64x2.promote_low_f32x4(v128.load32_lane(weight + channelBytes, first, 1));
}

/** G w for three numbers in each of two lanes, stored every `stride` bytes. */
function transform3(out: usize, stride: usize, w0: v128, w1: v128, w2: v128): void {
  v128.store(out, w0);
  out += stride;
  const outer1 = f64x2.mul(f64x2.add(w0, w2), f64x2.splat(-2.0 / 9.0));
  const middle1 = f64x2.mul(w1, f64x2.splat(-2.0 / 9.0));
  v128.store(out, f64x2.add(outer1, middle1));
  out += stride;
  v128.store(out, f64x2.sub(outer1, middle1));
  out += stride;
  const outer2 = weigh(w0, w2, 1.0 / 360.0, 1.0 / 90.0);
  const middle2 = f64x2.mul(w1, f64x2.splat(1.0 / 180.0));
  v128.store(out, f64x2.add(outer2, middle2));
  out += stride;
  v128.store(out, f64x2.sub(outer2, middle2));
  out += stride;
  const outer3 = weigh(w0, w2, 32.0 / 45.0, 8.0 / 45.0);
  const middle3 = f64x2.mul(w1, f64x2.splat(16.0 / 45.0));
  v128.store(out, f64x2.add(outer3, middle3));
  out += stride;
  v128.store(out, f64x2.sub(outer3, middle3));
  out += stride;
  v128.store(out, w2);
}

/** p · a + q · b. */
function weigh(a: v128, b: v128, p: f64, q: f64): v128 {
  return f64x2.add(f64x2.mul(a, f64x2.splat(p)), f64x2.mul(b, f64x2.splat(q)));
}
