import { type FittedSpace, MATRICES } from '../../src/cli/sheet/matrices.ts';
import { VARIANTS } from '../../src/model/variants.ts';
import type { Tensor } from '../../src/tensor.ts';

/**
 * Returns the PSNR, in dB, of the colours that a matrix gives latents, against the means of 8×8
 * pixels of the decoded picture.
 *
 * @param pixel  a byte of the decoded picture
 */
export function matrixError(
  space: FittedSpace,
  { shape: [, channels, height, width], data }: Tensor,
  pixel: (c: number, y: number, x: number) => number,
): number {
  const matrix = MATRICES[space];
  const { downscale } = VARIANTS[space];
  let sum = 0;
  for (let i = 0; i < height * width; i++) {
    const [top, left] = [downscale * Math.floor(i / width), downscale * (i % width)];
    for (let c = 0; c < 3; c++) {
      let colour = matrix[channels][c];
      for (let k = 0; k < channels; k++) colour += matrix[k][c] * data[k * height * width + i];
      let mean = 0;
      for (let y = top; y < top + downscale; y++) {
        for (let x = left; x < left + downscale; x++) mean += pixel(c, y, x) / downscale ** 2;
      }
      sum += (Math.min(Math.max(colour, 0), 255) - mean) ** 2;
    }
  }
  return 10 * Math.log10((255 ** 2 * 3 * height * width) / sum);
}
