import type { RowSource } from '../rows.ts';

/** Adds alpha 1 to a picture of red, green and blue. One that has alpha is returned itself. */
export function withAlpha(source: RowSource): RowSource {
  const { width, height } = source;
  if (source.channels === 4) return source;
  return {
    channels: 4,
    width,
    height,
    read(y, row, stride) {
      source.read(y, row, stride);
      for (let x = 0; x < width; x++) row[x * stride + 3] = 1;
    },
  };
}
