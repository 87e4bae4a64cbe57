import { expect, test } from 'vitest';
import { asLatents } from '../../src/formats/latent-shape.ts';
import { thrownBy } from '../thrown-by.ts';

test.each([
  [[1, 16, 3, 8, 8], 'a video of 3 frames? single frames alone are decoded'],
  [[1, 48, 1, 8, 8], 'latents of taew2_2? not supported yet'],
  [
    [1, 16, 64],
    'tokens of taesd3, taef1 or taew2_1? they do not say their rows: unpack them to [N,16,h,w]',
  ],
  [[8, 8, 64], 'channels last? transpose it'],
  [[1, 16, 128], 'tokens of taef2? they do not say their rows: unpack them to [N,32,h,w]'],
  [[1, 16, 256], 'latents of a model that is not supported?'],
])('asLatents: %j → %s', (shape, hint) => {
  const data = new Float32Array(shape.reduce((count, size) => count * size));
  const { message } = thrownBy(() => asLatents({ shape, data }, 'latents'));
  expect(message).toBe(
    `"latents" expected shape [N,C,h,w], [C,h,w] or [N,C,1,h,w] with C = 4, 16, 32 or 64, got [${shape}] (${hint})`,
  );
});
