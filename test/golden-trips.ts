import { afterAll, expect } from 'vitest';
import type { Backend } from '../src/backend/backend.ts';
import { referenceBackend } from '../src/backend/reference.ts';
import { createWasmBackend } from '../src/backend/wasm/wasm-backend.ts';
import { dequantizeLatents, quantizeLatents } from '../src/latent.ts';
import { type ModelName, VARIANTS } from '../src/model/variants.ts';
import type { Picture } from '../src/options/types.ts';
import { Taesd } from '../src/taesd.ts';
import type { Tensor } from '../src/tensor.ts';
import { expectClose, largestDifference } from './compare.ts';
import { isFullLength } from './full-length.ts';
import { readGolden, realNetwork, seededWeights, unitRange } from './golden.ts';
import { runNetwork } from './run-program.ts';
import { testShared } from './shared.ts';

/*
 * The whole networks against tensors that the public PyTorch reference computed on the real
 * weights. WASM's are quick, the reference backend's slow.
 */

export const BOUND = 1e-4;

interface GoldenTrip {
  readonly file: string;
  readonly model: ModelName;
  /**
   * In the slow suite alone, and not on the reference backend: too large, or another file takes the
   * same paths. `taesd3` has the layers of `taef1`.
   */
  readonly large?: boolean;
  /** In the slow suite alone. */
  readonly slow?: boolean;
}

/** The whole trips. In the quick suite `cli/real-files.test.ts` compares one of the large ones. */
export const TRIPS: readonly GoldenTrip[] = [
  { file: 'taesd-astronaut-512x512', model: 'taesd', large: true },
  { file: 'taesd-chelsea-451x300', model: 'taesd', large: true },
  { file: 'taesdxl-astronaut-128x96', model: 'taesdxl', slow: true },
  { file: 'taesd3-astronaut-128x96', model: 'taesd3', large: true },
  { file: 'taef1-astronaut-128x96', model: 'taef1' },
  { file: 'taef2-astronaut-128x96', model: 'taef2', slow: true },
  { file: 'family/taef2-astronaut-130x101', model: 'taef2', slow: true },
  { file: 'family/taesana-astronaut-128x96', model: 'taesana', large: true },
  { file: 'family/taesana-astronaut-130x101', model: 'taesana', slow: true },
  { file: 'family/taeqi2_1-logo-128x96', model: 'taeqi2_1', large: true },
  { file: 'family/taeqi2_1-logo-alpha-128x96', model: 'taeqi2_1', large: true },
  { file: 'family/taeqi2_1-astronaut-alpha-130x102', model: 'taeqi2_1', slow: true },
];
const LATENTS_ALONE: readonly { file: string; model: ModelName }[] = [
  ...['1x1', '7x1', '2x3', '13x5'].map(
    (size) => ({ file: `taesd-random-latent-${size}`, model: 'taesd' }) as const,
  ),
  ...['random-latent-1x1', 'random-latent-7x1', 'random-latent-13x5', 'packed-4x3'].map(
    (what) => ({ file: `family/taef2-${what}`, model: 'taef2' }) as const,
  ),
];
const LAYERS = [
  { file: 'taesd-layers-32x32', model: 'taesd' },
  { file: 'family/taef2-layers-32x32', model: 'taef2' },
] as const;

export const measured: string[] = [];

function note(backend: string, file: string, values: Record<string, number>): void {
  const text = Object.entries(values).map(([name, value]) => `${name} ${value.toExponential(1)}`);
  measured.push(`  ${backend.padEnd(9)} ${file.padEnd(26)} ${text.join('   ')}`);
}

/** What the picture's bytes should be: the golden output clamped and rounded to nearest. */
const goldenBytes = ({ data }: Tensor) =>
  Array.from(data, (value) => Math.round(Math.min(Math.max(value, 0), 1) * 255));

/** The planes of a picture, in the order of a tensor: RGB, or RGBA of `channels` 4. */
export function planes(
  { width, height, data }: { width: number; height: number; data: ArrayLike<number> },
  channels = 3,
) {
  const count = width * height;
  const bytes = new Uint8Array(channels * count);
  for (let i = 0; i < bytes.length; i++) bytes[i] = data[4 * (i % count) + Math.floor(i / count)];
  return bytes;
}

/** What a model makes of a golden picture, and of its golden latents: numbers and bytes. */
interface Trip {
  readonly latents: Tensor;
  readonly decoded: Tensor;
  readonly picture: Picture;
}

const tripsOnWasm = new Map<string, Trip>();

/**
 * Those of WASM in f32 are made once for a file: they are compared with PyTorch's and with `fast`.
 */
export async function trip(taesd: Taesd, file: string): Promise<Trip> {
  const isKept = taesd.info.backend === 'wasm' && taesd.info.precision === 'f32';
  const kept = isKept ? tripsOnWasm.get(file) : undefined;
  if (kept !== undefined) return kept;
  const golden = readGolden(file);
  const made = {
    latents: await taesd.encode(unitRange(golden('image'))),
    decoded: await taesd.decode(golden('latents'), { output: 'tensor' }),
    picture: await taesd.decode(golden('latents')),
  };
  if (isKept) tripsOnWasm.set(file, made);
  return made;
}

/** The tests of one backend. */
export function testGolden(backend: 'wasm' | 'reference'): void {
  afterAll(() => {
    if (measured.length > 0)
      console.log(`largest differences to PyTorch; fast against f32\n${measured.join('\n')}`);
  });
  for (const { file, model, large, slow } of TRIPS) {
    if (large && (backend === 'reference' || !isFullLength)) continue;
    if (slow && !isFullLength) continue;

    testShared(
      `Taesd [${backend}]: ${file} → latents and decoded max |Δ| < 1e-4, bytes within 1`,
      async () => {
        const golden = readGolden(file);
        const taesd = await Taesd.load({ model, weights: await seededWeights(model), backend });
        const { latents, decoded, picture } = await trip(taesd, file);
        const latentsOff = expectClose(latents, golden('latents'), BOUND);
        // The reference's own bytes; a value that lies on a rounding tie may fall to either side.
        const stepsOff = largestDifference(
          quantizeLatents(latents.data),
          golden('latents_u8').data,
        );
        expect(stepsOff).toBeLessThanOrEqual(1);

        const decodedOff = expectClose(decoded, golden('decoded'), BOUND);
        const [, channels] = decoded.shape;

        const bytes = golden('latents_u8');
        const fromBytes = {
          shape: bytes.shape,
          data: dequantizeLatents(Uint8Array.from(bytes.data)),
        };
        const decodedBytes = await taesd.decode(fromBytes, { output: 'tensor' });
        const fromBytesOff = expectClose(decodedBytes, golden('decoded_from_u8'), BOUND);

        if (backend === 'wasm') {
          for (const [found, output] of [
            [picture, 'decoded'],
            [await taesd.decode(fromBytes), 'decoded_from_u8'],
          ] as const) {
            const off = largestDifference(planes(found, channels), goldenBytes(golden(output)));
            expect(off, `bytes of ${output}`).toBeLessThanOrEqual(1);
          }
        }
        note(backend, file, {
          latents: latentsOff,
          decoded: decodedOff,
          decoded_from_u8: fromBytesOff,
        });
        taesd.dispose();
      },
    );
  }

  for (const { file, model } of LATENTS_ALONE) {
    testShared(`Taesd [${backend}]: ${file} → decoded max |Δ| < 1e-4`, async () => {
      const golden = readGolden(file);
      const weights = await seededWeights(model);
      const taesd = await Taesd.load({ model, weights, backend, only: 'decoder' });
      const decoded = await taesd.decode(golden('latents'), { output: 'tensor' });
      note(backend, file, { decoded: expectClose(decoded, golden('decoded'), BOUND) });
      taesd.dispose();
    });
  }

  for (const { file, model } of LAYERS) {
    testShared(`Program [${backend}]: ${file} → every layer max |Δ| < 1e-4`, async () => {
      const golden = readGolden(file);
      const place: Backend = backend === 'wasm' ? await createWasmBackend() : referenceBackend;
      for (const part of ['encoder', 'decoder'] as const) {
        let x = part === 'encoder' ? unitRange(golden('image')) : golden('encoder.14');
        const off: number[] = [];
        for (const [index, bound] of (await realNetwork(VARIANTS[model], part)).entries()) {
          // Each layer by itself, on what the layers before it gave here.
          x = await runNetwork(place, [bound], x);
          off.push(expectClose(x, golden(`${part}.${index}`), BOUND));
        }
        note(backend, `${file} ${part}`, { layers: Math.max(...off) });
      }
    });
  }
}
