import type { Half, Variant } from '../../index.ts';
import { kindOf } from '../../model/kinds.ts';
import { needsWholeMap } from '../../model/layers.ts';
import { type Chw, describeNetwork } from '../../model/measure.ts';
import { receptiveField } from '../../model/receptive-field.ts';
import type { Size } from '../line/size.ts';
import { type Column, countText, tableLines } from '../terminal/table.ts';

/** The layers of a half as the JSON document describes them, for a picture of some size. */
export interface NetworkFindings {
  /** Channels, height and width. */
  readonly input: Chw;
  readonly layers: readonly LayerFindings[];
  readonly parameters: number;
  readonly multiplyAdds: number;
  /**
   * The latents around a pixel that it depends on, or the pixels around those of a latent; `whole`
   * if a layer needs the whole map.
   */
  readonly receptiveField: { readonly before: number; readonly after: number } | 'whole';
}

interface LayerFindings {
  readonly index: number;
  readonly layer: string;
  readonly output: Chw;
  readonly parameters: number;
  readonly multiplyAdds: number;
}

/** Describes the layers of one half. */
export function describeHalf(
  { networks, latentChannels, pictureChannels, downscale }: Variant,
  half: Half,
  { width, height }: Size,
): NetworkFindings {
  const network = networks[half];
  const input: Chw =
    half === 'encoder'
      ? [pictureChannels, height, width]
      : [latentChannels, Math.ceil(height / downscale), Math.ceil(width / downscale)];
  const layers = describeNetwork(network, input).map(
    ({ index, layer, output, parameters, multiplyAdds }) => ({
      index,
      layer: kindOf(layer).words(layer),
      output,
      parameters,
      multiplyAdds,
    }),
  );
  const sum = (key: 'parameters' | 'multiplyAdds') =>
    layers.reduce((total, layer) => total + layer[key], 0);
  return {
    input,
    layers,
    parameters: sum('parameters'),
    multiplyAdds: sum('multiplyAdds'),
    receptiveField: network.some(needsWholeMap) ? 'whole' : receptiveField(network),
  };
}

const COLUMNS: readonly Column[] = [
  { title: '#', align: 'right' },
  { title: 'layer', align: 'left' },
  { title: 'output', align: 'right' },
  { title: 'parameters', align: 'right' },
  { title: 'multiply-adds', align: 'right' },
];

/** Returns the table of layers of one half. */
export function networkLines(
  half: Half,
  findings: NetworkFindings,
  { downscale }: Pick<Variant, 'downscale'>,
): string[] {
  const { input, layers, parameters, multiplyAdds } = findings;
  const cells = layers.map((layer) => [
    `${layer.index}`,
    layer.layer,
    layer.output.join('×'),
    countOrDash(layer.parameters),
    countOrDash(layer.multiplyAdds),
  ]);
  const output = layers[layers.length - 1].output.join('×');
  const total = ['', 'total', output, countText(parameters), countText(multiplyAdds)];
  return [
    `${half}, for an input of ${input.join('×')}:`,
    ...tableLines(COLUMNS, cells, total),
    fieldWords(half, findings, downscale),
  ];
}

/** Returns a dash for 0, because a dash is easier to skip. */
const countOrDash = (count: number): string => (count === 0 ? '–' : countText(count));

function fieldWords(
  half: Half,
  { receptiveField: field }: NetworkFindings,
  downscale: number,
): string {
  if (field === 'whole') {
    return `receptive field of a ${half === 'encoder' ? 'latent' : 'pixel'}: the whole picture`;
  }
  const { before, after } = field;
  const reach = `${before} more above and left, ${after} below and right`;
  const pixels = `a latent: its ${downscale}×${downscale} pixels`;
  const own = half === 'encoder' ? pixels : 'a pixel: the latent it lies in';
  return `receptive field of ${own}, ${reach}`;
}
