import { gzipSync } from 'node:zlib';
import type { ReadLatentsOptions } from '../../src/formats/index.ts';
import {
  comfyByHand,
  musubiByHand,
  npyByHand,
  npzByHand,
  safetensorsByHand,
} from './files-by-hand.ts';
import { type FloatType, integers, type Numbers, seededNumbers } from './seeded-numbers.ts';
import { dict, torchByHand } from './torch-by-hand.ts';

/*
 * A file of each row of the table of formats, with what readLatents must make of it.
 */

/** A file and the result it must have. */
export interface LatentCase {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly options?: ReadLatentsOptions;
  readonly values: Float32Array;
  readonly shape: readonly number[];
  readonly space: 'diffusion' | 'vae';
  readonly model?: string;
  readonly source: RegExp;
  /** A pattern for each sentence, in their order. */
  readonly assumed: readonly RegExp[];
}

/** Numbers of a VAE are larger: the usual spread is that after the scale. */
const VAE_MAGNITUDE = 8;

const SPACE = /does not say its space; diffusion space is assumed/;
const MODEL = /does not say its model/;
const HALF: readonly FloatType[] = ['F32', 'F16', 'BF16'];

let seed = 100;
const plain = (dtype: FloatType, shape: readonly number[]) => seededNumbers(dtype, shape, seed++);
const wide = (dtype: FloatType, shape: readonly number[]) =>
  seededNumbers(dtype, shape, seed++, VAE_MAGNITUDE);

const comfy = (numbers: Numbers, shape = numbers.shape): LatentCase => ({
  name: `ComfyUI, ${numbers.dtype} [${numbers.shape}]`,
  bytes: comfyByHand(numbers),
  values: numbers.values,
  shape,
  space: 'vae',
  source: new RegExp(`^ComfyUI latent, ${numbers.dtype}$`),
  assumed: [MODEL],
});

const oldComfy = (numbers: Numbers): LatentCase => ({
  ...comfy(numbers),
  name: `ComfyUI without its marker, ${numbers.dtype}`,
  bytes: comfyByHand(numbers, { isMarked: false }),
  space: 'diffusion',
  model: 'taesd',
  source: new RegExp(`ComfyUI.*${numbers.dtype}`),
  assumed: [],
});

const generic = (numbers: Numbers, shape = numbers.shape): LatentCase => ({
  name: `safetensors, ${numbers.dtype} [${numbers.shape}]`,
  bytes: safetensorsByHand([['x', numbers]]),
  values: numbers.values,
  shape,
  space: 'diffusion',
  source: new RegExp(`"x", ${numbers.dtype}$`),
  assumed: [SPACE, MODEL],
});

function severalTensors(): LatentCase {
  const [a, b] = [plain('F32', [1, 4, 3, 2]), plain('F16', [4, 2, 5])];
  return {
    ...generic(b, [1, 4, 2, 5]),
    name: 'safetensors, two tensors, one named',
    bytes: safetensorsByHand([
      ['a', a],
      ['x', b],
      ['count', integers('I64', [7])],
    ]),
    options: { tensor: 'x' },
  };
}

function besideIntegers(): LatentCase {
  const numbers = plain('F32', [4, 3, 2]);
  const bytes = safetensorsByHand([
    ['steps', integers('I64', [1, 2])],
    ['x', numbers],
  ]);
  return { ...generic(numbers, [1, 4, 3, 2]), name: 'safetensors, one float tensor of two', bytes };
}

const musubi = (architecture: string, shape: number[]): LatentCase => {
  const numbers = plain('BF16', shape);
  const [h, w] = shape.slice(-2);
  const frames = shape.length === 4 ? '1x' : '';
  return {
    name: `musubi-tuner, ${architecture} [${shape}]`,
    bytes: musubiByHand(
      [
        [`latents_${frames}${h}x${w}_bf16`, numbers],
        [`latents_control_0_${frames}${h}x${w}_bf16`, plain('BF16', shape)],
        [`mask_weights_${frames}${h}x${w}_bf16`, plain('BF16', [1, 1, h, w])],
      ],
      architecture,
      [8 * w, 8 * h],
    ),
    values: numbers.values,
    shape: [1, 16, h, w],
    space: 'diffusion',
    model: 'taef1',
    source: /musubi-tuner.*BF16/,
    assumed: [],
  };
};

const raw = (dtype: FloatType, shape: number[], options: ReadLatentsOptions): LatentCase => {
  const numbers = plain(dtype, shape);
  return {
    name: `raw ${dtype} [${shape}], ${options.name ?? 'no name'}`,
    bytes: numbers.bytes,
    options: { ...options, shape },
    values: numbers.values,
    shape: shape.length === 3 ? [1, ...shape] : shape,
    space: 'diffusion',
    source: new RegExp(`raw.*${dtype}`),
    assumed: [SPACE, MODEL],
  };
};

const npy = (dtype: FloatType, header: 'plain' | 'growing', shape: number[]): LatentCase => {
  const numbers = plain(dtype, shape);
  return {
    name: `.npy, ${header} header, ${dtype} [${shape}]`,
    bytes: npyByHand(numbers, { header }),
    values: numbers.values,
    shape: shape.length === 3 ? [1, ...shape] : shape,
    space: 'diffusion',
    source: new RegExp(`numpy.*${dtype}`),
    assumed: [SPACE, MODEL],
  };
};

/** A cache of sd-scripts. `suffix` is that of the keys. */
function sdScripts(name: string, c: number, suffix = '', isDeflated = false): LatentCase {
  const model = { _sd: 'taesd', _sdxl: 'taesdxl', _sd3: 'taesd3', _flux: 'taef1' }[
    /_[a-z\d]+(?=\.npz$)/.exec(name)?.[0] ?? ''
  ];
  const space = model === 'taef1' ? 'diffusion' : 'vae';
  const numbers = space === 'vae' ? wide('F32', [c, 6, 5]) : plain('F32', [c, 6, 5]);
  return {
    name: `sd-scripts ${name}${isDeflated ? ', deflated' : ''}`,
    bytes: npzByHand(
      [
        [`latents${suffix}`, numbers],
        [`original_size${suffix}`, integers('I64', [300, 451])],
        [`crop_ltrb${suffix}`, integers('I64', [0, 2, 300, 449])],
      ],
      { isDeflated },
    ),
    options: { name },
    values: numbers.values,
    shape: [1, c, 6, 5],
    space,
    ...(model === undefined ? {} : { model }),
    source: /sd-scripts.*F32/,
    assumed: model === undefined ? [MODEL] : [],
  };
}

/** Two resolutions in one file, of which one is named. */
export function twoResolutions(options: ReadLatentsOptions): LatentCase {
  const [a, b] = [plain('F32', [16, 3, 4]), plain('F32', [16, 6, 5])];
  return {
    ...sdScripts('pic_0040x0048_flux.npz', 16, '_6x5'),
    name: 'sd-scripts, two resolutions, one named',
    bytes: npzByHand([
      ['latents_3x4', a],
      ['original_size_3x4', integers('I64', [300, 451])],
      ['latents_6x5', b],
      ['original_size_6x5', integers('I64', [300, 451])],
    ]),
    options: { name: 'pic_0040x0048_flux.npz', ...options },
    values: b.values,
  };
}

const bareTorch = (dtype: FloatType, shape: number[], version: 1 | 2): LatentCase => {
  const numbers = plain(dtype, shape);
  return {
    name: `torch ${version}, a bare tensor (SimpleTuner), ${dtype} [${shape}]`,
    bytes: torchByHand(numbers, { version, root: 'simpletuner' }),
    values: numbers.values,
    shape: shape.length === 3 ? [1, ...shape] : shape,
    space: 'diffusion',
    source: new RegExp(`torch.*${dtype}`),
    assumed: [SPACE, MODEL],
  };
};

function gzippedTorch(): LatentCase {
  const one = bareTorch('BF16', [16, 6, 5], 2);
  return {
    ...one,
    name: 'torch, SimpleTuner, gzipped',
    bytes: new Uint8Array(gzipSync(one.bytes)),
  };
}

function viewTorch(): LatentCase {
  // [w, h, C] from the 7th number on, seen as [C, h, w].
  const whole = plain('F32', [7 + 24]);
  const view = { numbers: whole, shape: [4, 3, 2], strides: [1, 4, 12], offset: 7 };
  const values = Float32Array.from({ length: 24 }, (_, i) => {
    const [c, y, x] = [Math.floor(i / 6), Math.floor(i / 2) % 3, i % 2];
    return whole.values[7 + c + 4 * y + 12 * x];
  });
  const bytes = torchByHand(view);
  return { ...bareTorch('F32', [4, 3, 2], 1), name: 'torch, a view with strides', bytes, values };
}

function torchDict(kind: 'OneTrainer' | 'samples', dtype: FloatType): LatentCase {
  const shape = kind === 'samples' ? [2, 4, 6, 5] : [16, 6, 5];
  const numbers = wide(dtype, shape);
  const oneTrainer = dict(
    ['__version', '1'],
    ['__uuid', '0a1b2c3d'],
    ['latent_image', numbers],
    ['latent_mask', plain('F32', [1, 6, 5])],
  );
  return {
    ...bareTorch(dtype, shape, 2),
    name: `torch, ${kind}, ${dtype}`,
    bytes: torchByHand(kind === 'samples' ? dict(['samples', numbers]) : oneTrainer, {
      version: 2,
    }),
    values: numbers.values,
    space: 'vae',
    source: kind === 'samples' ? /samples/ : /OneTrainer/,
    assumed: [MODEL],
  };
}

export const LATENT_CASES: readonly LatentCase[] = [
  ...HALF.map((dtype) => comfy(wide(dtype, [1, 4, 6, 5]))),
  comfy(wide('F32', [3, 4, 2, 3])),
  comfy(plain('F32', [1, 16, 1, 6, 5]), [1, 16, 6, 5]),
  oldComfy(plain('F32', [1, 4, 6, 5])),
  ...[...HALF, 'F64' as const].map((dtype) => generic(plain(dtype, [1, 4, 6, 5]))),
  generic(plain('F32', [16, 6, 5]), [1, 16, 6, 5]),
  generic(plain('F16', [2, 16, 1, 6, 5]), [2, 16, 6, 5]),
  generic(plain('BF16', [16, 1, 6, 5]), [1, 16, 6, 5]),
  severalTensors(),
  besideIntegers(),
  musubi('flux_kontext', [16, 1, 6, 5]),
  musubi('z_image', [16, 6, 5]),
  raw('F32', [1, 4, 6, 5], { dtype: 'f32' }),
  raw('F16', [4, 6, 5], { dtype: 'f16' }),
  raw('BF16', [2, 4, 6, 5], { name: 'latents.bf16' }),
  raw('F16', [1, 16, 6, 5], { name: 'LATENTS.F16' }),
  npy('F32', 'plain', [1, 4, 6, 5]),
  npy('F16', 'growing', [4, 6, 5]),
  npy('F64', 'growing', [2, 16, 6, 5]),
  sdScripts('old.npz', 4),
  sdScripts('pic_0040x0048_sd.npz', 4),
  sdScripts('pic_0040x0048_sdxl.npz', 4),
  sdScripts('pic_0040x0048_sdxl.npz', 4, '', true),
  sdScripts('pic_0040x0048_sd3.npz', 16, '_6x5'),
  sdScripts('pic_0040x0048_flux.npz', 16, '_6x5', true),
  twoResolutions({ tensor: 'latents_6x5' }),
  bareTorch('F32', [1, 4, 6, 5], 1),
  bareTorch('F16', [4, 6, 5], 2),
  bareTorch('BF16', [16, 6, 5], 2),
  gzippedTorch(),
  viewTorch(),
  torchDict('OneTrainer', 'BF16'),
  torchDict('samples', 'F32'),
];
