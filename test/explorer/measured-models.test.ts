import type { Picture, Step, Tensor } from 'taesd-wasm';
import { beforeAll, expect, test } from 'vitest';
import { view } from '../../explorer/src/engine/view.ts';
import { filterOf, mapOf, planesOfTensor, sumAt } from '../../explorer/src/measure/convolution.ts';
import { brushed } from '../../explorer/src/measure/paint.ts';
import { ringsAround } from '../../explorer/src/measure/rings.ts';
import {
  joinTiles,
  largestDifference,
  maxOverlap,
  splitTiles,
} from '../../explorer/src/measure/seam.ts';
import { stepText } from '../../explorer/src/text/measured.ts';
import type { Taesd } from '../../src/taesd.ts';
import { expectClose } from '../compare.ts';
import { nanoTrip, type Trip } from './nano-trip.ts';

/*
 * The measurements on what models of the package compute.
 */

let trip: Trip;
beforeAll(async () => {
  trip = await nanoTrip();
});

test('convolution [nano]: a 3×3 convolution of the encoder → its map within 1e-4', () => {
  const step = [...trip.steps.values()].find(
    ({ layer }) => layer.kind === 'conv' && layer.kernel === 3,
  ) as Step;
  const { weight, bias } = step.weights;
  const [cout, cin] = weight.shape;
  const filters = { cin, cout, weight: weight.data, bias: bias?.data };
  const { stride } = step.layer as Extract<Step['layer'], { kind: 'conv' }>;
  const planes = planesOfTensor(step.inputs[0]);
  const [, , height, width] = step.shape;
  const channel = 3;
  const map = mapOf(planes, filterOf(filters, channel), { stride });
  const area = height * width;
  const wanted = step.output.data.subarray(channel * area, (channel + 1) * area);
  const shape = [1, 1, height, width];
  expectClose({ shape, data: map.data }, { shape, data: wanted }, 1e-4);
  const position = { channel, y: 1, x: 2 };
  const [own, theirs] = [sumAt(planes, filters, position, { stride }), step.arithmetic(position)];
  expect(own.windows.flatMap(({ products }) => products)).toEqual(theirs.products);
  expect(own.value).toBeCloseTo(theirs.value, 9);
});

test('texts [nano]: all layers → no two have one text and one set of figures', () => {
  const texts = [...trip.steps.values()].map((step) => {
    const seen = view(step, undefined);
    return `${stepText(seen)} ${seen.parameters} ${seen.multiplyAdds}`;
  });
  expect(texts.length).toBeGreaterThan(15);
  expect(new Set(texts).size).toBe(texts.length);
});

test('rings [nano]: one number of the latent changed → most in its square, less far away', async () => {
  const { latents, decoded, taesd } = trip;
  const [y, x] = [6, 6];
  const at = y * latents.shape[3] + x;
  const value = latents.data[at] + 1;
  const poked = brushed(latents, { channel: 0, y, x, value, radius: 1 });
  const changed = await taesd.decode(poked);
  const rings = ringsAround(decoded, changed, { x, y, size: 8 });
  expect(rings.length).toBe(7);
  expect(Math.max(...rings)).toBe(Math.max(...rings.slice(0, 2)));
  expect(rings[0]).toBeGreaterThan(10);
  expect(rings[6]).toBeLessThan(rings[0] / 4);
});

/** Returns the largest difference between a decoded picture and its two halves, joined. */
async function seam(taesd: Taesd, latents: Tensor, whole: Picture, overlap: number) {
  const { width, height } = whole;
  const tiles = splitTiles(latents, { overlap, downscale: 8, width, height });
  const pictures: Picture[] = [];
  for (const { latents, width, height } of [tiles.left, tiles.right]) {
    pictures.push(await taesd.decode(latents, { width, height }));
  }
  return largestDifference(whole, joinTiles(tiles, pictures[0], pictures[1]));
}

test('seam [nano]: no overlap → a seam in the middle; all of it → none', async () => {
  const { latents, decoded, taesd } = trip;
  const cut = await seam(taesd, latents, decoded, 0);
  expect(cut.difference).toBeGreaterThan(8);
  expect(Math.abs(cut.x - decoded.width / 2)).toBeLessThan(16);
  const whole = await seam(taesd, latents, decoded, maxOverlap(latents));
  expect(whole.difference).toBe(0);
});
