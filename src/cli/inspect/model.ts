import type { Half, Variant } from '../../index.ts';
import type { Layer, Network } from '../../model/layers.ts';
import { type Chw, describeNetwork } from '../../model/measure.ts';
import { receptiveField } from '../../model/receptive-field.ts';
import { LATENT_SCALE } from '../../model/variants.ts';
import type { Size } from '../line/option-values.ts';
import { type Column, countText, factLines, tableLines } from '../terminal/table.ts';

/** A model: what it speaks, and the layers of both halves. */
export function modelLines(variant: Variant, size: Size): string[] {
  const { name, speaks, latentChannels, scale, shift } = variant;
  const facts = factLines([
    ['model', `${name}, for ${speaks}`],
    ['latents', `${latentChannels} channels, 1/8 of the picture's width and height, rounded up`],
    [
      'scale',
      `${scale}, shift ${shift}: x = (z − ${shift}) · ${scale} from a latent z of the full VAE`,
    ],
  ]);
  const halves = (['encoder', 'decoder'] as const).flatMap((part) => [
    '',
    ...networkLines(variant.networks[part], part, latentChannels, size),
  ]);
  return [...facts, ...halves];
}

const COLUMNS: readonly Column[] = [
  { title: '#', align: 'right' },
  { title: 'layer', align: 'left' },
  { title: 'output', align: 'right' },
  { title: 'parameters', align: 'right' },
  { title: 'multiply-adds', align: 'right' },
];

/** The table of layers of one half, for a picture of that size. */
export function networkLines(
  network: Network,
  part: Half,
  latentChannels: number,
  { width, height }: Size,
): string[] {
  const input: Chw =
    part === 'encoder'
      ? [3, height, width]
      : [latentChannels, Math.ceil(height / LATENT_SCALE), Math.ceil(width / LATENT_SCALE)];
  const rows = describeNetwork(network, input);
  const sum = (key: 'parameters' | 'multiplyAdds') =>
    countText(rows.reduce((total, row) => total + row[key], 0));
  const cells = rows.map(({ index, layer, output, parameters, multiplyAdds }) => [
    `${index}`,
    layerWords(layer),
    output.join('×'),
    someText(parameters),
    someText(multiplyAdds),
  ]);
  const output = rows[rows.length - 1].output.join('×');
  const total = ['', 'total', output, sum('parameters'), sum('multiplyAdds')];
  return [
    `${part}, for an input of ${input.join('×')}:`,
    ...tableLines(COLUMNS, cells, total),
    fieldWords(network, part),
  ];
}

/** A dash is easier to pass over than a 0. */
const someText = (count: number): string => (count === 0 ? '–' : countText(count));

function layerWords(layer: Layer): string {
  switch (layer.kind) {
    case 'conv': {
      const { kernel, cin, cout, stride, bias } = layer;
      const steps = stride === 1 ? '' : `, stride ${stride}`;
      return `conv ${kernel}×${kernel} ${cin}→${cout}${steps}${bias ? '' : ', no bias'}`;
    }
    case 'block': {
      const { cin, cout } = layer;
      const skip = cin === cout ? 'skip' : 'conv 1×1 skip';
      return `block ${cin}→${cout}: 3 × conv 3×3 + ${skip}`;
    }
    case 'upsample2x':
      return 'upsample ×2, nearest';
    case 'pixelShuffle':
      return `pixel shuffle ×${layer.factor}, channels to pixels`;
    case 'pixelUnshuffle':
      return `pixel unshuffle ÷${layer.factor}, pixels to channels`;
    case 'clamp':
      return `clamp, tanh(x / ${layer.magnitude}) · ${layer.magnitude}`;
    case 'relu':
      return 'relu';
  }
}

function fieldWords(network: Network, part: Half): string {
  const { before, after } = receptiveField(network);
  const reach = `${before} more above and left, ${after} below and right`;
  const own = part === 'encoder' ? 'a latent: its 8×8 pixels' : 'a pixel: the latent it lies in';
  return `receptive field of ${own}, ${reach}`;
}
