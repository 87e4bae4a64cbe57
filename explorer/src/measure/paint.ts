import { type Area, dequantizeLatents, quantizeLatents, type Tensor } from 'taesd-wasm';

/*
 * Changes of latents [1, C, H, W]. Each function returns a copy; what it is given stays as it is.
 */

/** A spot of one number, of one channel or of all. */
export interface Spot {
  /** Undefined paints every channel. */
  readonly channel: number | undefined;
  readonly y: number;
  readonly x: number;
  readonly value: number;
  /** In places of the latent; 1 is one place, 2 is three places across. */
  readonly radius: number;
}

/** Paints a round spot, cut at the edges. */
export function brushed(latents: Tensor, { channel, y, x, value, radius }: Spot): Tensor {
  const { shape } = latents;
  const [, channels, height, width] = shape;
  const data = latents.data.slice();
  const end = channel === undefined ? channels : channel + 1;
  for (let c = channel ?? 0; c < end; c++) {
    for (let row = Math.max(0, y - radius); row <= Math.min(height - 1, y + radius); row++) {
      const across = Math.max(0, x - radius);
      for (let column = across; column <= Math.min(width - 1, x + radius); column++) {
        if (Math.hypot(row - y, column - x) > radius - 0.5) continue;
        data[(c * height + row) * width + column] = value;
      }
    }
  }
  return { shape, data };
}

/**
 * Copies an area of all channels to another place, given by its upper left corner. Places outside
 * of the latent are left out. The areas may overlap.
 */
export function stamped(latents: Tensor, from: Area, to: { y: number; x: number }): Tensor {
  const { shape, data: source } = latents;
  const [, channels, height, width] = shape;
  const data = source.slice();
  for (let c = 0; c < channels; c++) {
    for (let row = 0; row < from.height; row++) {
      for (let column = 0; column < from.width; column++) {
        const [y, x] = [from.y + row, from.x + column];
        const [down, across] = [to.y + row, to.x + column];
        if (!isInside(shape, y, x) || !isInside(shape, down, across)) continue;
        data[(c * height + down) * width + across] = source[(c * height + y) * width + x];
      }
    }
  }
  return { shape, data };
}

const isInside = ([, , height, width]: readonly number[], y: number, x: number): boolean =>
  y >= 0 && y < height && x >= 0 && x < width;

/** Adds a number to each channel. A channel without one stays as it is. */
export function shifted(latents: Tensor, shifts: readonly number[]): Tensor {
  const { shape } = latents;
  const area = shape[2] * shape[3];
  const data = latents.data.map((value, at) => value + (shifts[Math.floor(at / area)] ?? 0));
  return { shape, data };
}

/**
 * Mixes two latents of one shape: `one · (1 − share) + other · share`.
 *
 * @throws RangeError if the shapes differ
 */
export function mixed(one: Tensor, other: Tensor, share: number): Tensor {
  if (one.shape.join() !== other.shape.join()) {
    throw new RangeError(`"other" expected shape [${one.shape}], got [${other.shape}]`);
  }
  const data = one.data.map((value, at) => value * (1 - share) + other.data[at] * share);
  return { shape: one.shape, data };
}

/** Returns the latents as 8 bits keep them: 256 steps from −3 to 3. */
export const eightBit = ({ shape, data }: Tensor): Tensor => ({
  shape,
  data: dequantizeLatents(quantizeLatents(data)),
});
