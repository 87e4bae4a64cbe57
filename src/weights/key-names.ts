import { expected } from '../errors.ts';
import { encoder } from '../model/encoder.ts';
import type { Half } from '../model/layers.ts';
import { nanoEncoder } from '../model/nano.ts';
import { type SafetensorsFile, type StoredTensor, toTensor } from '../safetensors/read.ts';
import { showName, showNames } from '../safetensors/show-name.ts';
import { elementCount, shapeText, type Tensor } from '../tensor.ts';

/** The tensors of a network or of both, under the names of taesd.py: `0.weight`, `1.conv.2.bias` … */
export interface ModelTensors {
  readonly encoder: Map<string, Tensor> | undefined;
  readonly decoder: Map<string, Tensor> | undefined;
  /** VAE space → diffusion space, `(z − shift) · scale`, where a ComfyUI file carries them. */
  readonly vaeScale?: number;
  readonly vaeShift?: number;
}

interface Family {
  readonly layout: string;
  /** A file of this family does not say which part it is. */
  readonly part: Half | undefined;
  readonly prefix: string;
  /** Added to the number in the file to get the layer of taesd.py. */
  readonly shift: number;
}

/**
 * The three layouts. Diffusers leaves the decoder's layer 0, the clamp, out of its list, so its
 * decoder numbers are one less.
 * Sources: madebyollin/taesd `taesd.py`; diffusers `models/autoencoders/vae.py`, `EncoderTiny` and
 * `DecoderTiny`; ComfyUI `nodes.py`, `load_taesd`.
 */
const FAMILIES: readonly Family[] = [
  { layout: 'original', part: undefined, prefix: '', shift: 0 },
  { layout: 'diffusers', part: 'encoder', prefix: 'encoder.layers.', shift: 0 },
  { layout: 'diffusers', part: 'decoder', prefix: 'decoder.layers.', shift: 1 },
  { layout: 'ComfyUI', part: 'encoder', prefix: 'taesd_encoder.', shift: 0 },
  { layout: 'ComfyUI', part: 'decoder', prefix: 'taesd_decoder.', shift: 0 },
];

const KNOWN =
  'names of TAESD: original 1.weight, diffusers decoder.layers.0.weight, ' +
  'or ComfyUI taesd_decoder.1.weight';

/** 15 in every model but `nano`. */
const ENCODER_LAYERS = encoder(4).length;
const NANO_ENCODER_LAYERS = nanoEncoder().length;

/** The numbers beside the networks that ComfyUI's combined files may carry. */
const SCALARS = { vae_scale: 'vaeScale', vae_shift: 'vaeShift' } as const;
type ScalarKey = keyof typeof SCALARS;

/** What one tensor's name says. */
interface Place {
  readonly name: string;
  readonly stored: StoredTensor;
  readonly family: Family;
  /** The name in taesd.py. */
  readonly key: string;
}

/**
 * Sorts a file's tensors into encoder and decoder under one set of names, as float32. Only what is
 * asked for is converted. Shapes, missing and superfluous tensors are for the model's binding to find.
 *
 * @param part  what the file is to be read as: of a file with prefixes that part is taken and the other
 *   one left. The names of the original layout do not say which part it is, only the layers do: the
 *   encoder alone has tensors in layer 0, the decoder alone in those after layer 14. Without `part`, an
 *   original file with tensors in layer 0 is an encoder and one without a decoder, but for the encoder of `nano`.
 * @param otherHint  the likely cause where the file holds the other part alone
 * @throws TaesdError SHAPE (no tensors, unknown names, layouts mixed, `part` not in the file, scale or
 *   shift not one number), NONFINITE (scale or shift), UNSUPPORTED (a dtype other than F32, F16, BF16)
 */
export function splitByKeyNames(
  file: SafetensorsFile,
  part?: Half,
  otherHint = 'the other file?',
): ModelTensors {
  const places = findPlaces(file);
  const guess = part ?? (hasFirstLayer(places) || isNanoEncoder(places) ? 'encoder' : 'decoder');
  const placesOf = (wanted: Half) =>
    places.filter(({ family }) => (family.part ?? guess) === wanted);
  if (part !== undefined && (placesOf(part).length === 0 || isOther(places, part))) {
    const got = `only ${showNames(places.map(({ name }) => name))}`;
    throw expected('SHAPE', 'file', `tensors of the ${part}`, got, { hint: otherHint });
  }
  return {
    encoder: part === 'decoder' ? undefined : convert(placesOf('encoder')),
    decoder: part === 'encoder' ? undefined : convert(placesOf('decoder')),
    ...readScalars(file, places[0].family.layout),
  };
}

const hasFirstLayer = (places: readonly Place[]): boolean =>
  places.some(({ key }) => key.startsWith('0.'));

const layerOf = ({ key }: Place): number => Number.parseInt(key, 10);

/** The encoder of `nano` has no tensors in layer 0; it ends earlier than any decoder. */
const isNanoEncoder = (places: readonly Place[]): boolean =>
  Math.max(...places.map(layerOf)) === NANO_ENCODER_LAYERS - 1;

/** True for an original file whose layers are the other part's beyond doubt; some of its tensors may be missing. */
function isOther(places: readonly Place[], part: Half): boolean {
  if (places[0].family.part !== undefined) return false;
  const hasDecoderLayer = places.some((place) => layerOf(place) >= ENCODER_LAYERS);
  return part === 'encoder'
    ? hasDecoderLayer && !hasFirstLayer(places)
    : hasFirstLayer(places) && !hasDecoderLayer;
}

/** A place for every tensor but the scalars; at least one, and all of one layout. */
function findPlaces({ tensors }: SafetensorsFile): Place[] {
  const places: Place[] = [];
  const unknown: string[] = [];
  for (const [name, stored] of tensors) {
    if (isScalar(name)) continue;
    const place = placeOf(name, stored);
    if (place === undefined) unknown.push(name);
    else places.push(place);
  }
  if (unknown.length > 0) {
    const hint = 'another model, or a full VAE?';
    throw expected('SHAPE', 'tensor names', KNOWN, showNames(unknown), { hint });
  }
  if (places.length === 0) throw expected('SHAPE', 'tensor names', KNOWN, 'none');
  const oneOfEach = new Map(places.map(({ family, name }) => [family.layout, name]));
  if (oneOfEach.size > 1) {
    const got = [...oneOfEach].map(([layout, name]) => `${layout} ${showName(name)}`);
    throw expected('SHAPE', 'tensor names', 'one layout', got.join(' beside '));
  }
  return places;
}

/** `decoder.layers.3.conv.0.bias` → diffusers' decoder, `4.conv.0.bias`. */
function placeOf(name: string, stored: StoredTensor): Place | undefined {
  for (const family of FAMILIES) {
    if (!name.startsWith(family.prefix)) continue;
    const match = /^(0|[1-9]\d{0,2})(\.[a-z][\w.]*)$/.exec(name.slice(family.prefix.length));
    if (match === null) continue;
    return { name, stored, family, key: `${Number(match[1]) + family.shift}${match[2]}` };
  }
  return undefined;
}

function convert(places: readonly Place[]): Map<string, Tensor> | undefined {
  if (places.length === 0) return undefined;
  return new Map(places.map(({ name, stored, key }) => [key, toTensor(stored, name)]));
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
