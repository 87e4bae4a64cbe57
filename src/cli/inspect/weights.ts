import {
  type Half,
  type ModelName,
  type SafetensorsFile,
  TaesdError,
  type Tensor,
  VARIANTS,
  type Variant,
} from '../../index.ts';
import { bindNetwork } from '../../model/bind.ts';
import { latentChannelsOf } from '../../model/latent-channels.ts';
import { latentSpaces } from '../../model/variants.ts';
import { showName } from '../../safetensors/show-name.ts';
import { splitByKeyNames } from '../../weights/key-names.ts';
import type { Size } from '../line/size.ts';
import { type Column, countText, factLines, shapeText, tableLines } from '../terminal/table.ts';
import { describeHalf, type NetworkFindings, networkLines } from './network.ts';

type Tensors = ReadonlyMap<string, Tensor>;

/** Weights as the JSON document describes them. */
export interface WeightsFindings {
  readonly kind: 'weights';
  readonly layout: 'original' | 'diffusers' | 'ComfyUI';
  /** Null for a half that the file does not have. */
  readonly encoder: HalfFindings | null;
  readonly decoder: HalfFindings | null;
  readonly vaeScale: number | null;
  readonly vaeShift: number | null;
  readonly parameters: number;
  /** The number of tensors of each type. */
  readonly types: Readonly<Record<string, number>>;
  readonly metadata: Readonly<Record<string, string>>;
}

interface HalfFindings {
  /** The models whose shapes it has. */
  readonly models: readonly ModelName[];
  /** Null if no layer takes or makes latents. */
  readonly latentChannels: number | null;
  /** The reason why it is not whole; null if it fits a model or none has its channels. */
  readonly fault: string | null;
  /** The layers; null if it fits no model. */
  readonly network: NetworkFindings | null;
  readonly tensors: readonly TensorFindings[];
}

interface TensorFindings {
  /** Its name in taesd.py. */
  readonly name: string;
  readonly shape: readonly number[];
}

/** Describes weights: their layout, the models whose shapes they have, the layers. */
export function describeWeights(file: SafetensorsFile, size: Size): WeightsFindings {
  const { encoder, decoder, vaeScale = null, vaeShift = null } = splitByKeyNames(file);
  const of = (half: Half, tensors: Tensors | undefined) =>
    tensors === undefined ? null : describeHalfOf(half, tensors, size);
  const all = [encoder, decoder].flatMap((tensors) => [...(tensors?.values() ?? [])]);
  return {
    kind: 'weights',
    layout: layoutOf(file),
    encoder: of('encoder', encoder),
    decoder: of('decoder', decoder),
    vaeScale,
    vaeShift,
    parameters: all.reduce((sum, { data }) => sum + data.length, 0),
    types: countTypes(file),
    metadata: Object.fromEntries(file.metadata),
  };
}

function describeHalfOf(half: Half, weights: Tensors, size: Size): HalfFindings {
  const tensors = [...weights].map(([name, { shape }]) => ({ name, shape }));
  const fitting = Object.values(VARIANTS).filter((variant) => fits(variant, half, weights));
  if (fitting.length > 0) {
    const [variant] = fitting;
    const { latentChannels } = variant;
    const models = fitting.map(({ name }) => name);
    const network = describeHalf(variant, half, size);
    return { models, latentChannels, fault: null, network, tensors };
  }
  const latentChannels = latentChannelsOf(half, weights) ?? null;
  const none = { models: [], latentChannels, network: null, tensors };
  const [model] = latentChannels === null ? [] : latentSpaces(latentChannels);
  if (model === undefined) return { ...none, fault: null };
  return { ...none, fault: faultOf(VARIANTS[model], half, weights)?.sentence ?? null };
}

/** Returns lines about weights. */
export function weightLines(findings: WeightsFindings): string[] {
  const { layout, vaeScale, vaeShift, parameters, types, metadata } = findings;
  const facts: [what: string, words: string][] = [];
  const tables: string[] = [];
  for (const half of ['encoder', 'decoder'] as const) {
    const found = findings[half];
    if (found === null) continue;
    facts.push([half, fitWords(found)]);
    const { network } = found;
    tables.push('', ...(network === null ? tensorLines(half, found) : networkLines(half, network)));
  }
  if (vaeScale !== null) facts.push(['vae_scale', `${vaeScale}`]);
  if (vaeShift !== null) facts.push(['vae_shift', `${vaeShift}`]);
  facts.push(['parameters', countText(parameters)], ['types', typeWords(types)]);
  for (const [key, value] of Object.entries(metadata)) facts.push([showName(key), showName(value)]);
  return [...factLines([['kind', `weights of TAESD, ${LAYOUTS[layout]}`], ...facts]), ...tables];
}

const LAYOUTS = {
  original: 'the original layout',
  diffusers: "diffusers' layout",
  ComfyUI: "ComfyUI's combined layout",
} as const;

function fitWords({ models, latentChannels, fault }: HalfFindings): string {
  if (models.length > 0) return `fits ${models.join(' and ')}, ${latentChannels} latent channels`;
  if (latentChannels === null) return 'fits no model: no layer takes or makes latents';
  if (fault === null) return `fits no model: ${latentChannels} latent channels`;
  return `not whole: ${fault}`;
}

const fits = (variant: Variant, half: Half, tensors: Tensors): boolean =>
  faultOf(variant, half, tensors) === undefined;

/** Returns the reason why tensors are not the weights of a model, or undefined if they are. */
function faultOf(variant: Variant, half: Half, tensors: Tensors): TaesdError | undefined {
  try {
    bindNetwork(half, variant.networks[half], tensors);
    return undefined;
  } catch (error) {
    if (error instanceof TaesdError) return error;
    throw error;
  }
}

const COLUMNS: readonly Column[] = [
  { title: 'tensor', align: 'left' },
  { title: 'shape', align: 'left' },
  { title: 'parameters', align: 'right' },
];

/** Returns the tensors by their names in taesd.py, for weights whose layers are unknown. */
function tensorLines(half: Half, { tensors }: HalfFindings): string[] {
  const cells = tensors.map(({ name, shape }) => [
    name,
    shapeText(shape),
    countText(shape.reduce((count, size) => count * size, 1)),
  ]);
  return [`${half}:`, ...tableLines(COLUMNS, cells)];
}

/** Returns the layout that the prefixes of the names show. */
function layoutOf({ tensors }: SafetensorsFile): WeightsFindings['layout'] {
  const names = [...tensors.keys()];
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name));
  if (has(/^taesd_(?:en|de)coder\./)) return 'ComfyUI';
  return has(/^(?:en|de)coder\./) ? 'diffusers' : 'original';
}

function countTypes({ tensors }: SafetensorsFile): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { dtype } of tensors.values()) counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
  return Object.fromEntries(counts);
}

/** Returns `BF16 (61 tensors)`. */
const typeWords = (types: WeightsFindings['types']): string =>
  Object.entries(types)
    .map(([dtype, count]) => `${dtype} (${count} tensors)`)
    .join(', ');
