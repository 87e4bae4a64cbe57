/*
 * The choices that depend on the card. `findDevice` gives each device the defaults, and the public
 * API cannot change them. `npm run bench:webgpu` times other choices on a device of its own
 * (bench/webgpu/tuning.mjs), and the tests use some: `{ ...gpu, tuning }` is such a device.
 */

/** A choice of each. */
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
   * The maximum number of portions of the work that are submitted and not finished, and of bands
   * whose rows are being read back. With more than one the device does not wait for this thread
   * between two of them. A call that is cancelled then leaves more work behind.
   */
  readonly portions: number;
  /** The maximum number of bytes of maps that are kept between calls. */
  readonly keptBytes: number;
}

/** The defaults. They are guesses, since no card was at hand. */
export const TUNING: Tuning = {
  // Points and products of this size stay in the caches of a GPU.
  pointsBytes: 2 ** 24,
  pictures: 'f32',
  portions: 1,
  // The maps of 512×512 in f32, or of 1024×1024 in f16.
  keptBytes: 2 ** 29,
};
