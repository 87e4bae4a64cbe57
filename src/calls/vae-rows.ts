import { type Conversion, fromVae } from '../model/vae-space.ts';
import type { Variant } from '../model/variants.ts';
import type { RowSource } from '../rows.ts';

/**
 * Reads VAE latents back from the device and converts their rows to the space of diffusion.
 *
 * @throws TaesdError UNSUPPORTED (they were lost with their device; a model whose conversion is not
 *   known)
 */
export async function vaeRows(
  copies: readonly RowSource[],
  inMemory: (copy: RowSource) => Promise<RowSource>,
  variant: Variant,
): Promise<RowSource[]> {
  const convert = fromVae(variant);
  const sources = await Promise.all(copies.map(inMemory));
  return sources.map((rows) => converted(rows, convert));
}

function converted(rows: RowSource, convert: Conversion): RowSource {
  const { channels, height, width } = rows;
  return {
    channels,
    height,
    width,
    read(y, row, stride) {
      rows.read(y, row, stride);
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < channels; c++) {
          row[x * stride + c] = convert(row[x * stride + c], c);
        }
      }
    },
  };
}
