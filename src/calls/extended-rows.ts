import type { Variant } from '../model/variants.ts';
import type { RowSource } from '../rows.ts';

/**
 * Extends a picture at the right and at the bottom to multiples of a number, by repeating its last
 * column and row. Otherwise the encoder sees zeros there, and the last columns and rows turn dark.
 */
export function extendedRows(
  source: RowSource,
  { repeatsTo = 1 }: Pick<Variant, 'repeatsTo'>,
): RowSource {
  const { channels, width, height } = source;
  const [wide, high] = [width, height].map((side) => Math.ceil(side / repeatsTo) * repeatsTo);
  return {
    channels,
    width: wide,
    height: high,
    read(y, row, stride) {
      source.read(Math.min(y, height - 1), row, stride);
      const last = (width - 1) * stride;
      for (let x = width; x < wide; x++) {
        for (let c = 0; c < channels; c++) row[x * stride + c] = row[last + c];
      }
    },
  };
}
