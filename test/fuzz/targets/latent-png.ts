import { decodeLatentPng, encodeLatentPng, readLatents } from '../../../src/formats/index.ts';
import { latentsToPicture } from '../../../src/index.ts';
import { modelNames, VARIANTS } from '../../../src/model/variants.ts';
import { decodePng } from '../../../src/png/index.ts';
import { latin1 } from '../../bytes.ts';
import { outcomeOf, outcomeOfAsync } from '../outcome.ts';
import { chunksOf, fileOf, mutatePng, smallerPng } from '../png-parts.ts';
import { Random } from '../random.ts';
import { type Target, WrongResult } from '../target.ts';
import { MAX_PIXELS, pngSeeds, somePng } from './png.ts';

const MODELS = modelNames();

function someLatents(random: Random): Uint8Array {
  const model = random.pick(MODELS);
  const { latentChannels, downscale } = VARIANTS[model];
  const [h, w] = [1 + random.small(8), 1 + random.small(8)];
  const count = latentChannels * h * w;
  const data = Float32Array.from({ length: count }, () => 7 * random.next() - 3.5);
  const size = random.oneIn(2) ? {} : { width: w * downscale, height: h * downscale };
  return encodeLatentPng({ latents: { shape: [1, latentChannels, h, w], data }, model, ...size });
}

const TEXTS = [
  ...MODELS.map((model) => `taesd.model\0${model}`),
  ...['taesd.model\0', 'taesd.model\0x', 'taesd.size\x0064x64', 'taesd.size\x008x8'],
  ...['taesd.size\x000x0', 'taesd.size\x009999999999x1', 'taesd.size\0', 'taesd.size\x001e1x8'],
];

/** PNG files read as latents. Their numbers are compared with the pixels. */
export const latentPng: Target = {
  name: 'latent-png',
  batch: 256,
  seeds: () => [
    ...Array.from({ length: 40 }, (_, n) => someLatents(new Random(1, n))),
    ...pngSeeds().filter((_, n) => n % 6 === 0),
  ],
  generate: (random) => (random.oneIn(4) ? somePng(random) : someLatents(random)),
  mutate(random, input, other) {
    const chunks = chunksOf(input);
    if (!random.oneIn(4) || chunks === undefined) return mutatePng(random, input, other);
    const text = { type: 'tEXt', data: latin1(random.pick(TEXTS)) };
    return fileOf(chunks.toSpliced(1 + random.below(2), random.below(2), text));
  },
  smaller: smallerPng,
  run(input) {
    const model = MODELS[input[input.length - 6] % (2 * MODELS.length)];
    const maxPixels = MAX_PIXELS;
    const outcome = outcomeOf(() => {
      const { latents, width } = decodeLatentPng(input, model, { maxPixels });
      const { shape, data } = latents;
      // Each pixel holds four values. Quantized again they are the pixels' bytes.
      const { data: pixels } = decodePng(input, { colour: 'raw', maxPixels });
      if (data.length !== pixels.length) throw new WrongResult(`${data.length} numbers`);
      const bytes = latentsToPicture(latents).data;
      if (Buffer.compare(Buffer.from(bytes.buffer), pixels) !== 0) {
        throw new WrongResult('other bytes');
      }
      return `${shape[1]} ${width === undefined}`;
    });
    if (input[input.length - 7] % 4 !== 0) return outcome;
    return outcomeOfAsync(async () => {
      const { latents, assumed } = await readLatents(input, { model, maxPixels });
      return `found ${latents.shape[1]}, ${assumed.length} assumed`;
    });
  },
};
