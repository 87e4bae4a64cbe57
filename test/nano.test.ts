import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LatentSpace, type NanoName, VARIANTS } from '../src/model/variants.ts';
import type { ImageLike, Picture } from '../src/options/types.ts';
import { decodePng } from '../src/png/index.ts';
import { Taesd } from '../src/taesd.ts';
import { type Tensor, zeros } from '../src/tensor.ts';
import { expectClose } from './compare.ts';
import { sampled } from './full-length.ts';
import { readGolden, realWeights } from './golden.ts';
import { randomTensor, seededRandom } from './random.ts';
import { sharedFile, testShared } from './shared.ts';

/*
 * The small models of the package: that they are found where nothing else is, and what they make of
 * pictures that they were not trained on.
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

const module = async (file = 'nano.js') => await import(pathToFileURL(join(DIST, file)).href);

test.each([
  ['nano', 'nano', ['encoder', 'decoder'], 770_000],
  ['nano-sdxl', 'nanoSdxl', ['decoder'], 470_000],
  ['nano-sd3', 'nanoSd3', ['decoder'], 470_000],
  ['nano-flux1', 'nanoFlux1', ['decoder'], 470_000],
])('%s: %s() → the bytes of weights/nano, %j, at most %i', async (name, made, halves, limit) => {
  const { model, weights } = (await module(`${name}.js`))[made]();
  expect(model).toBe(name);
  expect(Object.keys(weights)).toEqual(halves);
  let total = 0;
  for (const half of halves) {
    const file = new URL(`../weights/nano/${name}_${half}.safetensors`, import.meta.url);
    expect(Buffer.compare(weights[half], readFileSync(file)), half).toBe(0);
    total += weights[half].length;
  }
  expect(total).toBeLessThanOrEqual(limit);
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

  test('Taesd.load: nano-sdxl by name, by nanoSdxl() and in a folder → the decoder alone', async () => {
    const latents = randomTensor(seededRandom(3), [1, 4, 3, 2]);
    const { nanoSdxl } = await module('nano-sdxl.js');
    const model = 'nano-sdxl' as const;
    const weights = fileURLToPath(new URL('../weights/nano', import.meta.url));
    const all = await Promise.all(
      [{ model }, nanoSdxl(), { model, weights }].map((options) =>
        Taesd.load({ ...options, workers: 0 }),
      ),
    );
    const pictures = await Promise.all(all.map((one) => one.decode(latents)));
    for (const [n, one] of all.entries()) {
      expect(one.info).toMatchObject({ model, parts: ['decoder'] });
      expect(pictures[n]).toEqual(pictures[0]);
    }
    expect(all[0].info.weights).toBe('the package');
    await expect(all[0].encode(pictures[0])).rejects.toMatchObject({
      code: 'ARG',
      message:
        'encode: "encoder" expected an instance with its encoder, got one with the decoder alone ' +
        "(taesdxl encodes for these latents: load({ model: 'taesdxl' }))",
    });
    expect(await all[0].decode(latents)).toEqual(pictures[0]);
  });

  test.each([
    ['nano-sdxl', 'taesdxl'],
    ['nano-sd3', 'taesd3'],
    ['nano-flux1', 'taef1'],
  ] as const)("Taesd.load: only: 'encoder' of %s → ARG that names %s", async (model, other) => {
    await expect(Taesd.load({ model, only: 'encoder' })).rejects.toMatchObject({
      code: 'ARG',
      message:
        `Taesd.load: "encoder" expected a model that has one, got ${model} ` +
        `(${other} encodes for these latents: load({ model: '${other}' }))`,
    });
    const small = await Taesd.load({ model, only: 'decoder', workers: 0 });
    const { latentChannels } = VARIANTS[model];
    const { width, height } = await small.decode(zeros([1, latentChannels, 2, 3]));
    expect([width, height]).toEqual([24, 16]);
    small.dispose();
  });

  /** Copies the package without some of its files, and runs a script with its `Taesd`. */
  function without(files: readonly string[], code: string): string {
    const dist = join(folder, 'dist');
    cpSync(DIST, dist, { recursive: true });
    for (const file of files) rmSync(join(dist, file));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const script = `
      import { Taesd } from ${JSON.stringify(pathToFileURL(join(dist, 'index.js')).href)};
      ${code}`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      env: process.env,
    });
    return stdout;
  }

  test('Taesd.load: nano-sdxl in a package without the other small models → it fetches none of them', () => {
    const others = ['nano.js', 'nano-sd3.js', 'nano-flux1.js'];
    const code = `
      const { info } = await Taesd.load({ model: 'nano-sdxl', workers: 0 });
      console.log(info.model, info.weights);
      await Taesd.load({ model: 'nano-flux1' }).catch(({ code, message }) => console.log(code, message));`;
    expect(without(others, code)).toMatch(
      /^nano-sdxl the package\nARG Taesd\.load: "weights of nano-flux1" expected the package's nano-flux1\.js, got Cannot find module .+ \(Taesd\.load\(nanoFlux1\(\)\) with nanoFlux1 from taesd-wasm\/nano-flux1; .+\)\n$/,
    );
  });

  test('Taesd.load: a package without nano.js → ARG saying what to hand over', () => {
    const code = 'await Taesd.load().catch(({ code, message }) => console.log(code, message));';
    const stdout = without(['nano.js'], code);
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
async function encodedBy(model: LatentSpace): Promise<Tensor[]> {
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
    `nano [wasm, ${precision}]: astronaut and chelsea → 25.4 dB from latents of taesd and 24.5 dB from its own, on average`,
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
      expect(mean(real)).toBeGreaterThanOrEqual(25.4);
      expect(mean(own)).toBeGreaterThanOrEqual(24.5);
    },
  );
}

/** The small decoders of other spaces, and their least mean PSNR in dB. */
const DECODERS: readonly (readonly [NanoName, number])[] = [
  ['nano-sdxl', 25.5],
  ...sampled<readonly [NanoName, number]>(
    [],
    [
      ['nano-sd3', 28],
      ['nano-flux1', 27.3],
    ],
  ),
];
for (const [model, bound] of DECODERS) {
  const { space } = VARIANTS[model];
  testShared(
    `${model}: latents of ${space}, astronaut and chelsea → at least ${bound} dB in the mean`,
    async () => {
      const nano = await Taesd.load({ model });
      const latents = await encodedBy(space);
      const figures: number[] = [];
      for (const [index, name] of PICTURES.entries()) {
        const image = decodePng(sharedFile(`images/${name}.png`));
        const { width, height } = image;
        figures.push(psnr(image, await nano.decode(latents[index], { width, height })));
      }
      nano.dispose();
      const each = figures.map((value) => value.toFixed(2));
      console.log(`${model}: ${mean(figures).toFixed(2)} dB from latents of ${space} (${each})`);
      expect(mean(figures)).toBeGreaterThanOrEqual(bound);
    },
  );
}
