import { type Part, TaesdError, type Tensor, VARIANTS } from '../index.ts';
import { bindNetwork } from '../model/bind.ts';
import { latentChannelsOf } from '../model/latent-channels.ts';
import type { Network } from '../model/layers.ts';
import { modelNames, networkOf } from '../model/variants.ts';
import { shapeText } from '../tensor.ts';
import { splitByKeyNames } from '../weights/key-names.ts';
import type { SafetensorsFile } from '../weights/safetensors.ts';
import { showName } from '../weights/show-name.ts';
import { networkLines } from './inspect-model.ts';
import type { Size } from './option-values.ts';
import { type Column, countText, factLines, tableLines } from './table.ts';

type Tensors = ReadonlyMap<string, Tensor>;

/** Weights: their layout, the models that they fit by shape, the layers. */
export function weightLines(file: SafetensorsFile, size: Size): string[] {
  const { encoder, decoder, vaeScale, vaeShift } = splitByKeyNames('inspect', file);
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
  part: Part,
  tensors: Tensors,
): { says: string; network?: Network; channels: number } {
  const channels = latentChannelsOf(part, tensors);
  const models = channels === undefined ? [] : modelNames(channels);
  if (channels === undefined || models.length === 0) {
    const got =
      channels === undefined
        ? 'it has no layer that latents go into or come from'
        : `${channels} latent channels`;
    return { says: `fits no model: ${got}`, channels: 0 };
  }
  const network = networkOf(VARIANTS[models[0]], part);
  try {
    bindNetwork('inspect', part, network, tensors);
  } catch (error) {
    if (!(error instanceof TaesdError)) throw error;
    return { says: `not whole: ${error.message}`, channels };
  }
  return { says: `fits ${models.join(' and ')}, ${channels} latent channels`, network, channels };
}

const COLUMNS: readonly Column[] = [
  { title: 'tensor', align: 'left' },
  { title: 'shape', align: 'left' },
  { title: 'parameters', align: 'right' },
];

/** Where the layers are unknown, the tensors under their names in taesd.py. */
function tensorLines(part: Part, tensors: Tensors): string[] {
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
