import { expected, type TaesdError } from '../errors.ts';
import { type StoredTensor, widen } from '../numbers/stored.ts';
import type { SafetensorsFile } from '../safetensors/read.ts';
import { showName } from '../safetensors/show-name.ts';
import { nonFiniteText, shapeText, type Tensor } from '../tensor.ts';
import type { FileTensor, WeightFile } from './weight-file.ts';

/*
 * Weights of 8 bits, as weights/nano/train.py writes them: I8 `NAME` [cout, …], and beside it F32
 * `NAME_scale` [cout], the number that a 1 stands for in each output channel. Files of 8 bits are a
 * quarter of those in float32, and half of those in F16.
 */

const SCALE = '_scale';

/** The name of a scale. Others that end alike are not: ComfyUI's `vae_scale` is a number. */
const WEIGHT_SCALE = /(?:^|\.)weight_scale$/;

/**
 * Makes one tensor of each weight of 8 bits and its scale, whose numbers are float32. Other tensors
 * stay as they are. Nothing is converted or refused before a tensor is read: a file may hold 8-bit
 * weights of other models.
 *
 * @returns a file whose tensors throw, when they are read: SHAPE (a scale is missing, is not F32
 *   [cout], or has no weights of 8 bits), NONFINITE (a scale is NaN or infinite)
 */
export function withEightBits(file: SafetensorsFile): WeightFile {
  const { tensors } = file;
  const all = new Map<string, FileTensor>();
  for (const [name, stored] of tensors) {
    const { dtype, shape } = stored;
    if (dtype === 'I8') {
      const read = () => timesScale(name, stored, tensors.get(`${name}${SCALE}`));
      all.set(name, { dtype, shape, read });
      continue;
    }
    const whose = name.slice(0, -SCALE.length);
    const weights = name.endsWith(SCALE) ? tensors.get(whose) : undefined;
    if (weights?.dtype === 'I8') continue;
    const refuse = () => {
      throw withoutWeights(name, whose, weights);
    };
    all.set(name, WEIGHT_SCALE.test(name) ? { dtype, shape, read: refuse } : stored);
  }
  return { ...file, tensors: all };
}

/** Multiplies the weights of each output channel by its scale. */
function timesScale(name: string, weights: StoredTensor, scale: StoredTensor | undefined): Tensor {
  const [cout = 1] = weights.shape;
  const what = `tensor ${showName(`${name}${SCALE}`)}`;
  const rule = `F32 [${cout}], a number for each output channel of the I8 weights`;
  if (scale?.dtype !== 'F32' || `${scale.shape}` !== `${cout}`) {
    const got = scale === undefined ? 'no such tensor' : typeText(scale);
    const hint = 'write the scale beside the weights, or the weights as F32';
    throw expected('SHAPE', what, rule, got, { hint });
  }
  const scales = widen(scale, what).data;
  const got = nonFiniteText(scales);
  if (got !== undefined) {
    throw expected('NONFINITE', what, 'finite numbers', got, { hint: 'a damaged file?' });
  }
  const { buffer, byteOffset, length } = weights.bytes;
  const values = new Int8Array(buffer, byteOffset, length);
  const each = length / cout;
  const data = new Float32Array(length);
  for (let o = 0; o < cout; o++) {
    for (let i = o * each; i < (o + 1) * each; i++) data[i] = values[i] * scales[o];
  }
  return { shape: weights.shape, data };
}

function withoutWeights(name: string, whose: string, got: StoredTensor | undefined): TaesdError {
  const rule = `${showName(whose)} beside it, weights of I8`;
  const hint = 'write the weights as I8, or leave the scale out';
  const what = `tensor ${showName(name)}`;
  return expected('SHAPE', what, rule, got === undefined ? 'none' : typeText(got), { hint });
}

const typeText = ({ dtype, shape }: StoredTensor): string => `${dtype} ${shapeText(shape)}`;
