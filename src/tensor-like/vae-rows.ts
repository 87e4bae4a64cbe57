import type { Variant } from '../model/variants.ts';
import type { RowSource } from '../rows.ts';

/** Returns rows of VAE latents as rows of the space of diffusion. */
export function vaeRows(rows: RowSource, { scale, shift }: Variant): RowSource {
  const { channels, height, width } = rows;
  return {
    channels,
    height,
    width,
    read(y, row, stride) {
      rows.read(y, row, stride);
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < channels; c++) {
          row[x * stride + c] = (row[x * stride + c] - shift) * scale;
        }
      }
    },
  };
}
