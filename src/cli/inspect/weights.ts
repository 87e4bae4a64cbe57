import { andList } from '../../checks.ts';
import {
  type Half,
  type ModelName,
  TaesdError,
  type Tensor,
  VARIANTS,
  type Variant,
} from '../../index.ts';
import { layerWeights } from '../../model/bind.ts';
import { latentChannelsOf } from '../../model/latent-channels.ts';
import { storedShapes } from '../../model/stored.ts';
import { hasHalf, latentSpaces } from '../../model/variants.ts';
import { showName, showNames } from '../../safetensors/show-name.ts';
import { channelsFirst } from '../../weights/channels-last.ts';
import { describeNames, splitByKeyNames } from '../../weights/key-names.ts';
import { otherModelsIn } from '../../weights/misfit.ts';
import { trapOf } from '../../weights/other-models.ts';
import type { WeightFile } from '../../weights/weight-file.ts';
import type { Size } from '../line/size.ts';
import { type Column, countText, factLines, shapeText, tableLines } from '../terminal/table.ts';
import { noteFacts } from './latents.ts';
import { describeHalf, type NetworkFindings, networkLines } from './network.ts';

type Tensors = ReadonlyMap<string, Tensor>;

/** A file of weights, and the texts beside them. */
interface DescribedFile extends WeightFile {
  readonly metadata?: ReadonlyMap<string, string>;
}

/** Weights as the JSON document describes them. */
export interface WeightsFindings {
  readonly kind: 'weights';
  /** The model, if it is one that is not supported. */
  readonly notSupported: { readonly name: string; readonly speaks: string } | null;
  readonly layout: 'original' | 'diffusers' | 'ComfyUI';
  /** The prefix of the names before those of the layout; empty if there is none. */
  readonly prefix: string;
  /** Null for a half that the file does not have. */
  readonly encoder: HalfFindings | null;
  readonly decoder: HalfFindings | null;
  readonly vaeScale: number | null;
  readonly vaeShift: number | null;
  readonly parameters: number;
  /** The number of tensors of each type. */
  readonly types: Readonly<Record<string, number>>;
  readonly metadata: Readonly<Record<string, string>>;
  /** The names of tensors that belong to neither half. */
  readonly spare: readonly string[];
  readonly notes: readonly string[];
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
export function describeWeights(file: DescribedFile, size: Size): WeightsFindings {
  const others = otherModelsIn(file);
  if (others.length > 0) return describeOther(file, others);
  const { encoder, decoder, vaeScale = null, vaeShift = null, spare = [] } = splitByKeyNames(file);
  const notes: string[] = [];
  const of = (half: Half, tensors: Tensors | undefined) =>
    tensors === undefined ? null : describeHalfOf(half, tensors, size, notes);
  const all = [encoder, decoder].flatMap((tensors) => [...(tensors?.values() ?? [])]);
  return {
    kind: 'weights',
    notSupported: null,
    ...describeNames(file),
    encoder: of('encoder', encoder),
    decoder: of('decoder', decoder),
    vaeScale,
    vaeShift,
    parameters: all.reduce((sum, { data }) => sum + data.length, 0),
    types: countTypes(file),
    metadata: Object.fromEntries(file.metadata ?? []),
    spare,
    notes,
  };
}

/** Describes the weights of a model that is not supported: its tensors. */
function describeOther(
  file: DescribedFile,
  others: ReturnType<typeof otherModelsIn>,
): WeightsFindings {
  const [{ model }] = others;
  const of = (half: Half): HalfFindings | null => {
    const found = others.find((other) => other.half === half);
    if (found === undefined) return null;
    const tensors = [...found.tensors].map(([name, { shape }]) => ({ name, shape }));
    const latentChannels = latentChannelsOf(half, found.tensors) ?? null;
    return { models: [], latentChannels, fault: null, network: null, tensors };
  };
  const shapes = others.flatMap(({ tensors }) => [...tensors.values()]);
  return {
    kind: 'weights',
    notSupported: { name: model.name, speaks: model.speaks },
    ...describeNames(file),
    encoder: of('encoder'),
    decoder: of('decoder'),
    vaeScale: null,
    vaeShift: null,
    parameters: shapes.reduce((sum, { shape }) => sum + countOf(shape), 0),
    types: countTypes(file),
    metadata: Object.fromEntries(file.metadata ?? []),
    spare: [],
    notes: model.trap === undefined ? [] : [model.trap],
  };
}

function describeHalfOf(half: Half, stored: Tensors, size: Size, notes: string[]): HalfFindings {
  const { tensors: weights, order } = channelsFirstOf(half, stored) ?? { tensors: stored };
  if (order !== undefined) {
    notes.push(`the ${half} has channels last (${order}); loading converts it`);
  }
  const tensors = [...weights].map(([name, { shape }]) => ({ name, shape }));
  const fitting = Object.values(VARIANTS).filter(
    (variant) => hasHalf(variant, half) && fits(variant, half, weights),
  );
  if (fitting.length > 0) {
    const [variant] = fitting;
    const { latentChannels } = variant;
    const models = fitting.map(({ name }) => name);
    const trap = trapOf(variant.name);
    if (trap !== undefined && !notes.includes(trap)) notes.push(trap);
    const network = describeHalf(variant, half, size);
    return { models, latentChannels, fault: null, network, tensors };
  }
  const latentChannels = latentChannelsOf(half, weights) ?? null;
  const none = { models: [], latentChannels, network: null, tensors };
  const [model] = latentChannels === null ? [] : latentSpaces(latentChannels);
  if (model === undefined) return { ...none, fault: null };
  return { ...none, fault: faultOf(VARIANTS[model], half, weights)?.sentence ?? null };
}

/** Converts a half with channels last for a model that it fits then. */
function channelsFirstOf(half: Half, weights: Tensors) {
  const variants = Object.values(VARIANTS);
  if (variants.some((variant) => fits(variant, half, weights))) return undefined;
  for (const variant of variants) {
    const converted = channelsFirst(storedShapes(variant, half), weights);
    if (converted !== undefined && fits(variant, half, converted.tensors)) return converted;
  }
  return undefined;
}

/** Returns lines about weights. */
export function weightLines(findings: WeightsFindings): string[] {
  const { notSupported, layout, prefix, vaeScale, vaeShift } = findings;
  const { parameters, types, metadata, spare, notes } = findings;
  const facts: [what: string, words: string][] = [];
  const tables: string[] = [];
  for (const half of ['encoder', 'decoder'] as const) {
    const found = findings[half];
    if (found === null) continue;
    if (notSupported === null) facts.push([half, fitWords(found)]);
    else facts.push([half, 'fits no model of this package']);
    const { network } = found;
    const [model] = found.models;
    const isTable = network !== null && model !== undefined;
    const table = isTable ? networkLines(half, network, VARIANTS[model]) : tensorLines(half, found);
    tables.push('');
    for (const line of table) tables.push(line);
  }
  if (vaeScale !== null) facts.push(['vae_scale', `${vaeScale}`]);
  if (vaeShift !== null) facts.push(['vae_shift', `${vaeShift}`]);
  facts.push(['parameters', countText(parameters)], ['types', typeWords(types)]);
  if (prefix !== '') facts.push(['prefix', showName(prefix)]);
  if (spare.length > 0) facts.push(['spare', showNames(spare)]);
  for (const [key, value] of Object.entries(metadata)) facts.push([showName(key), showName(value)]);
  const whose = notSupported === null ? 'TAESD' : notSupported.name;
  const kind = `weights of ${whose}, ${LAYOUTS[layout]}`;
  const speaks = notSupported === null ? [] : [`not supported; for ${notSupported.speaks}`];
  return [...factLines([['kind', kind], ...facts, ...noteFacts([...speaks, ...notes])]), ...tables];
}

const LAYOUTS = {
  original: 'the original layout',
  diffusers: "diffusers' layout",
  ComfyUI: "ComfyUI's combined layout",
} as const;

function fitWords({ models, latentChannels, fault }: HalfFindings): string {
  if (models.length > 0) return `fits ${andList(models)}, ${latentChannels} latent channels`;
  if (latentChannels === null) return 'fits no model: no layer takes or makes latents';
  if (fault === null) return `fits no model: ${latentChannels} latent channels`;
  return `not whole: ${fault}`;
}

const fits = (variant: Variant, half: Half, tensors: Tensors): boolean =>
  faultOf(variant, half, tensors) === undefined;

/** Returns the reason why tensors are not the weights of a model, or undefined if they are. */
function faultOf(variant: Variant, half: Half, tensors: Tensors): TaesdError | undefined {
  try {
    layerWeights(half, storedShapes(variant, half), tensors);
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
    countText(countOf(shape)),
  ]);
  return [`${half}:`, ...tableLines(COLUMNS, cells)];
}

function countTypes({ tensors }: WeightFile): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { dtype } of tensors.values()) counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
  return Object.fromEntries(counts);
}

const countOf = (shape: readonly number[]): number =>
  shape.reduce((count, size) => count * size, 1);

/** Returns `BF16 (61 tensors)`. */
const typeWords = (types: WeightsFindings['types']): string =>
  Object.entries(types)
    .map(([dtype, count]) => `${dtype} (${count} tensors)`)
    .join(', ');
