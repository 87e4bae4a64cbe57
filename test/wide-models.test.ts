import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fromVaeLatents, latentsToPicture, toVaeLatents } from '../src/latent.ts';
import { VARIANTS } from '../src/model/variants.ts';
import { decodePng, encodePng } from '../src/png/index.ts';
import { createPreviewer } from '../src/preview/index.ts';
import { readSafetensors, toTensor } from '../src/safetensors/read.ts';
import { writeSafetensors } from '../src/safetensors/write.ts';
import { Taesd } from '../src/taesd.ts';
import type { Tensor } from '../src/tensor.ts';
import { taesd as command, temporaryFolder } from './cli/command-line.ts';
import { expectClose } from './compare.ts';
import { isFullLength, rounds, testAtFullLength } from './full-length.ts';
import { readGolden, seededWeights } from './golden.ts';
import { randomTensor, seededRandom } from './random.ts';
import { SHARED_ABSENT, sharedFile, sharedIsThere, testShared } from './shared.ts';

/*
 * The models with layers of more than 64 channels: taesana, and taeqi2_1, whose pictures have
 * alpha. Their numbers are compared with PyTorch's in golden.test.ts and in conformance/.
 */

const at = temporaryFolder();

/** A picture of bytes with every alpha. */
function translucent(width: number, height: number) {
  const random = seededRandom(width * height);
  const data = Uint8Array.from({ length: 4 * width * height }, () => 127.5 * (random() + 1));
  return { width, height, data };
}

/** The numbers of a picture as a tensor. */
function tensorOf(
  { width, height, data }: ReturnType<typeof translucent>,
  channels: number,
  number: (at: number, c: number) => number,
): Tensor {
  const area = width * height;
  const numbers = Float32Array.from({ length: channels * area }, (_, i) =>
    number(4 * (i % area), Math.floor(i / area)),
  );
  expect(data).toHaveLength(4 * area);
  return { shape: [1, channels, height, width], data: numbers };
}

const shape = async (work: Promise<Tensor>) => (await work).shape;

describe.skipIf(!sharedIsThere)(`taeqi2_1 (${SHARED_ABSENT} skips it)`, () => {
  let weights: Awaited<ReturnType<typeof seededWeights>>;
  let taesd: Taesd;
  beforeAll(async () => {
    weights = await seededWeights('taeqi2_1');
    taesd = await Taesd.load({ model: 'taeqi2_1', weights, workers: 0 });
  });
  afterAll(() => taesd.dispose());

  const picture = translucent(34, 18);
  const { data } = picture;
  const latents = randomTensor(seededRandom(5), [1, 64, 2, 3], 2);

  test('encode: RGBA bytes, a tensor [1,4,H,W] → the same latents, of a 16th', async () => {
    const wanted = tensorOf(picture, 4, (pixel, c) => data[pixel + c] / 255);
    const got = await taesd.encode(picture);
    expect(got.shape).toEqual([1, 64, 2, 3]);
    expect(got).toEqual(await taesd.encode(wanted));
  });

  test('encode: RGB bytes, a tensor [1,3,H,W], alpha dropped → as with alpha 1', async () => {
    const opaque = data.map((byte, i) => (i % 4 === 3 ? 255 : byte));
    const wanted = await taesd.encode({ ...picture, data: opaque });
    const rgb = data.filter((_, i) => i % 4 < 3);
    expect(await taesd.encode({ ...picture, data: rgb })).toEqual(wanted);
    const tensor = tensorOf(picture, 3, (pixel, c) => data[pixel + c] / 255);
    expect(await taesd.encode(tensor)).toEqual(wanted);
    expect(await taesd.encode(picture, { alpha: 'drop' })).toEqual(wanted);
    expect(wanted).not.toEqual(await taesd.encode(picture));
  });

  test('encode: a background, alpha: composite → laid over it, opaque', async () => {
    for (const [options, background] of [
      [{ background: [10, 200, 90] }, [10, 200, 90]],
      [{ alpha: 'composite' }, [255, 255, 255]],
    ] as const) {
      const laid = tensorOf(picture, 3, (pixel, c) => {
        const opacity = data[pixel + 3];
        return (data[pixel + c] * opacity + background[c] * (255 - opacity)) / 255 / 255;
      });
      expect(await taesd.encode(picture, options)).toEqual(await taesd.encode(laid));
    }
  });

  test('encode, steps: odd sizes → as with the last row and column repeated once', async () => {
    const odd = translucent(33, 17);
    const even = new Uint8Array(4 * 34 * 18);
    for (let y = 0; y < 18; y++) {
      for (let x = 0; x < 34; x++) {
        const from = 4 * (Math.min(y, 16) * 33 + Math.min(x, 32));
        even.set(odd.data.subarray(from, from + 4), 4 * (y * 34 + x));
      }
    }
    const wanted = await taesd.encode({ width: 34, height: 18, data: even });
    expect(await taesd.encode(odd)).toEqual(wanted);
    let last: Tensor | undefined;
    for await (const { name, output } of taesd.steps(odd)) {
      if (name === 'encoder.0') expect(output.shape).toEqual([1, 16, 9, 17]);
      last = output;
    }
    expectClose(last as Tensor, wanted, 1e-5);
  });

  test('encode: maxSize → colours count by their alpha', async () => {
    // A transparent red pixel beside an opaque blue one: blue, half of it.
    const bytes = [255, 0, 0, 0, 0, 0, 255, 255];
    const pair = Uint8Array.from({ length: 4 * 32 * 32 }, (_, i) => bytes[i % 8]);
    const got = await taesd.encode({ width: 32, height: 32, data: pair }, { maxSize: 16 });
    const half = [0, 0, 1, 0.5];
    const numbers = Float32Array.from({ length: 4 * 256 }, (_, i) => half[Math.floor(i / 256)]);
    const wanted = await taesd.encode({ shape: [1, 4, 16, 16], data: numbers });
    expectClose(got, wanted, 1e-4);
    const clear = pair.map((byte, i) => (i % 4 === 3 ? 0 : byte === 0 ? 188 : byte));
    const small = await taesd.encode({ width: 32, height: 32, data: clear }, { maxSize: 16 });
    expect(small.data.every(Number.isFinite)).toBe(true);
  });

  test('decode: → alpha clamped and rounded as colours are; rows, a preview alike', async () => {
    const tensor = await taesd.decode(latents, { output: 'tensor' });
    expect(tensor.shape).toEqual([1, 4, 32, 48]);
    const size = { width: 37, height: 30 };
    const decoded = await taesd.decode(latents, size);
    const wanted = Uint8ClampedArray.from({ length: 4 * 37 * 30 }, (_, i) => {
      const [c, pixel] = [i % 4, Math.floor(i / 4)];
      const [y, x] = [Math.floor(pixel / 37), pixel % 37];
      return Math.floor(tensor.data[(c * 32 + y) * 48 + x] * 255 + 0.5);
    });
    expect(decoded.data).toEqual(wanted);
    expect(new Set(decoded.data.filter((_, i) => i % 4 === 3)).size).toBeGreaterThan(20);
    const rows: number[] = [];
    for await (const band of taesd.decodeRows(latents, size)) rows.push(...band.data);
    expect(Uint8ClampedArray.from(rows)).toEqual(wanted);
    const frames: Uint8ClampedArray[] = [];
    const previewer = createPreviewer(taesd, { ...size, onFrame: (f) => void frames.push(f.data) });
    previewer.push(latents);
    await previewer.idle();
    expect(frames).toEqual([wanted]);
    let last: Tensor | undefined;
    for await (const { output } of taesd.steps(latents)) last = output;
    expectClose(last as Tensor, tensor, 1e-5);
  });

  test('1 to 3 workers → the bytes of one thread', async () => {
    const tall = randomTensor(seededRandom(6), [1, 64, 7, 2], 2);
    const wanted = await taesd.decode(tall);
    const encoded = await taesd.encode(translucent(32, 112));
    for (const workers of [3, 2, 1].slice(0, rounds(1, 3))) {
      const shared = await Taesd.load({ model: 'taeqi2_1', weights, workers });
      expect((await shared.decode(tall)).data).toEqual(wanted.data);
      expect(await shared.encode(translucent(32, 112))).toEqual(encoded);
      expect(shared.info.workers).toBe(workers);
      shared.dispose();
    }
  });

  test('other tensors → SHAPE', async () => {
    const five = { shape: [1, 5, 4, 4], data: new Float32Array(80) };
    await expect(taesd.encode(five)).rejects.toMatchObject({
      code: 'SHAPE',
      message: 'encode: "image" expected shape [N,4 or 3,H,W], values in [0,1], got [1,5,4,4]',
    });
    expect(await shape(taesd.encode({ shape: [1, 4, 2, 2], data: new Float32Array(16) }))).toEqual([
      1, 64, 1, 1,
    ]);
  });

  testAtFullLength(
    'one file of both halves, the clamp not counted → the same pictures',
    async () => {
      const named = (half: 'encoder' | 'decoder', shift: number) =>
        [...readSafetensors(weights[half]).tensors].map(([name, stored]) => {
          const [layer, ...inner] = name.split('.');
          const key = `${half}.layers.${Number(layer) - shift}.${inner.join('.')}`;
          return [key, toTensor(stored, name)] as const;
        });
      const both = writeSafetensors([...named('encoder', 0), ...named('decoder', 1)]);
      const other = await Taesd.load({ model: 'taeqi2_1', weights: both, workers: 0 });
      expect((await other.decode(latents)).data).toEqual((await taesd.decode(latents)).data);
      expect(await other.encode(picture)).toEqual(await taesd.encode(picture));
      other.dispose();
    },
  );

  test('halves swapped → SHAPE; of another model → its name', async () => {
    for (const only of ['encoder', 'decoder'] as const) {
      const wrong = weights[only === 'encoder' ? 'decoder' : 'encoder'];
      const swapped = Taesd.load({ model: 'taeqi2_1', only, weights: { [only]: wrong } });
      await expect(swapped).rejects.toMatchObject({
        code: 'SHAPE',
        message: expect.stringMatching(
          `^Taesd.load: ${only}: "file" expected tensors of the ${only}, got only `,
        ),
      });
    }
    const { decoder } = weights;
    const taken = Taesd.load({ model: 'taesana', only: 'decoder', weights: { decoder } });
    await expect(taken).rejects.toThrow(
      '"decoder 1.weight" expected shape [256,32,3,3], got [256,64,3,3] (weights of taeqi2_1?)',
    );
  });

  testAtFullLength('roundtrip: a PNG with alpha → a PNG with alpha', async () => {
    writeFileSync(at('taeqi2_1_encoder.safetensors'), weights.encoder);
    writeFileSync(at('taeqi2_1_decoder.safetensors'), weights.decoder);
    writeFileSync(at('in.png'), encodePng(translucent(33, 17)));
    const args = ['--model', 'taeqi2_1', '--weights', at('.'), '--float', '--workers', '0'];
    const made = command(['roundtrip', at('in.png'), '-o', at('out.png'), ...args]);
    expect(made.code, made.stderr).toBe(0);
    const { data: bytes, ...size } = decodePng(readFileSync(at('out.png')));
    expect(size).toMatchObject({ width: 33, height: 17 });
    const wanted = await taesd.decode(await taesd.encode(translucent(33, 17)), {
      width: 33,
      height: 17,
    });
    expect([...bytes]).toEqual([...wanted.data]);
  });
});

const testLate = isFullLength ? testShared : () => undefined;
testLate('taesana: 1 to 3 workers → the bytes of one thread', async () => {
  const weights = await seededWeights('taesana');
  const latents = randomTensor(seededRandom(7), [1, 32, 3, 1], 2);
  const alone = await Taesd.load({ model: 'taesana', weights, workers: 0 });
  const wanted = await alone.decode(latents);
  expect([wanted.width, wanted.height]).toEqual([32, 96]);
  for (const workers of [1, 2, 3]) {
    const shared = await Taesd.load({ model: 'taesana', weights, workers });
    expect((await shared.decode(latents)).data).toEqual(wanted.data);
    shared.dispose();
  }
  alone.dispose();
});

for (const file of ['taesana-astronaut-130x101', 'taeqi2_1-astronaut-alpha-130x102']) {
  testShared(`latentsToPicture: ${file} → the tiles that PyTorch made`, () => {
    const golden = readGolden(`family/${file}`);
    const { width, height, data } = latentsToPicture(golden('latents'));
    const tiles = golden('latent_png');
    expect([4, height, width]).toEqual(tiles.shape);
    const planes = Uint8Array.from(tiles.data, (_, i) => {
      const area = width * height;
      return data[4 * (i % area) + Math.floor(i / area)];
    });
    expect([...planes]).toEqual([...tiles.data]);
  });
}

testShared('encode: taesana, astronaut 512×512, real weights → max |Δ| < 1e-4', async () => {
  const encoder = sharedFile('weights/taesana_encoder.pth');
  const taesd = await Taesd.load({ model: 'taesana', weights: { encoder }, only: 'encoder' });
  const golden = readGolden('family/taesana-encoder-astronaut-512x512');
  const image = golden('image');
  const latents = await taesd.encode({ ...image, data: image.data.map((byte) => byte / 255) });
  const off = expectClose(latents, golden('latents'), 1e-4);
  console.log(`taesana, encoder, 512×512: off by ${off.toExponential(1)}`);
  taesd.dispose();
});

test('fromVaeLatents: taeqi2_1, taesana → (z − mean) / std, z · 0.41407, and back', () => {
  const z = randomTensor(seededRandom(8), [1, 64, 1, 2], 3);
  const { fromVae } = VARIANTS.taeqi2_1;
  if (!('mean' in fromVae)) throw new Error('no means');
  const x = fromVaeLatents(z, 'taeqi2_1');
  expect([fromVae.mean.length, fromVae.std.length]).toEqual([64, 64]);
  expect([fromVae.mean[0], fromVae.mean[63]]).toEqual([0.5126, 0.0304]);
  expect([fromVae.std[0], fromVae.std[63]]).toEqual([3.2001, 3.8161]);
  expect(x.data[127]).toBe(Math.fround((z.data[127] - 0.0304) / 3.8161));
  expectClose(toVaeLatents(x, 'taeqi2_1'), z, 1e-5);
  const one = { shape: [1, 32, 1, 1], data: new Float32Array(32).fill(2) };
  expect(fromVaeLatents(one, 'taesana').data[31]).toBe(Math.fround(2 * 0.41407));
});
