import { afterAll, describe, expect, test } from 'vitest';
import { referenceBackend } from '../src/backend/reference.ts';
import { createWasmBackend } from '../src/backend/wasm/wasm-backend.ts';
import type { Half } from '../src/model/layers.ts';
import { describeNetwork } from '../src/model/measure.ts';
import { VARIANTS } from '../src/model/variants.ts';
import { writeSafetensors } from '../src/safetensors/write.ts';
import { Taesd } from '../src/taesd.ts';
import type { Tensor } from '../src/tensor.ts';
import { bindHalf } from '../src/weights/fold-frames.ts';
import { expectClose } from './compare.ts';
import { framesOf, lastFrame, TAEW_LAYERS, TAEW_ROWS } from './conformance/golden-cases.ts';
import { isFullLength, sampled } from './full-length.ts';
import { readGolden, unitRange } from './golden.ts';
import { runProgram } from './run-program.ts';
import { halfOf, seededTensors } from './seeded-weights.ts';
import { sharedFile, testShared } from './shared.ts';
import { thrownBy } from './thrown-by.ts';

/*
 * taew2_1 on one picture, against what the public code made on seeded weights. It decodes four
 * frames of a latent and shows the last; `decoded_raw` holds all four, not clamped. The files of
 * videos that do not apply are listed by conformance/golden-files.test.ts.
 */

const BOUND = 1e-4;
const VARIANT = VARIANTS.taew2_1;
const LATENTS_ALONE = ['taew2_1-random-latent-1x1-1', 'taew2_1-random-latent-13x5-1'];
const TRIP = 'taew2_1-astronaut-16x16-1f';

/** Adds a test to the slow suite alone. */
function testWhole(name: string, body: () => void | Promise<void>): void {
  if (isFullLength) testShared(name, body);
}

const measured: string[] = [];
afterAll(() => console.log(measured.join('\n')));

const note = (what: string, off: number) => measured.push(`  ${what}: ${off.toExponential(1)}`);

let all: Map<string, Tensor> | undefined;
function tensors(): Map<string, Tensor> {
  all ??= seededTensors(sharedFile('weights/random/random-weights.json'), 'taew2_1');
  return all;
}
const fileOf = (part: Half) =>
  writeSafetensors([...tensors()].filter(([name]) => name.startsWith(part)));

test('networks: 512×512 → 111.7 G multiply-adds for decoding, 59.4 G for encoding', () => {
  const sum = (half: Half, input: [number, number, number]) =>
    describeNetwork(VARIANT.networks[half], input).reduce((all, row) => all + row.multiplyAdds, 0);
  expect(sum('decoder', [16, 64, 64])).toBe(111_736_258_560);
  expect(sum('encoder', [3, 512, 512])).toBe(59_378_761_728);
});

for (const backend of sampled<'wasm' | 'reference'>(['wasm'], ['wasm', 'reference'])) {
  testShared(`Taesd [${backend}]: ${TRIP}, latents alone → max |Δ| < 1e-4`, async () => {
    const weights = writeSafetensors([...tensors()]);
    const taesd = await Taesd.load({ model: 'taew2_1', weights, backend });
    const golden = readGolden(`family/${TRIP}`);
    const image = unitRange(lastFrame(golden('image')));
    const latents = await taesd.encode(image);
    note(`${backend} ${TRIP} latents`, expectClose(latents, lastFrame(golden('latents')), BOUND));
    for (const file of [TRIP, ...LATENTS_ALONE]) {
      const [x, wanted] = ['latents', 'decoded_raw'].map((name) =>
        lastFrame(readGolden(`family/${file}`)(name)),
      );
      const decoded = await taesd.decode(x, { output: 'tensor' });
      note(`${backend} ${file} decoded`, expectClose(decoded, wanted, BOUND));
    }
    // As programs hold it: one frame of a video.
    const clip = { shape: [1, 16, 1, 2, 2], data: lastFrame(golden('latents')).data };
    const picture = await taesd.decode(clip);
    const shown = lastFrame(golden('decoded'));
    for (let i = 0; i < 256; i++) {
      for (let c = 0; c < 3; c++) {
        expect(Math.abs(picture.data[4 * i + c] / 255 - shown.data[256 * c + i])).toBeLessThan(
          0.003,
        );
      }
    }
    let last: Tensor | undefined;
    for await (const step of taesd.steps(latents)) last = step.output;
    const whole = await taesd.decode(latents, { output: 'tensor' });
    note(`${backend} steps to decode`, expectClose(last as Tensor, whole, 1e-6));
    taesd.dispose();
  });
}

testShared(
  'Program: the layer file, first latent → layers of the decoder max |Δ| < 1e-4',
  async () => {
    const golden = readGolden(TAEW_LAYERS);
    const network = bindHalf(VARIANT, 'decoder', halfOf(tensors(), 'decoder'));
    expect(network).toHaveLength(TAEW_ROWS.length);
    let x = framesOf(golden('latents'), [0]);
    let most = 0;
    for (const [index, bound] of network.entries()) {
      const [layer, ...frames] = TAEW_ROWS[index];
      const wanted = framesOf(golden(`decoder.${layer}`), frames);
      const got = runProgram(referenceBackend.compile([bound]), [bound.layer], x);
      most = Math.max(most, expectClose(got, wanted, BOUND));
      x = wanted;
    }
    note(`reference ${TAEW_LAYERS} decoder`, most);
  },
);

const WORKERS = [1, 2, 3, 4];
testWhole(`decode, encode: one thread and ${WORKERS} workers → equal bytes`, async () => {
  const latents = lastFrame(readGolden('family/taew2_1-random-latent-13x5-1')('latents'));
  const image = unitRange(lastFrame(readGolden(`family/${TRIP}`)('image')));
  for (const [part, run] of [
    ['decoder', (taesd: Taesd) => taesd.decode(latents, { output: 'tensor' })],
    ['encoder', (taesd: Taesd) => taesd.encode(image)],
  ] as const) {
    const weights = { [part]: fileOf(part) };
    const results: Tensor[] = [];
    for (const workers of [0, ...WORKERS]) {
      const taesd = await Taesd.load({ model: 'taew2_1', weights, only: part, workers });
      results.push(await run(taesd));
      taesd.dispose();
    }
    for (const result of results) expect(result).toEqual(results[0]);
  }
});

describe('weights', () => {
  const small = (part: Half) => halfOf(tensors(), part);

  testShared('bindHalf: tensors → the layers as computed, by parts of those of the file', () => {
    const stored = small('decoder');
    const bound = bindHalf(VARIANT, 'decoder', stored);
    const weight = (layer: number, name: string) => bound[layer].weights.get(name) as Tensor;
    expect(bound.map(({ layer }) => layer)).toEqual(VARIANT.networks.decoder);
    // A MemBlock without a past: the first half of its inputs.
    const whole = stored.get('3.conv.0.weight') as Tensor;
    expect(whole.shape).toEqual([256, 512, 3, 3]);
    expect(weight(3, 'conv.0.weight').shape).toEqual([256, 256, 3, 3]);
    expect(weight(3, 'conv.0.weight').data[256 * 9]).toBe(whole.data[512 * 9]);
    expect([...bound[3].weights.keys()]).not.toContain('past.weight');
    // With a past: both halves.
    const memory = stored.get('15.conv.0.weight') as Tensor;
    expect(weight(13, 'conv.0.weight').data[64 * 9]).toBe(memory.data[128 * 9]);
    expect(weight(13, 'past.weight').data[64 * 9]).toBe(memory.data[(128 + 64) * 9]);
    // The last frame of a TGrow, and the convolution after it.
    const grow = stored.get('19.conv.weight') as Tensor;
    const conv = stored.get('20.weight') as Tensor;
    let sum = 0;
    for (let m = 0; m < 64; m++) sum += conv.data[m * 9 + 4] * grow.data[(64 + m) * 64];
    expect(weight(17, 'weight').data[4]).toBeCloseTo(sum, 6);
    expect([...bound[12].weights.keys()]).toEqual(['0.weight', '1.weight']);
  });

  testShared('a file of taew2_1 as taesd3 → SHAPE with its name', async () => {
    const weights = { decoder: fileOf('decoder') };
    const message =
      '"decoder 1.weight" expected shape [64,16,3,3], got [256,16,3,3] (weights of taew2_1?)';
    await expect(Taesd.load({ model: 'taesd3', weights, only: 'decoder' })).rejects.toThrow(
      expect.objectContaining({ code: 'SHAPE', message: expect.stringContaining(message) }),
    );
  });

  testShared('a tensor is missing → SHAPE with its name in the file', () => {
    const tensors = small('decoder');
    tensors.delete('13.conv.weight');
    const error = thrownBy(() => bindHalf(VARIANT, 'decoder', tensors));
    expect(error.code).toBe('SHAPE');
    expect(error.message).toBe(
      '"decoder 13.conv.weight" expected shape [256,128,1,1], got no such tensor',
    );
  });
});

testWhole('Program [wasm, fast]: a latent → 62 dB to f32', async () => {
  const latents = lastFrame(readGolden('family/taew2_1-random-latent-13x5-1')('latents'));
  const bound = bindHalf(VARIANT, 'decoder', halfOf(tensors(), 'decoder'));
  const backend = await createWasmBackend();
  const [f32, fast] = (['f32', 'fast'] as const).map((precision) =>
    runProgram(backend.compile(bound, precision), VARIANT.networks.decoder, latents),
  );
  const squares = f32.data.reduce((sum, value, i) => sum + (value - fast.data[i]) ** 2, 0);
  const decibels = 10 * Math.log10(f32.data.length / squares);
  measured.push(`  fast to f32: ${decibels.toFixed(1)} dB`);
  expect(decibels).toBeGreaterThanOrEqual(62);
});
