import { hasOwn } from '../builtins/newer.ts';
import { expected } from '../errors.ts';
import type { Half } from '../model/layers.ts';
import { namedShapes, storedShapes } from '../model/stored.ts';
import { VARIANTS, type Variant } from '../model/variants.ts';
import { isFloatType } from '../numbers/stored.ts';
import { showName, showNames } from '../safetensors/show-name.ts';
import { elementCount, shapeText, type Tensor } from '../tensor.ts';
import { numbersOf } from './plain-names.ts';
import { type FileTensor, HALVES, type ModelTensors, type WeightFile } from './weight-file.ts';

/** The tensors of a file whose names begin alike, and the meaning of that beginning. */
export interface Group {
  readonly prefix: string;
  readonly layout: 'original' | 'diffusers' | 'ComfyUI';
  /** Undefined if the prefix does not tell the halves apart. */
  readonly half: Half | undefined;
  /** The names in the file by the names that follow the prefix: `3.conv.0.bias`. */
  readonly names: ReadonlyMap<string, string>;
}

/** A group that is read as a half. */
interface Chosen {
  readonly group: Group;
  /** Added to the number in a name to get the layer of taesd.py. */
  readonly shift: number;
  /** The number of its names that a model has. */
  readonly score: number;
  /** Another group that fits as well. */
  readonly twin?: Group;
}

/** A layer's number, and the name of a tensor in it. */
const KEY = /^(0|[1-9]\d{0,2})(\.[a-z][\w.]*)$/;
/** The maximum number of dots, from a name's end, at which its prefix is looked for. */
const MAX_DOTS = 6;

/** The layouts, by the end of a prefix. */
const HALF = /(?:^|\.|(taesd)?_)(en|de)coder\.(layers\.)?$/;

/** The prefixes of wrappers: torch.compile, DataParallel, programs, checkpoints of training. */
const WRAPPERS = /^((_orig_mod|module|vae|tae|first_stage_model|model|state_dict)\.)*$/;

/** A group under a prefix of unknown meaning must have as many names of a model. */
const MANY = 16;

const KNOWN =
  'names of TAESD: original 1.weight, diffusers decoder.layers.0.weight, ' +
  'or ComfyUI taesd_decoder.1.weight';

/** The numbers beside the networks that ComfyUI's combined files may carry. */
const SCALARS = { vae_scale: 'vaeScale', vae_shift: 'vaeShift' } as const;
type ScalarKey = keyof typeof SCALARS;

const isScalar = (name: string): name is ScalarKey => hasOwn(SCALARS, name);

/**
 * Sorts a file's tensors into encoder and decoder under one set of names, as float32. Only the
 * requested half is converted. The model's binding checks shapes and missing tensors.
 *
 * There are three layouts: the original one of taesd.py, alone or as `encoder.` and `decoder.`;
 * diffusers' `encoder.layers.` and `decoder.layers.`, which does not count the decoder's layer 0,
 * the clamp; and ComfyUI's `taesd_encoder.` and `taesd_decoder.`. Any prefix may precede them, such
 * as `_orig_mod.`, `module.`, `vae.`, `tae.`, `first_stage_model.`, or several. The names that
 * follow decide: under a prefix of any other meaning they must be those of a model.
 *
 * The names of the original layout do not say which half a file is. The layers do: the encoder
 * alone has tensors in layer 0, the decoder alone in those after layer 14. Without `half`, an
 * original file with tensors in layer 0 is an encoder, and one without is a decoder, except the
 * encoder of `nano`.
 *
 * Other tensors are spare. They are named, and of any type. A tensor inside a layer is not spare:
 * it would change what the layer computes, and the model's binding refuses it.
 *
 * @param half  the half to read. In a file with prefixes, the other half is ignored. Defaults to
 *   those in the file
 * @param otherHint  the likely cause if the file holds only the other half
 * @param variant    the model; without it, tensors past its last layer are not taken for spare
 * @throws TaesdError SHAPE (no tensors, unknown names, one half twice, `half` not in the file,
 *   scale or shift not one number), LIMIT (over 16,384 tensors), NONFINITE (scale or shift),
 *   UNSUPPORTED (a dtype other than
 *   F32, F16, BF16, F64, F8_E4M3, F8_E5M2)
 * Sources: madebyollin/taesd `taesd.py`; diffusers `models/autoencoders/vae.py`, `EncoderTiny` and
 * `DecoderTiny`; ComfyUI `nodes.py`, `load_taesd`.
 */
export function splitByKeyNames(
  file: WeightFile,
  half?: Half,
  otherHint = 'the other file?',
  variant?: Variant,
): ModelTensors {
  const groups = groupsOf(file);
  const chosen = chooseGroups(groups, half);
  const others = [...file.tensors.keys()].filter((name) => !isScalar(name));
  if (Object.keys(chosen).length === 0) {
    const hint = others.length > 0 ? 'another model, or a full VAE?' : undefined;
    throw expected('SHAPE', 'tensor names', KNOWN, showNames(others) || 'none', { hint });
  }
  if (half !== undefined && isOther(chosen[half], half, file, variant)) {
    const got = `only ${showNames(others)}`;
    throw expected('SHAPE', 'file', `tensors of the ${half}`, got, { hint: otherHint });
  }
  const spare = new Set(others);
  const read = (one: Half): Map<string, Tensor> | undefined => {
    const { group, shift } = chosen[one] ?? {};
    if (group === undefined || shift === undefined) return undefined;
    const tensors = new Map<string, Tensor>();
    for (const [rest, name] of group.names) {
      const key = shifted(rest, shift);
      const stored = file.tensors.get(name) as FileTensor;
      if (!isOfHalf(one, key, stored.dtype, variant)) continue;
      spare.delete(name);
      if (half !== undefined && half !== one) continue;
      tensors.set(key, numbersOf(stored, name));
    }
    return tensors;
  };
  const [encoder, decoder] = HALVES.map(read);
  return {
    encoder: half === 'decoder' ? undefined : encoder,
    decoder: half === 'encoder' ? undefined : decoder,
    ...readScalars(file),
    ...(spare.size > 0 ? { spare: [...spare] } : {}),
  };
}

/** The maximum number of tensors of a file of weights. Those of whole pipelines have 3,000. */
const MAX_TENSORS = 2 ** 14;

/**
 * Sorts names by all their prefixes after which a layer's number follows.
 *
 * @throws TaesdError LIMIT (more than 16,384 tensors)
 */
export function groupsOf({ tensors }: WeightFile): Group[] {
  if (tensors.size > MAX_TENSORS) {
    const rule = `at most ${MAX_TENSORS} in a file of weights`;
    throw expected('LIMIT', 'tensors', rule, `${tensors.size}`);
  }
  const prefixes = new Map<string, Map<string, string>>();
  for (const name of tensors.keys()) {
    let dot = name.length;
    for (let i = 0; i < MAX_DOTS && dot > 0; i++) {
      dot = name.lastIndexOf('.', dot - 1);
      const key = name.slice(dot + 1);
      if (!KEY.test(key)) continue;
      const prefix = name.slice(0, dot + 1);
      const names = prefixes.get(prefix) ?? new Map<string, string>();
      prefixes.set(prefix, names.set(key, name));
    }
  }
  return [...prefixes].map(([prefix, names]): Group => {
    const [, comfy, half, layers] = HALF.exec(prefix) ?? [];
    return {
      prefix,
      names,
      layout: layers ? 'diffusers' : comfy ? 'ComfyUI' : 'original',
      half: half === undefined ? undefined : `${half as 'en' | 'de'}coder`,
    };
  });
}

/** Returns a group's tensors by the names of taesd.py. */
export function tensorsOfGroup(
  { tensors }: WeightFile,
  { names, half, layout }: Group,
): Map<string, FileTensor> {
  const shift = shiftOf(layout, half);
  return new Map(
    [...names].map(([rest, name]) => [shifted(rest, shift), tensors.get(name) as FileTensor]),
  );
}

/** Returns the layout of a file, and the prefix before it. */
export function describeNames(file: WeightFile): { layout: Group['layout']; prefix: string } {
  const [first] = Object.values(chooseGroups(groupsOf(file)));
  if (first === undefined) return { layout: 'original', prefix: '' };
  const { layout, prefix } = first.group;
  return { layout, prefix: prefix.replace(HALF, (end) => (end.startsWith('.') ? '.' : '')) };
}

/** Diffusers does not count the decoder's layer 0, the clamp. */
const shiftOf = (layout: Group['layout'], half: Half | undefined): number =>
  layout === 'diffusers' && half === 'decoder' ? 1 : 0;

/** Chooses the group of each half. @throws TaesdError SHAPE (two that fit as well) */
function chooseGroups(groups: readonly Group[], half?: Half): Partial<Record<Half, Chosen>> {
  const chosen: Partial<Record<Half, Chosen>> = {};
  for (const one of HALVES) {
    const best = bestOf(groups, one, one);
    if (best === undefined) continue;
    chosen[one] = half === undefined || half === one ? once(best, one) : best;
  }
  if (half === undefined ? Object.keys(chosen).length > 0 : chosen[half] !== undefined) {
    return chosen;
  }
  const [encoder, decoder] = HALVES.map((one) => bestOf(groups, one, undefined));
  const isEncoder = encoder && (hasFirstLayer(encoder) || encoder.score > (decoder?.score ?? 0));
  const guess = half ?? (isEncoder ? 'encoder' : 'decoder');
  const best = guess === 'encoder' ? encoder : decoder;
  if (best !== undefined) chosen[guess] = once(best, guess);
  // A file of the other half alone is chosen as that, for the error.
  else if (encoder !== undefined) chosen.encoder = encoder;
  else if (decoder !== undefined) chosen.decoder = decoder;
  return chosen;
}

/** @throws TaesdError SHAPE (another group fits as well) */
function once(chosen: Chosen, half: Half): Chosen {
  const { group, twin } = chosen;
  if (twin === undefined) return chosen;
  const rule = `the tensors of the ${half} once`;
  const [first, second] = [group, twin].map(
    ({ prefix, names }) => `${showName(prefix)}${names.keys().next().value}`,
  );
  throw expected('SHAPE', 'tensor names', rule, `${first} and ${second}`, {
    hint: 'a checkpoint of several models? save one of them',
  });
}

/**
 * Finds the group with the most names of a half.
 *
 * @param named  the half that the prefix must name; undefined for a prefix that names none
 */
function bestOf(groups: readonly Group[], half: Half, named: Half | undefined): Chosen | undefined {
  let best: Chosen | undefined;
  let second: Chosen | undefined;
  for (const group of groups) {
    if (group.half !== named) continue;
    const shift = shiftOf(group.layout, half);
    const scored = { group, shift, score: score(group, half, shift) };
    const least = named !== undefined || WRAPPERS.test(group.prefix) ? 1 : MANY;
    if (scored.score < least) continue;
    if (best === undefined || scored.score > best.score) [best, second] = [scored, best];
    else if (second === undefined || scored.score > second.score) second = scored;
  }
  if (best !== undefined && best.score >= MANY && second?.score === best.score) {
    return { ...best, twin: second.group };
  }
  return best;
}

const score = ({ names }: Group, half: Half, shift: number): number => {
  const known = namesOf(half);
  let count = 0;
  for (const rest of names.keys()) if (known.has(shifted(rest, shift))) count++;
  return count;
};

/** Finds the meaning of a name: diffusers' `3.conv.0.bias` is `4.conv.0.bias`. */
const shifted = (rest: string, shift: number): string =>
  shift === 0 ? rest : rest.replace(KEY, (_, layer, inner) => `${Number(layer) + shift}${inner}`);

/** The names of a half in all models: `3.conv.0.bias`. */
const known = new Map<Half, ReadonlySet<string>>();

function namesOf(half: Half): ReadonlySet<string> {
  const names =
    known.get(half) ??
    new Set(
      Object.values(VARIANTS).flatMap((variant) =>
        namedShapes(storedShapes(variant, half)).map(([name]) => name),
      ),
    );
  known.set(half, names);
  return names;
}

/** Returns false for a tensor that is spare. */
function isOfHalf(half: Half, key: string, dtype: string, variant: Variant | undefined): boolean {
  if (variant && layerOf(key) >= storedShapes(variant, half).length) return false;
  return namesOf(half).has(key) || isFloatType(dtype);
}

const layerOf = (key: string): number => Number.parseInt(key, 10);

const hasFirstLayer = ({ group }: Chosen): boolean =>
  [...group.names.keys()].some((key) => layerOf(key) === 0);

/** The number of layers of the encoders whose latents are an 8th of the picture, but `nano`. */
const ENCODER_LAYERS = 15;

/**
 * Returns true if there is no half, or if the tensors of an original file, of which some may be
 * missing, are the other one's: by their shapes if the model is known, otherwise by their layers.
 */
function isOther(
  chosen: Chosen | undefined,
  half: Half,
  { tensors }: WeightFile,
  variant: Variant | undefined,
): boolean {
  if (chosen === undefined) return true;
  const { group } = chosen;
  if (group.half !== undefined) return false;
  if (variant !== undefined) {
    const [ofEncoder, ofDecoder] = HALVES.map(
      (one) =>
        namedShapes(storedShapes(variant, one)).filter(([name, shape]) => {
          const stored = tensors.get(group.names.get(name) ?? '');
          return stored !== undefined && `${stored.shape}` === `${shape}`;
        }).length,
    );
    return half === 'encoder' ? ofDecoder > ofEncoder : ofEncoder > ofDecoder;
  }
  const hasFirst = hasFirstLayer(chosen);
  const hasLast = [...chosen.group.names.keys()].some((key) => layerOf(key) >= ENCODER_LAYERS);
  return half === 'encoder' ? hasLast && !hasFirst : hasFirst && !hasLast;
}

function readScalars({ tensors }: WeightFile): { vaeScale?: number; vaeShift?: number } {
  const found: { vaeScale?: number; vaeShift?: number } = {};
  for (const [name, stored] of tensors) {
    if (!isScalar(name)) continue;
    if (elementCount(stored.shape) !== 1) {
      const got = `shape ${shapeText(stored.shape)}`;
      throw expected('SHAPE', `tensor ${name}`, 'one number', got);
    }
    const [value] = numbersOf(stored, name).data;
    if (!Number.isFinite(value)) {
      throw expected('NONFINITE', `tensor ${name}`, 'a finite number', `${value}`);
    }
    found[SCALARS[name]] = value;
  }
  return found;
}
