/*
 * sRGB values and light. Source: IEC 61966-2-1. Values below 0 and above 1 follow the same curve.
 */

/** Returns the light of an sRGB value; 1 is white. */
export function toLinear(value: number): number {
  const size = Math.abs(value);
  const light = size <= 0.04045 ? size / 12.92 : ((size + 0.055) / 1.055) ** 2.4;
  return value < 0 ? -light : light;
}

/** Returns the sRGB value of a light. */
export function fromLinear(light: number): number {
  const size = Math.abs(light);
  const value = size <= 0.0031308 ? 12.92 * size : 1.055 * size ** (1 / 2.4) - 0.055;
  return light < 0 ? -value : value;
}

/** The steps of the table: every byte lies on one, so bytes are exact. */
const STEPS = 255 * 16;

/**
 * The curve to light as a table, interpolated: within 3e-8. A power for each value would take six
 * times as long.
 */
export class LinearTable {
  readonly #table = Float64Array.from({ length: STEPS + 2 }, (_, step) => toLinear(step / STEPS));

  /** Replaces sRGB values by their light. */
  toLinear(values: Float32Array): void {
    const table = this.#table;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (value >= 0 && value <= 1) {
        const place = value * STEPS;
        const step = place | 0;
        values[i] = table[step] + (place - step) * (table[step + 1] - table[step]);
      } else {
        values[i] = toLinear(value);
      }
    }
  }
}
