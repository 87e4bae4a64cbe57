/*
 * Winograd's transform of the weights, u = G w Gᵀ, with G from winograd4x4.ts or
 * winograd-stride2.ts.
 */

import {
  F32_BYTES,
  GROUP,
  GROUP_BYTES,
  SIDE,
  TILE_COUT,
  TILE_COUT_BYTES,
  WEIGHT_POINTS,
} from '../src/backend/wasm/layout';

/**
 * u = G w Gᵀ for all channels, in the order in which `winogradMultiply` reads it. It is called
 * once, at load. It works on four output channels at a time, which lie side by side in u (7 ms for
 * a decoder instead of 24 one by one, of 80 to a first picture).
 * @param u        f32 [cout / 16][36][2][cin][8]
 * @param weights  f32 [cout][cin][3][3]
 * @param scratch  f32 [6][3][4]
 * @param cin      any number
 * @param cout     a multiple of 16
 * @param stride   1 or 2
 * Units: pointers are byte addresses, 16-byte aligned; sizes are elements.
 * Errors: none here; backend/wasm checks shapes once.
 * Accuracy: |Δ| ≤ 8·2⁻²⁴·|G||w||Gᵀ| against float64.
 */
export function winogradTransformWeights(
  u: usize,
  weights: usize,
  scratch: usize,
  cin: i32,
  cout: i32,
  stride: i32,
): void {
  const filterBytes: usize = 9 * F32_BYTES;
  const channelBytes = <usize>cin * filterBytes;
  const pointBytes = <usize>(cin * GROUP) * F32_BYTES;
  for (let o = 0; o < cout; o += 4) {
    const group = u + <usize>((o / GROUP) * WEIGHT_POINTS) * pointBytes;
    const tile = (o % GROUP) / TILE_COUT;
    let out = group + <usize>(tile * cin * TILE_COUT + (o % TILE_COUT)) * F32_BYTES;
    let filter = weights + <usize>o * channelBytes;
    for (let i = 0; i < cin; i++) {
      for (let column: usize = 0; column < 3; column++) {
        const w = filter + column * F32_BYTES;
        transform3(
          scratch + column * 16,
          48,
          gather4(w, channelBytes),
          gather4(w + 3 * F32_BYTES, channelBytes),
          gather4(w + 6 * F32_BYTES, channelBytes),
          stride,
        );
      }
      for (let row: usize = 0; row < <usize>SIDE; row++) {
        const from = scratch + row * 48;
        transform3(
          out + row * SIDE * pointBytes,
          pointBytes,
          v128.load(from),
          v128.load(from, 16),
          v128.load(from, 32),
          stride,
        );
      }
      filter += filterBytes;
      out += TILE_COUT_BYTES;
    }
  }
}

/** One weight of each of four output channels. */
function gather4(weight: usize, channelBytes: usize): v128 {
  let four = v128.load32_zero(weight);
  weight += channelBytes;
  four = v128.load32_lane(weight, four, 1);
  weight += channelBytes;
  four = v128.load32_lane(weight, four, 2);
  weight += channelBytes;
  return v128.load32_lane(weight, four, 3);
}

/**
 * G w for three numbers in each of four lanes, stored every `outStride` bytes. It divides:
 * multiplying by a rounded reciprocal costs taesdxl's latents half of their exactness. In f64,
 * rounded at the end, they would be 2.2e-5 off PyTorch's and not 6.7e-5. But one fast latent of
 * taesdxl, where all precisions part, would then be two steps off.
 */
function transform3(out: usize, outStride: usize, w0: v128, w1: v128, w2: v128, stride: i32): void {
  if (stride == 1) transformStride1(out, outStride, w0, w1, w2);
  else transformStride2(out, outStride, w0, w1, w2);
}

function transformStride1(out: usize, stride: usize, w0: v128, w1: v128, w2: v128): void {
  const six = f32x4.splat(6);
  v128.store(out, f32x4.mul(w0, f32x4.splat(0.25)));
  out += stride;
  v128.store(out, f32x4.neg(f32x4.div(f32x4.add(f32x4.add(w0, w1), w2), six)));
  out += stride;
  v128.store(out, f32x4.div(f32x4.sub(f32x4.sub(w1, w0), w2), six));
  out += stride;
  const first = f32x4.div(w0, f32x4.splat(24));
  const second = f32x4.div(w1, f32x4.splat(12));
  const third = f32x4.div(w2, six);
  v128.store(out, f32x4.add(f32x4.add(first, second), third));
  out += stride;
  v128.store(out, f32x4.add(f32x4.sub(first, second), third));
  out += stride;
  v128.store(out, w2);
}

function transformStride2(out: usize, stride: usize, w0: v128, w1: v128, w2: v128): void {
  const half = f32x4.splat(0.5);
  const six = f32x4.splat(6);
  v128.store(out, f32x4.mul(w0, half));
  out += stride;
  v128.store(out, f32x4.neg(f32x4.mul(f32x4.add(w0, w2), half)));
  out += stride;
  v128.store(out, f32x4.div(f32x4.sub(w2, w0), six));
  out += stride;
  v128.store(out, f32x4.div(f32x4.add(w0, f32x4.add(w2, w2)), six));
  out += stride;
  v128.store(out, w2);
  out += stride;
  v128.store(out, w1);
}

/**
 * u = G w Gᵀ for one group of 16 output channels, each time it is needed: a wide convolution's
 * transformed weights would take four times the memory of its weights.
 * @param u        f32 [36][2][cin][8], a point every `stride` bytes
 * @param stride   not a multiple of 4 KB, as in winograd.ts
 * @param weights  f32 [cin][3][3][16]
 * @param scratch  f32 [6][3][4]
 * @param cin      any number
 * Units: pointers are byte addresses, 16-byte aligned; `stride` is bytes, `cin` elements.
 * Errors: none here; backend/wasm checks shapes once.
 * Accuracy: |Δ| ≤ 8·2⁻²⁴·|G||w||Gᵀ| against float64. It multiplies by reciprocals.
 */
export function winogradTransformGroup(
  u: usize,
  stride: usize,
  weights: usize,
  scratch: usize,
  cin: i32,
): void {
  const halfBytes = <usize>cin * TILE_COUT_BYTES;
  for (let i = 0; i < cin; i++) {
    for (let quad: usize = 0; quad < 4; quad++) {
      for (let column: usize = 0; column < 3; column++) {
        const w = weights + column * GROUP_BYTES;
        transformByReciprocals(
          scratch + column * 16,
          48,
          v128.load(w),
          v128.load(w, 3 * GROUP_BYTES),
          v128.load(w, 6 * GROUP_BYTES),
        );
      }
      let out = u + (quad >> 1) * halfBytes + (quad & 1) * 16;
      for (let row: usize = 0; row < <usize>SIDE; row++) {
        const from = scratch + row * 48;
        transformByReciprocals(
          out,
          stride,
          v128.load(from),
          v128.load(from, 16),
          v128.load(from, 32),
        );
        out += <usize>SIDE * stride;
      }
      weights += 16;
    }
    weights += 8 * GROUP_BYTES;
    u += TILE_COUT_BYTES;
  }
}

/** G w as in `transformStride1`, with products for quotients. */
function transformByReciprocals(out: usize, stride: usize, w0: v128, w1: v128, w2: v128): void {
  const sixth = f32x4.splat(1.0 / 6.0);
  v128.store(out, f32x4.mul(w0, f32x4.splat(0.25)));
  out += stride;
  const outer = f32x4.mul(f32x4.add(w0, w2), f32x4.splat(-1.0 / 6.0));
  const middle = f32x4.mul(w1, sixth);
  v128.store(out, f32x4.sub(outer, middle));
  out += stride;
  v128.store(out, f32x4.add(outer, middle));
  out += stride;
  const even = f32x4.add(f32x4.mul(w0, f32x4.splat(1.0 / 24.0)), f32x4.mul(w2, sixth));
  const odd = f32x4.mul(w1, f32x4.splat(1.0 / 12.0));
  v128.store(out, f32x4.add(even, odd));
  out += stride;
  v128.store(out, f32x4.sub(even, odd));
  out += stride;
  v128.store(out, w2);
}
