import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { vaeRows } from '../src/calls/vae-rows.ts';
import { fullSize } from '../src/cli/files/decoded-file.ts';
import { describeModel, modelLines } from '../src/cli/inspect/model.ts';
import { describePicture } from '../src/cli/inspect/picture.ts';
import {
  decodeLatentPng,
  decodeLatentSafetensors,
  encodeLatentPng,
  encodeLatentSafetensors,
  readLatents,
} from '../src/formats/index.ts';
import { fromVaeLatents, toVaeLatents } from '../src/latent.ts';
import { type ModelName, VARIANTS } from '../src/model/variants.ts';
import { createPreviewer } from '../src/preview/index.ts';
import { tensorRows } from '../src/rows.ts';
import { Taesd } from '../src/taesd.ts';
import type { Tensor } from '../src/tensor.ts';
import { addMadeUp } from './made-up-model.ts';
import { randomTensor, seededRandom } from './random.ts';

/*
 * No code knows that a latent is 1/8 of a picture, or that a VAE has one scale: made-up models of
 * 1/16 and 1/32, with numbers for each channel.
 */

const CHANNELS = 8;
const MEAN = [0.5, -1, 2, 0, 0.25, -0.5, 1, -2];
const STD = [2, 3, 0.5, 1, 4, 1.5, 2.5, 0.75];

/** (z − mean) / std, rounded to f32 once. */
const byHand = ({ shape, data }: Tensor): Tensor => ({
  shape,
  data: data.map((z, i) => {
    const c = Math.floor(i / (shape[2] * shape[3])) % CHANNELS;
    return (z - MEAN[c]) / STD[c];
  }),
});

describe.each([16, 32])('a made-up model of 1/%i', (downscale) => {
  const fromVae = { mean: MEAN, std: STD };
  const packed = ['tokens', 'map'] as const;
  const { name, weights, remove } = addMadeUp({
    latentChannels: CHANNELS,
    downscale,
    fromVae,
    packed,
  });
  remove();
  const latents = randomTensor(seededRandom(downscale), [1, CHANNELS, 2, 3], 2);
  const whole = { width: 3 * downscale, height: 2 * downscale };
  const cropped = { width: 2 * downscale + 1, height: downscale + 1 };
  let taesd: Taesd;
  beforeAll(async () => {
    addMadeUp({ latentChannels: CHANNELS, downscale, fromVae, packed });
    taesd = await Taesd.load({ model: name, weights });
  });
  afterAll(() => {
    taesd.dispose();
    remove();
  });
  const sizeOf = ({ width, height }: { width: number; height: number }) => ({ width, height });

  test('encode: a size that rounds up → latents of that size', async () => {
    const data = new Uint8Array(3 * cropped.width * cropped.height);
    expect((await taesd.encode({ ...cropped, data })).shape).toEqual([1, CHANNELS, 2, 3]);
  });

  test('decode, decodeRows, a previewer: → the whole picture, cropped to a size that rounds up', async () => {
    const all = await taesd.decode(latents);
    expect(sizeOf(all)).toEqual(whole);
    const part = await taesd.decode(latents, cropped);
    expect(sizeOf(part)).toEqual(cropped);
    const row = 4 * cropped.width;
    expect(part.data.subarray(0, row)).toEqual(all.data.subarray(0, row));
    let rows = 0;
    for await (const batch of taesd.decodeRows(latents, cropped)) rows += batch.rows;
    expect(rows).toBe(cropped.height);
    const shown: unknown[] = [];
    const previewer = createPreviewer(taesd, { ...cropped, onFrame: (p) => void shown.push(p) });
    previewer.push(latents);
    await previewer.idle();
    expect(shown).toEqual([part]);
  });

  test.each([
    ['width', 2 * downscale, 2 * downscale + 1, 3 * downscale],
    ['height', 2 * downscale + 1, downscale + 1, 2 * downscale],
  ])('decode: a %s of other latents → ARG with the range', async (side, size, min, max) => {
    await expect(taesd.decode(latents, { [side]: size })).rejects.toThrow(
      `decode: "${side}" expected ${min} to ${max}, which a latent of ${max / downscale} stands for, got ${size}`,
    );
  });

  test('packed tokens and maps → patches of twice the downscale', async () => {
    const map = randomTensor(seededRandom(5), [1, 4 * CHANNELS, 1, 3], 2);
    const wanted = await taesd.decode(map);
    expect(sizeOf(wanted)).toEqual({ width: 6 * downscale, height: 2 * downscale });
    const data = Float32Array.from(map.data, (_, i) => map.data[(i % 32) * 3 + Math.floor(i / 32)]);
    const tokens = { shape: [1, 3, 4 * CHANNELS], data };
    expect(await taesd.decode(tokens, { width: wanted.width, height: wanted.height })).toEqual(
      wanted,
    );
    // Rounded down to patches, as in diffusers.
    const larger = { width: wanted.width + 2 * downscale - 1 };
    expect(await taesd.decode(tokens, larger)).toEqual(wanted);
    expect(await taesd.decode(map, larger)).toEqual(wanted);
    await expect(taesd.decode(map, { width: larger.width + 1 })).rejects.toMatchObject({
      code: 'ARG',
    });
    await expect(taesd.decode(tokens, { width: 4 * downscale })).rejects.toThrow(
      `the patches of a picture of ${4 * downscale}×any, each ${2 * downscale}×${2 * downscale} pixels, got 3`,
    );
  });

  test('files: the recorded size → read again; one that does not fit → ARG', async () => {
    const file = { latents, model: name, ...cropped };
    expect(sizeOf(decodeLatentPng(encodeLatentPng(file)) as never)).toEqual(cropped);
    const bytes = encodeLatentSafetensors(file);
    expect(decodeLatentSafetensors(bytes)).toEqual(file);
    expect(await readLatents(bytes)).toMatchObject({ ...cropped, model: name });
    const nameless = encodeLatentSafetensors({ latents, ...cropped });
    expect(await readLatents(nameless)).toMatchObject({ ...cropped, model: undefined });
    const ranges = `${2 * downscale + 1}x${downscale + 1} to ${whole.width}x${whole.height}`;
    expect(() => encodeLatentPng({ ...file, width: whole.width + 1 })).toThrow(
      `"width, height" expected a size from ${ranges}, which a latent of 3x2 stands for`,
    );
  });

  test('raw numbers, with and without the model → the size of the picture', async () => {
    const bytes = new Uint8Array(latents.data.buffer);
    const raw = { shape: latents.shape, dtype: 'f32' } as const;
    expect(await readLatents(bytes, raw)).toMatchObject(whole);
    expect(await readLatents(bytes, { ...raw, model: name })).toMatchObject(whole);
    expect(fullSize(latents, undefined)).toEqual(whole);
    expect(fullSize(latents, name)).toEqual(whole);
  });

  test('the command’s findings → the latents of a picture, and the model’s numbers', () => {
    const picture = { kind: 'PNG', ...whole, data: new Uint8ClampedArray(0), notes: [] };
    const { encodesTo, decodesTo } = describePicture(picture as never);
    expect(encodesTo).toContainEqual({ shape: [1, CHANNELS, 2, 3], models: [name] });
    const scaled = { width: whole.width * downscale, height: (whole.height / 2) * downscale };
    expect(decodesTo).toContainEqual({ ...scaled, models: [name] });
    const findings = describeModel(VARIANTS[name], whole);
    expect(findings).toMatchObject({ downscale, scale: null, shift: null, mean: MEAN, std: STD });
    expect(findings.scaleUnknown).toBeNull();
    expect(findings.decoder.input).toEqual([CHANNELS, 2, 3]);
    const lines = modelLines(findings).join('\n');
    expect(lines).toContain(`8 channels, 1/${downscale} of the picture's width and height`);
    expect(lines).toContain('mean     0.5, -1, 2, 0, 0.25, -0.5, 1, -2');
  });

  test('latents of the full VAE → converted channel by channel, by every call', async () => {
    const z = randomTensor(seededRandom(9), [2, CHANNELS, 2, 3], 6);
    const x = fromVaeLatents(z, name);
    expect(x).toEqual(byHand(z));
    const back = toVaeLatents(x, name);
    for (const [i, value] of back.data.entries()) {
      expect(Math.abs(value - z.data[i])).toBeLessThan(1e-5);
    }
    const options = { output: 'tensor' } as const;
    expect(await taesd.decode(z, { ...options, space: 'vae' })).toEqual(
      await taesd.decode(x, options),
    );
    const one = { shape: [1, CHANNELS, 2, 3], data: z.data.subarray(0, 48) };
    for await (const { inputs } of taesd.steps({ ...one, space: 'vae' })) {
      expect(inputs[0]).toEqual(byHand(one));
      break;
    }
    const [rows] = await vaeRows([tensorRows(one)], async (copy) => copy, VARIANTS[name]);
    const row = new Float32Array(3 * CHANNELS);
    rows.read(1, row, CHANNELS);
    const wanted = byHand(one).data;
    expect(row).toEqual(row.map((_, i) => wanted[(i % 8) * 6 + 3 + Math.floor(i / 8)]));
  });

  test('a file in VAE space whose numbers look wrong → judged channel by channel', async () => {
    const z = toVaeLatents(randomTensor(seededRandom(3), [1, CHANNELS, 2, 3], 1.7), name);
    const read = (space: 'vae' | 'diffusion', scale = 1) =>
      readLatents(
        encodeLatentSafetensors({ latents: { ...z, data: z.data.map((v) => v * scale) } }),
        {
          model: name as ModelName,
          space,
        },
      );
    const about = (assumed: readonly string[]) => assumed.filter((s) => s.includes('root mean'));
    expect(about((await read('vae')).assumed)).toEqual([]);
    expect(about((await read('vae', 100)).assumed)).toHaveLength(1);
  });
});
