import type { ModelName, Picture } from 'taesd-wasm';
import { expect } from 'vitest';
import { follows } from '../../explorer/src/measure/follows.ts';
import { followsText } from '../../explorer/src/text/measured.ts';
import { decodePng } from '../../src/png/index.ts';
import { Taesd } from '../../src/taesd.ts';
import { realWeights } from '../golden.ts';
import { sharedFile, testShared } from '../shared.ts';

/*
 * The channels of real models on a photograph of 512×512. Their correlations were also computed by
 * other code than the page's.
 */

const SENTENCES: readonly [model: ModelName, sentences: Readonly<Record<number, string>>][] = [
  [
    'taesd',
    {
      0: 'Channel 0 follows brightness (0.77), and less so where it is yellow or green (−0.32 blue).',
      1: 'Channel 1 follows brightness (0.86).',
      2: 'Channel 2 is high where the picture is blue (−0.62 red, 0.53 blue), and less so where it is dark (−0.33).',
      3: 'Channel 3 is high where the picture is dark (−0.75).',
    },
  ],
  [
    'taesdxl',
    {
      0: 'Channel 0 follows brightness (0.90).',
      1: 'Channel 1 is high where the picture is blue (−0.70 red, 0.65 blue).',
    },
  ],
  [
    'taef1',
    {
      1: 'Channel 1 follows brightness (0.94).',
      2: 'Channel 2 is high where the picture is orange (0.75 red, −0.56 blue).',
    },
  ],
];

for (const [model, sentences] of SENTENCES) {
  testShared(`follows [${model}]: astronaut → what its channels follow`, async () => {
    const image = decodePng(sharedFile('images/astronaut.png'));
    const taesd = await Taesd.load({ model, weights: realWeights(model), workers: 0 });
    const found = follows(await taesd.encode(image), opaque(image), 8);
    const told = Object.fromEntries(
      Object.keys(sentences).map((channel) => [channel, followsText(found[Number(channel)])]),
    );
    expect(told).toEqual(sentences);
  });
}

/** Returns RGB or opaque RGBA as RGBA. */
function opaque(image: { width: number; height: number; data: ArrayLike<number> }): Picture {
  const { width, height, data } = image;
  const channels = data.length / (width * height);
  const out = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let at = 0; at < width * height; at++) {
    for (let c = 0; c < 3; c++) out[4 * at + c] = data[channels * at + c];
  }
  return { width, height, data: out };
}
