import type { Half, Network, Variant } from '../../index.ts';
import { kindOf } from '../../model/kinds.ts';
import { type Chw, describeNetwork } from '../../model/measure.ts';
import { receptiveField } from '../../model/receptive-field.ts';
import { LATENT_SCALE } from '../../model/variants.ts';
import type { Size } from '../line/size.ts';
import { type Column, countText, factLines, tableLines } from '../terminal/table.ts';

/** Returns lines about a model: its latents, and the layers of both halves. */
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
  const halves = (['encoder', 'decoder'] as const).flatMap((half) => [
    '',
    ...networkLines(variant.networks[half], half, latentChannels, size),
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

/** Returns the table of layers of one half, for a picture of that size. */
export function networkLines(
  network: Network,
  half: Half,
  latentChannels: number,
  { width, height }: Size,
): string[] {
  const input: Chw =
    half === 'encoder'
      ? [3, height, width]
      : [latentChannels, Math.ceil(height / LATENT_SCALE), Math.ceil(width / LATENT_SCALE)];
  const rows = describeNetwork(network, input);
  const sum = (key: 'parameters' | 'multiplyAdds') =>
    countText(rows.reduce((total, row) => total + row[key], 0));
  const cells = rows.map(({ index, layer, output, parameters, multiplyAdds }) => [
    `${index}`,
    kindOf(layer).words(layer),
    output.join('×'),
    countOrDash(parameters),
    countOrDash(multiplyAdds),
  ]);
  const output = rows[rows.length - 1].output.join('×');
  const total = ['', 'total', output, sum('parameters'), sum('multiplyAdds')];
  return [
    `${half}, for an input of ${input.join('×')}:`,
    ...tableLines(COLUMNS, cells, total),
    fieldWords(network, half),
  ];
}

/** Returns a dash for 0, because a dash is easier to skip. */
const countOrDash = (count: number): string => (count === 0 ? '–' : countText(count));

function fieldWords(network: Network, half: Half): string {
  const { before, after } = receptiveField(network);
  const reach = `${before} more above and left, ${after} below and right`;
  const own = half === 'encoder' ? 'a latent: its 8×8 pixels' : 'a pixel: the latent it lies in';
  return `receptive field of ${own}, ${reach}`;
}
