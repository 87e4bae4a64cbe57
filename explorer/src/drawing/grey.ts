import type { Tensor } from 'taesd-wasm';
import { quantizeLatents } from 'taesd-wasm';

/** A channel of the latents as a grey picture: its 8-bit latents, −3 black, 0 grey, 3 white. */
export function greyChannel({ shape, data }: Tensor, channel: number): ImageData {
  const [, , height, width] = shape;
  const area = height * width;
  const bytes = quantizeLatents(data.slice(channel * area, (channel + 1) * area));
  const pixels = new Uint8ClampedArray(area * 4).fill(255);
  for (let i = 0; i < area; i++) pixels.fill(bytes[i], 4 * i, 4 * i + 3);
  return new ImageData(pixels, width, height);
}
