import { type Half, TaesdError, type Tensor, VARIANTS, type Variant } from '../../index.ts';
import { bindNetwork } from '../../model/bind.ts';
import { latentChannelsOf } from '../../model/latent-channels.ts';
import type { Network } from '../../model/layers.ts';
import { latentSpaces } from '../../model/variants.ts';
import type { SafetensorsFile } from '../../safetensors/read.ts';
import { showName } from '../../safetensors/show-name.ts';
import { shapeText } from '../../tensor.ts';
import { splitByKeyNames } from '../../weights/key-names.ts';
import type { Size } from '../line/option-values.ts';
import { type Column, countText, factLines, tableLines } from '../terminal/table.ts';
import { networkLines } from './model.ts';

type Tensors = ReadonlyMap<string, Tensor>;

/** Weights: their layout, the models that they fit by shape, the layers. */
export function weightLines(file: SafetensorsFile, size: Size): string[] {
  const { encoder, decoder, vaeScale, vaeShift } = splitByKeyNames(file);
  const facts: [what: string, says: string][] = [];
  const tables: string[] = [];
  let parameters = 0;
  for (const [part, tensors] of [['encoder', encoder] as const, ['decoder', decoder] as const]) {
    if (tensors === undefined) continue;
    const fit = fitOf(part, tensors);
    facts.push([part, fit.says]);
    const lines =
      fit.network === undefined
        ? tensorLines(part, tensors)
        : networkLines(fit.network, part, fit.channels, size);
    tables.push('', ...lines);
    for (const { data } of tensors.values()) parameters += data.length;
  }
  if (vaeScale !== undefined) facts.push(['vae_scale', `${vaeScale}`]);
  if (vaeShift !== undefined) facts.push(['vae_shift', `${vaeShift}`]);
  facts.push(['parameters', countText(parameters)], ['types', dtypeWords(file)]);
  for (const [key, value] of file.metadata) facts.push([showName(key), showName(value)]);
  return [...factLines([['kind', `weights of TAESD, ${layoutWords(file)}`], ...facts]), ...tables];
}

/** Which models' shapes these are; the network where there is one. */
function fitOf(
  part: Half,
  tensors: Tensors,
): { says: string; network?: Network; channels: number } {
  const fitting = Object.values(VARIANTS).filter((variant) => fits(variant, part, tensors));
  if (fitting.length > 0) {
    const [{ latentChannels: channels }] = fitting;
    const names = fitting.map(({ name }) => name).join(' and ');
    const network = fitting[0].networks[part];
    return { says: `fits ${names}, ${channels} latent channels`, network, channels };
  }
  const channels = latentChannelsOf(part, tensors);
  if (channels === undefined) {
    const got = 'it has no layer that latents go into or come from';
    return { says: `fits no model: ${got}`, channels: 0 };
  }
  const [model] = latentSpaces(channels);
  if (model === undefined) {
    return { says: `fits no model: ${channels} latent channels`, channels: 0 };
  }
  const fault = faultOf(VARIANTS[model], part, tensors);
  return { says: `not whole: ${fault?.message}`, channels };
}

const fits = (variant: Variant, part: Half, tensors: Tensors): boolean =>
  faultOf(variant, part, tensors) === undefined;

/** What keeps tensors from being the weights of a model. */
function faultOf(variant: Variant, part: Half, tensors: Tensors): TaesdError | undefined {
  try {
    bindNetwork(part, variant.networks[part], tensors);
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

/** Where the layers are unknown, the tensors under their names in taesd.py. */
function tensorLines(part: Half, tensors: Tensors): string[] {
  const cells = [...tensors].map(([name, { shape, data }]) => [
    name,
    shapeText(shape),
    countText(data.length),
  ]);
  return [`${part}:`, ...tableLines(COLUMNS, cells)];
}

/** The prefixes that `splitByKeyNames` told apart. */
function layoutWords({ tensors }: SafetensorsFile): string {
  const names = [...tensors.keys()];
  const some = (pattern: RegExp) => names.some((name) => pattern.test(name));
  if (some(/^taesd_(?:en|de)coder\./)) return "ComfyUI's combined layout";
  return some(/^(?:en|de)coder\./) ? "diffusers' layout" : 'the original layout';
}

/** `BF16 (61 tensors)` */
function dtypeWords({ tensors }: SafetensorsFile): string {
  const counts = new Map<string, number>();
  for (const { dtype } of tensors.values()) counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
  return [...counts].map(([dtype, count]) => `${dtype} (${count} tensors)`).join(', ');
}
