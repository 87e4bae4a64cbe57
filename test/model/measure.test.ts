import { expect, test } from 'vitest';
import { decoder } from '../../src/model/decoder.ts';
import { encoder } from '../../src/model/encoder.ts';
import {
  block,
  conv3x3,
  type Network,
  pixelShuffle,
  pixelUnshuffle,
  upsample2x,
} from '../../src/model/layers.ts';
import { countParameters, describeNetwork } from '../../src/model/measure.ts';
import { nanoDecoder, nanoEncoder } from '../../src/model/nano.ts';
import { receptiveField } from '../../src/model/receptive-field.ts';

const parameters = (network: Network) =>
  network.reduce((sum, layer) => sum + countParameters(layer), 0);

test('encoder: 4 latent channels → 1,222,532 parameters', () => {
  expect(parameters(encoder(4))).toBe(1_222_532);
});

test('decoder: 4 latent channels → 1,222,531 parameters', () => {
  expect(parameters(decoder(4))).toBe(1_222_531);
});

test('block: widths differ → its skip is a 1×1 convolution without bias', () => {
  expect(countParameters(block(64, 128))).toBe(
    (64 * 9 + 1) * 128 + 2 * (128 * 9 + 1) * 128 + 64 * 128,
  );
});

test('taef2: each half → its parameters, 61.6 and 71.1 G multiply-adds at 512×512', () => {
  const pooled = { pool: true };
  expect(parameters(encoder(32, pooled))).toBe(1_338_528);
  expect(parameters(decoder(32, pooled))).toBe(1_338_499);
  const work = (network: Network, input: [number, number, number]) =>
    describeNetwork(network, input).reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0) / 1e9;
  expect(work(encoder(32, pooled), [3, 512, 512])).toBeCloseTo(61.6, 1);
  expect(work(decoder(32, pooled), [32, 64, 64])).toBeCloseTo(71.1, 1);
});

test('receptiveField: taef2 → without bounds; behind its last barrier → 9 latents', () => {
  const network = decoder(32, { pool: true });
  expect(receptiveField(network)).toEqual({ before: Infinity, after: Infinity });
  expect(receptiveField(network.slice(6))).toEqual({ before: 9, after: 9 });
  expect(receptiveField(encoder(32, { pool: true }).slice(0, 11))).toEqual({
    before: 65,
    after: 58,
  });
});

test('receptiveField: decoder → 19 latents on every side', () => {
  expect(receptiveField(decoder(4))).toEqual({ before: 19, after: 19 });
});

test('receptiveField: encoder → 145 pixels before, 138 after the 8×8 cell', () => {
  expect(receptiveField(encoder(4))).toEqual({ before: 145, after: 138 });
});

test('receptiveField: one convolution, one strided, one upsampled → by hand', () => {
  expect(receptiveField([conv3x3(1, 1)])).toEqual({ before: 1, after: 1 });
  expect(receptiveField([conv3x3(1, 1, { stride: 2 })])).toEqual({ before: 1, after: 0 });
  expect(receptiveField([upsample2x(), conv3x3(1, 1)])).toEqual({ before: 1, after: 1 });
});

test('describeNetwork: decoder at 64×64 latents → 70.7 G multiply-adds, 39.1 G of them at full size', () => {
  const rows = describeNetwork(decoder(4), [4, 64, 64]);
  const sum = (height: number) =>
    rows.filter((r) => r.output[1] === height).reduce((s, r) => s + r.multiplyAdds, 0);
  expect(sum(512)).toBe((4 * 64 * 64 + 64 * 3) * 9 * 512 * 512);
  expect(sum(256)).toBe(10 * 64 * 64 * 9 * 256 * 256);
  expect(sum(128)).toBe(10 * 64 * 64 * 9 * 128 * 128);
  expect(sum(64)).toBe((9 * 64 * 64 + 4 * 64) * 9 * 64 * 64);
  expect((sum(512) + sum(256) + sum(128) + sum(64)) / 1e9).toBeCloseTo(70.7, 1);
  expect(rows.at(-1)?.output).toEqual([3, 512, 512]);
});

test('describeNetwork: encoder at 451×300 → latents of 57×38, rounded up at each stride', () => {
  const rows = describeNetwork(encoder(4), [3, 300, 451]);
  expect(rows.at(-1)?.output).toEqual([4, 38, 57]);
  expect(rows[2].output).toEqual([64, 150, 226]);
});

test('nano: → 283,972 and 450,192 parameters, 0.75 MB in 8 bits', () => {
  expect([parameters(nanoEncoder(4)), parameters(nanoDecoder(4))]).toEqual([283_972, 450_192]);
  expect(283_972 + 450_192).toBeLessThan(750_000);
});

test("nano: decoder at 64×64 latents → at most 1/30 of taesd's multiply-adds", () => {
  const total = (network: Network) =>
    describeNetwork(network, [4, 64, 64]).reduce((sum, row) => sum + row.multiplyAdds, 0);
  expect(total(nanoDecoder(4))).toBe(2_349_858_816);
  expect(total(decoder(4)) / total(nanoDecoder(4))).toBeGreaterThan(30);
});

test('describeNetwork: nano encoder at 451×300 → latents of 57×38, as with taesd', () => {
  const rows = describeNetwork(nanoEncoder(4), [3, 300, 451]);
  expect(rows.at(-1)?.output).toEqual([4, 38, 57]);
  expect(rows[0].output).toEqual([48, 75, 113]);
});

test('receptiveField: pixel shuffles → by hand', () => {
  expect(receptiveField([pixelShuffle(4)])).toEqual({ before: 0, after: 0 });
  expect(receptiveField([conv3x3(1, 9), pixelShuffle(3)])).toEqual({ before: 1, after: 1 });
  // Pixels of the shuffled picture reach 1, which may be over into the next cell.
  expect(receptiveField([pixelShuffle(2), conv3x3(1, 1)])).toEqual({ before: 1, after: 1 });
  expect(receptiveField([pixelUnshuffle(4), conv3x3(16, 1)])).toEqual({ before: 4, after: 4 });
});
