/*
 * The choices that depend on the device. `findDevice` gives each device the defaults, and nothing
 * changes them: they are no part of the public API. `npm run bench:webgpu` times others on a device
 * of its own (bench/webgpu/tuning.mjs), as the tests do: `{ ...gpu, tuning }` is such a device.
 */

export interface Tuning {
  /** The maximum number of bytes of Winograd's points, and of its products. */
  readonly pointsBytes: number;
  /**
   * How pictures are read back: as numbers, or as bytes that the device has rounded. Bytes are a
   * quarter of the size. They may be one step off where a number is within 2⁻¹⁶ of the middle
   * between two bytes. Tensors and latents are always read back as numbers.
   */
  readonly pictures: 'f32' | 'bytes';
  /**
   * Portions of the work that may be on their way to the device at once, and bands whose rows are
   * waited for. With more than one the device does not wait for this thread between two of them,
   * and a call that is cancelled leaves more work behind.
   */
  readonly portions: number;
  /** The maximum number of bytes of maps that are kept between calls. */
  readonly keptBytes: number;
}

/** The defaults. No card was at hand: they are guesses. */
export const TUNING: Tuning = {
  // So that points and products stay in the caches of a GPU.
  pointsBytes: 2 ** 24,
  pictures: 'f32',
  portions: 1,
  // The maps of 512×512 in f32, or of 1024×1024 in f16.
  keptBytes: 2 ** 29,
};
