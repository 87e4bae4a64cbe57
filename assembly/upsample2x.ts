import { F32_BYTES } from '../src/backend/wasm/layout';

/**
 * Nearest upsampling of one row, in width. The caller calls it twice, for the two output rows that
 * an input row becomes.
 *   out[2·x][c] = out[2·x + 1][c] = row[x][c]
 * @param out       f32 row [1 + 2·width + 1][channels], written with its zero pixels; must not
 *                  overlap `row`
 * @param row       f32 row [1 + width + 1][channels]
 * @param width     pixels of the input row
 * @param channels  a multiple of 4
 * Units: pointers are byte addresses, 16-byte aligned; sizes are elements.
 * Errors: none here; backend/wasm checks shapes once. Accuracy: exact.
 * Source: taesd.py `nn.Upsample(scale_factor=2)`.
 */
export function upsample2x(out: usize, row: usize, width: i32, channels: i32): void {
  const pixel = <usize>channels * F32_BYTES;
  memory.fill(out, 0, pixel);
  memory.fill(out + (2 * width + 1) * pixel, 0, pixel);
  out += pixel;
  row += pixel;
  for (let x = 0; x < width; x++) {
    for (const end = row + pixel; row < end; row += 16, out += 16) {
      const value = v128.load(row);
      v128.store(out, value);
      v128.store(out + pixel, value);
    }
    out += pixel;
  }
}
