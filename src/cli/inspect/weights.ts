import {
  type Half,
  type Network,
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
import { networkLines } from './model.ts';

type Tensors = ReadonlyMap<string, Tensor>;

/** Returns lines about weights: their layout, the models whose shapes they have, the layers. */
export function weightLines(file: SafetensorsFile, size: Size): string[] {
  const { encoder, decoder, vaeScale, vaeShift } = splitByKeyNames(file);
  const facts: [what: string, words: string][] = [];
  const tables: string[] = [];
  let parameters = 0;
  for (const [half, tensors] of [['encoder', encoder] as const, ['decoder', decoder] as const]) {
    if (tensors === undefined) continue;
    const fit = fitOf(half, tensors);
    facts.push([half, fit.words]);
    const lines =
      fit.network === undefined
        ? tensorLines(half, tensors)
        : networkLines(fit.network, half, fit.channels, size);
    tables.push('', ...lines);
    for (const { data } of tensors.values()) parameters += data.length;
  }
  if (vaeScale !== undefined) facts.push(['vae_scale', `${vaeScale}`]);
  if (vaeShift !== undefined) facts.push(['vae_shift', `${vaeShift}`]);
  facts.push(['parameters', countText(parameters)], ['types', dtypeWords(file)]);
  for (const [key, value] of file.metadata) facts.push([showName(key), showName(value)]);
  return [...factLines([['kind', `weights of TAESD, ${layoutWords(file)}`], ...facts]), ...tables];
}

/** The models that weights fit. */
interface Fit {
  readonly words: string;
  readonly network?: Network;
  readonly channels: number;
}

/** Returns the models whose shapes a half's tensors have. */
function fitOf(half: Half, tensors: Tensors): Fit {
  const fitting = Object.values(VARIANTS).filter((variant) => fits(variant, half, tensors));
  if (fitting.length > 0) {
    const [{ latentChannels: channels }] = fitting;
    const names = fitting.map(({ name }) => name).join(' and ');
    const network = fitting[0].networks[half];
    return { words: `fits ${names}, ${channels} latent channels`, network, channels };
  }
  const channels = latentChannelsOf(half, tensors);
  if (channels === undefined) {
    return { words: 'fits no model: no layer takes or makes latents', channels: 0 };
  }
  const [model] = latentSpaces(channels);
  if (model === undefined) {
    return { words: `fits no model: ${channels} latent channels`, channels: 0 };
  }
  const fault = faultOf(VARIANTS[model], half, tensors);
  return { words: `not whole: ${fault?.sentence}`, channels };
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
function tensorLines(half: Half, tensors: Tensors): string[] {
  const cells = [...tensors].map(([name, { shape, data }]) => [
    name,
    shapeText(shape),
    countText(data.length),
  ]);
  return [`${half}:`, ...tableLines(COLUMNS, cells)];
}

/** Returns the layout that the prefixes of the names show. */
function layoutWords({ tensors }: SafetensorsFile): string {
  const names = [...tensors.keys()];
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name));
  if (has(/^taesd_(?:en|de)coder\./)) return "ComfyUI's combined layout";
  return has(/^(?:en|de)coder\./) ? "diffusers' layout" : 'the original layout';
}

/** Returns `BF16 (61 tensors)`. */
function dtypeWords({ tensors }: SafetensorsFile): string {
  const counts = new Map<string, number>();
  for (const { dtype } of tensors.values()) counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
  return [...counts].map(([dtype, count]) => `${dtype} (${count} tensors)`).join(', ');
}
