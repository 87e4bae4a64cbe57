import { F32_BYTES } from '../src/backend/wasm/layout';

/** Added to a number from 0 to 2³², it leaves that number, rounded to nearest, in the low bits. */
const ROUNDER: f64 = 4503599627370496;

/**
 * Rounds a row of a picture to RGBA bytes, four pixels at a time.
 *   out[x][c] = row[x][c] · 255, held to 0 … 255 and rounded to nearest; 0 for NaN
 * @param out    u8 [width, filled up to a multiple of 4][4], written
 * @param row    f32 [width, filled up to a multiple of 4][4]: red, green, blue, alpha or 0
 * @param width  pixels
 * @param alpha  1 if the row has alpha; 0 writes 255 for it
 * Units: pointers are byte addresses, 16-byte aligned; sizes are elements.
 * Errors: none here; backend/wasm checks shapes once.
 * Accuracy: equal to `writePixels` in src/image.ts. Products are float64. The only one half-way
 * between two bytes is 0.5 · 255, whose nearest even number is also the larger one.
 */
export function pixelBytes(out: usize, row: usize, width: i32, alpha: i32): void {
  const opaque = i32x4.splat(alpha ? 0 : 0xff000000);
  for (const end = out + <usize>width * 4; out < end; out += 16, row += 16 * F32_BYTES) {
    const pixels = i8x16.narrow_i16x8_u(
      i16x8.narrow_i32x4_s(bytesOf(row), bytesOf(row + 16)),
      i16x8.narrow_i32x4_s(bytesOf(row + 32), bytesOf(row + 48)),
    );
    v128.store(out, v128.or(pixels, opaque));
  }
}

/** Rounds four numbers to bytes, an i32 each. */
function bytesOf(row: usize): v128 {
  // NaN is not above 0.
  const positive = f32x4.pmax(f32x4.splat(0), v128.load(row));
  const held = f32x4.pmin(positive, f32x4.splat(1));
  const low = rounded(held);
  const high = rounded(v128.shuffle<f32>(held, held, 2, 3, 0, 1));
  return v128.shuffle<i32>(low, high, 0, 2, 4, 6);
}

/** 255 times the first two lanes, rounded, as the low half of each f64. */
function rounded(held: v128): v128 {
  const scaled = f64x2.mul(f64x2.promote_low_f32x4(held), f64x2.splat(255));
  return f64x2.add(scaled, f64x2.splat(ROUNDER));
}
