import { expected } from '../errors.ts';
import { encoder } from '../model/encoder.ts';
import type { Half } from '../model/layers.ts';
import { nanoEncoder } from '../model/nano.ts';
import { type SafetensorsFile, type StoredTensor, toTensor } from '../safetensors/read.ts';
import { showName, showNames } from '../safetensors/show-name.ts';
import { elementCount, shapeText, type Tensor } from '../tensor.ts';

/**
 * The tensors of one network or both, under the names of taesd.py: `0.weight`, `1.conv.2.bias` …
 */
export interface ModelTensors {
  readonly encoder: Map<string, Tensor> | undefined;
  readonly decoder: Map<string, Tensor> | undefined;
  /** VAE space → diffusion space, `(z − shift) · scale`, if a ComfyUI file carries them. */
  readonly vaeScale?: number;
  readonly vaeShift?: number;
}

/** Names with one prefix, and what they mean. */
interface Family {
  readonly layout: string;
  /** Undefined if the names do not tell the halves apart. */
  readonly half: Half | undefined;
  readonly prefix: string;
  /** Added to the number in the name to get the layer of taesd.py. Defaults to 0. */
  readonly shift?: number;
}

/**
 * The three layouts. Diffusers leaves the decoder's layer 0, the clamp, out of its list, so its
 * decoder numbers are one less.
 * Sources: madebyollin/taesd `taesd.py`; diffusers `models/autoencoders/vae.py`, `EncoderTiny` and
 * `DecoderTiny`; ComfyUI `nodes.py`, `load_taesd`.
 */
const FAMILIES: readonly Family[] = [
  { layout: 'original', half: undefined, prefix: '' },
  { layout: 'diffusers', half: 'encoder', prefix: 'encoder.layers.' },
  { layout: 'diffusers', half: 'decoder', prefix: 'decoder.layers.', shift: 1 },
  { layout: 'ComfyUI', half: 'encoder', prefix: 'taesd_encoder.' },
  { layout: 'ComfyUI', half: 'decoder', prefix: 'taesd_decoder.' },
];

const KNOWN =
  'names of TAESD: original 1.weight, diffusers decoder.layers.0.weight, ' +
  'or ComfyUI taesd_decoder.1.weight';

/** The numbers beside the networks that ComfyUI's combined files may carry. */
const SCALARS = { vae_scale: 'vaeScale', vae_shift: 'vaeShift' } as const;
type ScalarKey = keyof typeof SCALARS;

/** A tensor, and the meaning of its name. */
interface NamedTensor {
  /** The name in the file. */
  readonly name: string;
  readonly stored: StoredTensor;
  readonly family: Family;
  /** The name in taesd.py. */
  readonly key: string;
}

/**
 * Sorts a file's tensors into encoder and decoder under one set of names, as float32. Only the
 * requested half is converted. The model's binding checks shapes, missing and superfluous tensors.
 *
 * The names of the original layout do not say which half a file is. The layers do: the encoder
 * alone has tensors in layer 0, the decoder alone in those after layer 14. Without `half`, an
 * original file with tensors in layer 0 is an encoder, and one without is a decoder, except the
 * encoder of `nano`.
 *
 * @param half  the half to read. In a file with prefixes, the other half is ignored. Defaults to
 *   those in the file
 * @param otherHint  the likely cause if the file holds only the other half
 * @throws TaesdError SHAPE (no tensors, unknown names, layouts mixed, `half` not in the file, scale
 *   or shift not one number), NONFINITE (scale or shift), UNSUPPORTED (a dtype other than F32, F16,
 *   BF16)
 */
export function splitByKeyNames(
  file: SafetensorsFile,
  half?: Half,
  otherHint = 'the other file?',
): ModelTensors {
  const all = nameTensors(file);
  const guess = half ?? (hasFirstLayer(all) || isNanoEncoder(all) ? 'encoder' : 'decoder');
  const tensorsOf = (wanted: Half) => all.filter(({ family }) => (family.half ?? guess) === wanted);
  if (half !== undefined && (tensorsOf(half).length === 0 || isOther(all, half))) {
    const got = `only ${showNames(all.map(({ name }) => name))}`;
    throw expected('SHAPE', 'file', `tensors of the ${half}`, got, { hint: otherHint });
  }
  return {
    encoder: half === 'decoder' ? undefined : convert(tensorsOf('encoder')),
    decoder: half === 'encoder' ? undefined : convert(tensorsOf('decoder')),
    ...readScalars(file, all[0].family.layout),
  };
}

const hasFirstLayer = (all: readonly NamedTensor[]): boolean =>
  all.some(({ key }) => key.startsWith('0.'));

const layerOf = ({ key }: NamedTensor): number => Number.parseInt(key, 10);

/** The encoder of `nano` has no tensors in layer 0. It ends earlier than any decoder. */
const isNanoEncoder = (all: readonly NamedTensor[]): boolean =>
  Math.max(...all.map(layerOf)) === nanoEncoder().length - 1;

/**
 * Returns true if the layers of an original file, of which some may be missing, are the other
 * half's.
 */
function isOther(all: readonly NamedTensor[], half: Half): boolean {
  if (all[0].family.half !== undefined) return false;
  // The encoders of all models but `nano` have as many layers.
  const encoderLayers = encoder(4).length;
  const hasDecoderLayer = all.some((tensor) => layerOf(tensor) >= encoderLayers);
  return half === 'encoder'
    ? hasDecoderLayer && !hasFirstLayer(all)
    : hasFirstLayer(all) && !hasDecoderLayer;
}

/** Returns all tensors but the scalars: at least one, and all of one layout. */
function nameTensors({ tensors }: SafetensorsFile): NamedTensor[] {
  const all: NamedTensor[] = [];
  const unknown: string[] = [];
  for (const [name, stored] of tensors) {
    if (isScalar(name)) continue;
    const tensor = nameTensor(name, stored);
    if (tensor === undefined) unknown.push(name);
    else all.push(tensor);
  }
  if (unknown.length > 0) {
    const hint = 'another model, or a full VAE?';
    throw expected('SHAPE', 'tensor names', KNOWN, showNames(unknown), { hint });
  }
  if (all.length === 0) throw expected('SHAPE', 'tensor names', KNOWN, 'none');
  const oneOfEach = new Map(all.map(({ family, name }) => [family.layout, name]));
  if (oneOfEach.size > 1) {
    const got = [...oneOfEach].map(([layout, name]) => `${layout} ${showName(name)}`);
    throw expected('SHAPE', 'tensor names', 'one layout', got.join(' beside '));
  }
  return all;
}

/** Finds the meaning of a name: `decoder.layers.3.conv.0.bias` is diffusers' `4.conv.0.bias`. */
function nameTensor(name: string, stored: StoredTensor): NamedTensor | undefined {
  for (const family of FAMILIES) {
    if (!name.startsWith(family.prefix)) continue;
    const match = /^(0|[1-9]\d{0,2})(\.[a-z][\w.]*)$/.exec(name.slice(family.prefix.length));
    if (match === null) continue;
    return { name, stored, family, key: `${Number(match[1]) + (family.shift ?? 0)}${match[2]}` };
  }
  return undefined;
}

function convert(all: readonly NamedTensor[]): Map<string, Tensor> | undefined {
  if (all.length === 0) return undefined;
  return new Map(all.map(({ name, stored, key }) => [key, toTensor(stored, name)]));
}

const isScalar = (name: string): name is ScalarKey => Object.hasOwn(SCALARS, name);

function readScalars(
  { tensors }: SafetensorsFile,
  layout: string,
): { vaeScale?: number; vaeShift?: number } {
  const found: { vaeScale?: number; vaeShift?: number } = {};
  for (const [name, stored] of tensors) {
    if (!isScalar(name)) continue;
    if (layout !== 'ComfyUI') {
      const rule = 'tensors of the ComfyUI layout beside it';
      throw expected('SHAPE', `tensor ${name}`, rule, `the ${layout} layout`);
    }
    if (elementCount(stored.shape) !== 1) {
      const got = `shape ${shapeText(stored.shape)}`;
      throw expected('SHAPE', `tensor ${name}`, 'one number', got);
    }
    const [value] = toTensor(stored, name).data;
    if (!Number.isFinite(value)) {
      throw expected('NONFINITE', `tensor ${name}`, 'a finite number', `${value}`);
    }
    found[SCALARS[name]] = value;
  }
  return found;
}
