import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ImageLike, Picture } from '../src/options/types.ts';
import { decodePng } from '../src/png/index.ts';
import { readSafetensors } from '../src/safetensors/read.ts';
import { Taesd } from '../src/taesd.ts';
import type { Tensor } from '../src/tensor.ts';
import { expectClose } from './compare.ts';
import { sampled } from './full-length.ts';
import { readGolden, realWeights } from './golden.ts';
import { randomTensor, seededRandom } from './random.ts';
import { sharedFile, testShared } from './shared.ts';

// Typed here: a script without types.
const { expand }: { expand(bytes: Uint8Array): Uint8Array } = await import(
  '../weights/nano/expand.mjs' as string
);

/*
 * The small model of the package: that it is found where nothing else is, and what it makes of
 * pictures that it was not trained on.
 */

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'taesd-nano-'));
const before = { ...process.env };

beforeAll(() => {
  // No weights anywhere.
  process.env.TAESD_WEIGHTS = '';
  for (const name of ['XDG_CACHE_HOME', 'LOCALAPPDATA', 'HOME']) process.env[name] = folder;
});
afterAll(() => {
  process.env = before;
  rmSync(folder, { recursive: true });
});

const module = async () => await import(pathToFileURL(join(DIST, 'nano.js')).href);

test('nano(): the bytes of weights/nano, at most 1.5 MB', async () => {
  const { model, weights } = (await module()).nano();
  expect(model).toBe('nano');
  let total = 0;
  for (const part of ['encoder', 'decoder']) {
    const file = new URL(`../weights/nano/nano_${part}.safetensors`, import.meta.url);
    expect(Buffer.compare(weights[part], readFileSync(file)), part).toBe(0);
    total += weights[part].length;
  }
  expect(total).toBeLessThanOrEqual(1.5e6);
});

/** Repeats the last column and row up to 16×8. */
function extended({ width, height, data }: ImageLike): ImageLike {
  const at = (i: number) =>
    3 * (Math.min(i >> 4, height - 1) * width + Math.min(i & 15, width - 1));
  const pixels = Array.from({ length: 128 }, (_, i) => [...data.subarray(at(i), at(i) + 3)]);
  return { width: 16, height: 8, data: Uint8Array.from(pixels.flat()) };
}

test('encode, steps: 13×5, also as a tensor → the latents of its last column and row repeated', async () => {
  const { nano } = await module();
  const taesd = await Taesd.load({ ...nano(), workers: 0 });
  const data = Uint8Array.from({ length: 13 * 5 * 3 }, (_, i) => (i * 37) % 256);
  const small = { width: 13, height: 5, data };
  const wanted = await taesd.encode(extended(small));
  expect(await taesd.encode(small)).toEqual(wanted);
  const plane = (c: number) => [...data].filter((_, i) => i % 3 === c).map((byte) => byte / 255);
  const tensor = { shape: [1, 3, 5, 13], data: Float32Array.from([0, 1, 2].flatMap(plane)) };
  expect(await taesd.encode(tensor)).toEqual(wanted);
  let last: Tensor | undefined;
  for await (const step of taesd.steps(small)) last = step.output;
  expect(last).toEqual(wanted);
  taesd.dispose();
});

describe('load', () => {
  test('Taesd.load: no model named, no weights anywhere → nano, and info says so', async () => {
    const taesd = await Taesd.load();
    expect(taesd.info).toMatchObject({ model: 'nano', weights: 'the package' });
  });

  test("Taesd.load: model: 'nano', nano() and its files in a folder → the same latents", async () => {
    const image = randomTensor(seededRandom(1), [1, 3, 16, 24]);
    const { nano } = await module();
    const weights = fileURLToPath(new URL('../weights/nano', import.meta.url));
    const [named, ...others] = await Promise.all(
      [{ model: 'nano' as const }, nano(), { model: 'nano' as const, weights }].map(
        async (options) => (await Taesd.load(options)).encode(image, { range: '[-1,1]' }),
      ),
    );
    expect(named.shape).toEqual([1, 4, 2, 3]);
    for (const other of others) expect(other).toEqual(named);
  });

  test('Taesd.load: nothing found, only a model named → ARG, never nano', async () => {
    await expect(Taesd.load({ model: 'taesd' })).rejects.toMatchObject({ code: 'ARG' });
  });

  test('Taesd.load: a package without nano.js → ARG saying what to hand over', () => {
    const dist = join(folder, 'dist');
    cpSync(DIST, dist, { recursive: true });
    rmSync(join(dist, 'nano.js'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const script = `
      import { Taesd } from ${JSON.stringify(pathToFileURL(join(dist, 'index.js')).href)};
      await Taesd.load().catch(({ code, message }) => console.log(code, message));`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      env: process.env,
    });
    expect(stdout).toMatch(
      /^ARG Taesd\.load: "weights of nano" expected the package's nano\.js, got Cannot find module .+ \(Taesd\.load\(nano\(\)\) with nano from taesd-wasm\/nano; keep the package out of a server's bundle: .+; in a checkout, "npm run build"\)\n$/,
    );
  });
});

test('nano [wasm]: its weights, 45×27 pixels → within 1e-5 of the reference, there and back', async () => {
  const [wasm, reference] = await Promise.all(
    (['wasm', 'reference'] as const).map((backend) =>
      Taesd.load({ model: 'nano', backend, workers: 0 }),
    ),
  );
  const random = randomTensor(seededRandom(2), [1, 3, 27, 45], 0.5);
  const image: Tensor = { ...random, data: random.data.map((value) => value + 0.5) };
  const latents = await reference.encode(image);
  expectClose(await wasm.encode(image), latents, 1e-5);
  const raw = { output: 'tensor' } as const;
  expectClose(await wasm.decode(latents, raw), await reference.decode(latents, raw), 1e-5);
});

/** Latents that PyTorch encoded, of which decoded pictures are known. */
const GOLDEN = sampled(
  ['taesd-random-latent-13x5', 'taesd-random-latent-2x3'],
  ['taesd-random-latent-7x1', 'taesd-chelsea-451x300', 'taesd-astronaut-512x512'],
);

for (const name of GOLDEN) {
  testShared(`nano [wasm, fast]: the latents of ${name} → 55 dB against f32`, async () => {
    const latents = readGolden(name)('latents');
    const [f32, fast] = await Promise.all(
      (['f32', 'fast'] as const).map(async (precision) => {
        const nano = await Taesd.load({ model: 'nano', precision, workers: 0 });
        return nano.decode(latents);
      }),
    );
    expect(psnr(f32, fast)).toBeGreaterThanOrEqual(55);
  });
}

/** Peak signal to noise ratio of a decoded picture against the original, both RGBA bytes, in dB. */
function psnr(original: ImageLike, decoded: Picture): number {
  let sum = 0;
  for (const [i, value] of decoded.data.entries()) {
    if (i % 4 < 3) sum += (value - Number(original.data[i])) ** 2;
  }
  return 10 * Math.log10((255 ** 2 * decoded.data.length * 0.75) / sum);
}

const PICTURES = ['astronaut', 'chelsea'] as const;
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;

/** The latents of the real `taesd`, made once. */
let realLatents: Promise<Tensor[]> | undefined;
/** Encodes the pictures with a real model. */
async function encodedBy(model: 'taesd' | 'taesdxl'): Promise<Tensor[]> {
  const taesd = await Taesd.load({ model, weights: realWeights(model), only: 'encoder' });
  const latents: Tensor[] = [];
  for (const name of PICTURES) {
    latents.push(await taesd.encode(decodePng(sharedFile(`images/${name}.png`))));
  }
  taesd.dispose();
  return latents;
}

// Taesd's own latents of two large pictures take seconds: in the slow suite.
for (const precision of sampled([], ['f32', 'fast'] as const)) {
  testShared(
    `nano [wasm, ${precision}]: astronaut and chelsea → 25.0 dB from latents of taesd and 24.5 dB from its own, on average`,
    async () => {
      const nano = await Taesd.load({ model: 'nano', precision });
      realLatents ??= encodedBy('taesd');
      const taesdLatents = await realLatents;
      const real: number[] = [];
      const own: number[] = [];
      for (const [index, name] of PICTURES.entries()) {
        const image = decodePng(sharedFile(`images/${name}.png`));
        const { width, height } = image;
        real.push(psnr(image, await nano.decode(taesdLatents[index], { width, height })));
        own.push(psnr(image, await nano.decode(await nano.encode(image), { width, height })));
      }
      console.log(
        `nano, ${precision}: ${mean(real).toFixed(2)} dB from latents of taesd (${real.map((value) => value.toFixed(2))}), ${mean(own).toFixed(2)} dB from its own (${own.map((value) => value.toFixed(2))})`,
      );
      expect(mean(real)).toBeGreaterThanOrEqual(25);
      expect(mean(own)).toBeGreaterThanOrEqual(24.5);
    },
  );
}

// `Taesd.load` does not know this model yet. Its layers are those of `nano`, which runs them here.
testShared(
  'nano-sdxl: latents of taesdxl, astronaut and chelsea → at least 25.8 dB in the mean',
  async () => {
    const file = new URL('../weights/nano/nano-sdxl_decoder.safetensors', import.meta.url);
    const stored = readFileSync(file);
    expect(stored.length).toBeLessThan(470_000);
    const decoder = expand(new Uint8Array(stored));
    expect(readSafetensors(decoder).tensors.get('1.weight')?.shape).toEqual([64, 4, 3, 3]);
    const nano = await Taesd.load({ model: 'nano', weights: { decoder }, only: 'decoder' });
    const latents = await encodedBy('taesdxl');
    const figures: number[] = [];
    for (const [index, name] of PICTURES.entries()) {
      const image = decodePng(sharedFile(`images/${name}.png`));
      const { width, height } = image;
      figures.push(psnr(image, await nano.decode(latents[index], { width, height })));
    }
    if (process.env.MEASURE) console.log(figures);
    expect(mean(figures)).toBeGreaterThan(25.8);
    expect(Math.min(...figures)).toBeGreaterThan(23.8);
    nano.dispose();
  },
);
