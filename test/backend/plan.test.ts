import { expect, test } from 'vitest';
import { type ConvStage, planNetwork, type Stage } from '../../src/backend/plan.ts';
import { inputRows } from '../../src/backend/rows-needed.ts';
import { isWinograd, WASM_RULES } from '../../src/backend/wasm/plan-rules.ts';
import { storedChannels } from '../../src/backend/wasm/ring.ts';
import { decoder } from '../../src/model/decoder.ts';
import { encoder } from '../../src/model/encoder.ts';
import {
  block,
  clamp,
  conv1x1,
  conv3x3,
  type Network,
  relu,
  upsample2x,
} from '../../src/model/layers.ts';
import { describeNetwork } from '../../src/model/measure.ts';

/*
 * Which layers become which stages. A stage is written as `input>output kind`, with what is fused
 * into it: `0>1 conv 1 up relu +3` is layer 1's convolution of map 0's upsampling, map 3 added, a
 * ReLU after it.
 */

function written(stage: Stage): string {
  const maps = `${stage.input}>${stage.output}`;
  if (stage.kind !== 'conv') return `${maps} ${stage.kind}`;
  const { layer, name, upsample, add, relu: fused } = stage;
  return [
    `${maps} conv ${layer}${name === '' ? '' : `.${name}`}`,
    ...(upsample ? ['up'] : []),
    ...(fused ? ['relu'] : []),
    ...(add === undefined ? [] : [`+${add}`]),
  ].join(' ');
}

const plan = (network: Network) => planNetwork(network, WASM_RULES);
const planned = (network: Network) => plan(network).stages.map(written);
const convs = (network: Network) =>
  plan(network).stages.filter((stage) => stage.kind === 'conv') as (ConvStage & Stage)[];

/** A block without a convolution on its skip path, from map `input` on. */
const plainBlock = (layer: number, input: number) => [
  `${input}>${input + 1} conv ${layer}.conv.0 relu`,
  `${input + 1}>${input + 2} conv ${layer}.conv.2 relu`,
  `${input + 2}>${input + 3} conv ${layer}.conv.4 relu +${input}`,
];

test('planNetwork: the decoder → 36 stages, each upsampling and each ReLU fused', () => {
  for (const channels of [4, 16]) {
    expect(planned(decoder(channels))).toEqual([
      '0>1 clamp',
      '1>2 conv 1 relu',
      ...plainBlock(3, 2),
      ...plainBlock(4, 5),
      ...plainBlock(5, 8),
      '11>12 conv 7 up',
      ...plainBlock(8, 12),
      ...plainBlock(9, 15),
      ...plainBlock(10, 18),
      '21>22 conv 12 up',
      ...plainBlock(13, 22),
      ...plainBlock(14, 25),
      ...plainBlock(15, 28),
      '31>32 conv 17 up',
      ...plainBlock(18, 32),
      '35>36 conv 19',
    ]);
  }
});

test('planNetwork: the encoder → 35 stages, each ReLU fused', () => {
  for (const channels of [4, 16]) {
    expect(planned(encoder(channels))).toEqual([
      '0>1 conv 0',
      ...plainBlock(1, 1),
      '4>5 conv 2',
      ...plainBlock(3, 5),
      ...plainBlock(4, 8),
      ...plainBlock(5, 11),
      '14>15 conv 6',
      ...plainBlock(7, 15),
      ...plainBlock(8, 18),
      ...plainBlock(9, 21),
      '24>25 conv 10',
      ...plainBlock(11, 25),
      ...plainBlock(12, 28),
      ...plainBlock(13, 31),
      '34>35 conv 14',
    ]);
  }
});

test('planNetwork: both networks → Winograd for each convolution but those of 3, 4 or 16 channels of a latent or picture', () => {
  for (const [network, stride2, direct] of [
    [encoder(4), 3, 2],
    [encoder(16), 3, 1],
    [decoder(4), 0, 2],
    [decoder(16), 0, 1],
  ] as const) {
    const all = convs(network).map(({ conv }) => conv);
    for (const conv of all) {
      const { cin, cout, stride } = conv;
      const wanted = cin % 16 === 0 && cout % 16 === 0;
      expect(isWinograd(conv), `${cin}→${cout}, stride ${stride}`).toBe(wanted);
    }
    expect(all.filter(({ stride }) => stride === 2).length).toBe(stride2);
    expect(all.filter((conv) => !isWinograd(conv)).length).toBe(direct);
  }
});

test('isWinograd: 3×3, stride 1 and 2, channels that fill its tiles → true; anything else → false', () => {
  for (const stride of [1, 2] as const) {
    const is = (cin: number, cout: number) => isWinograd(conv3x3(cin, cout, { stride }));
    for (const cin of [16, 32, 48, 64, 80, 128, 256]) expect(is(cin, 16)).toBe(true);
    for (const cout of [16, 48, 64, 80, 256]) expect(is(16, cout)).toBe(true);
    for (const cin of [1, 4, 8, 15, 17, 24, 100, 272]) expect(is(cin, 16)).toBe(false);
    for (const cout of [1, 3, 4, 12, 17, 20]) expect(is(16, cout)).toBe(false);
  }
  expect(isWinograd(conv1x1(16, 16))).toBe(false);
});

test('planNetwork: tiles → 6×6 for at most 64 channels on maps higher than an eighth of the highest, 4×4 for other Winograd convolutions, none for direct ones', () => {
  const tiles = (network: Network) => convs(network).map(({ tile }) => tile);
  const repeated = (...runs: readonly (readonly [count: number, tile: number])[]) =>
    runs.flatMap(([count, tile]) => new Array<number>(count).fill(tile));
  // Clamp, 10 convolutions of the latents' level, three levels of which the first convolution
  // reads an upsampling.
  expect(tiles(decoder(4))).toEqual(repeated([1, 1], [9, 4], [10, 6], [10, 6], [4, 6], [1, 1]));
  // Each level begins with a stride of 2.
  expect(tiles(encoder(4))).toEqual(
    repeated([1, 1], [3, 6], [1, 4], [9, 6], [1, 4], [9, 6], [10, 4], [1, 1]),
  );
  expect(tiles([conv3x3(64, 64)])).toEqual([6]);
  expect(tiles([conv3x3(80, 16), conv3x3(16, 80), conv3x3(80, 80)])).toEqual([4, 4, 4]);
  expect(tiles([conv3x3(16, 16, { stride: 2 }), conv3x3(16, 3), conv3x3(4, 16)])).toEqual([
    4, 1, 1,
  ]);
  // A skip connection makes a convolution of stride 2 a direct one.
  expect(tiles([block(16)])).toEqual([6, 6, 6]);
});

test.each<[string, Network, number, number, number]>([
  ['read by a direct 3×3 convolution', [conv3x3(3, 8)], 0, 3, 3],
  ['by one of stride 2', [conv3x3(3, 64, { stride: 2 })], 0, 3, 3],
  ['1 channel', [conv3x3(1, 16)], 0, 1, 1],
  ['17 channels', [conv3x3(17, 16)], 0, 17, 17],
  ['both encoders', encoder(16), 0, 3, 3],
  ['both decoders', decoder(4), 0, 4, 4],
  ['no reader', [], 0, 3, 3],
  ['a convolution to 12 channels', [conv3x3(3, 12)], 0, 3, 4],
  ['a convolution to 3 channels', [conv3x3(3, 3)], 0, 3, 4],
  ['a 1×1 convolution', [conv1x1(3, 8)], 0, 3, 4],
  ['a ReLU', [relu(), conv3x3(3, 8)], 0, 3, 4],
  ['a clamp', [clamp(), conv3x3(3, 8)], 0, 3, 4],
  ['an upsampling', [upsample2x(), conv3x3(3, 8)], 0, 3, 4],
  ['an upsampling that a convolution takes over', [upsample2x(), conv3x3(16, 16)], 0, 16, 16],
  ['a direct convolution and a 1×1 one beside it', [block(3, 8)], 0, 3, 4],
  ['a block that adds it', [block(3)], 0, 3, 4],
  ['Winograd', [conv3x3(16, 16)], 0, 16, 16],
  ['another map than the first', [conv3x3(3, 3), conv3x3(3, 8)], 1, 3, 4],
  ['the last map', [conv3x3(3, 8), conv3x3(8, 3)], 2, 3, 4],
  ['another map of 8', [conv3x3(3, 8), conv3x3(8, 3)], 1, 8, 8],
])('storedChannels: %s → map and channels as stored', (_, network, map, channels, stored) => {
  expect(storedChannels(plan(network).stages, map, channels)).toBe(stored);
});

test.each<[string, Network, string[]]>([
  ['no layer', [], []],
  ['ReLU first', [relu(), conv3x3(16, 16)], ['0>1 relu', '1>2 conv 1']],
  [
    'ReLU after ReLU → the second is a stage',
    [conv3x3(4, 4), relu(), relu()],
    ['0>1 conv 0 relu', '1>2 relu'],
  ],
  [
    'ReLU after an upsampling → a stage between them',
    [upsample2x(), relu(), conv3x3(16, 16)],
    ['0>1 upsample2x', '1>2 relu', '2>3 conv 2'],
  ],
  [
    'ReLU before an upsampling → fused into the convolution before, the upsampling into the one after',
    [conv3x3(16, 16), relu(), upsample2x(), conv3x3(16, 16), relu()],
    ['0>1 conv 0 relu', '1>2 conv 3 up relu'],
  ],
  [
    'two upsamplings in a row → the second is fused',
    [upsample2x(), upsample2x(), conv3x3(16, 16)],
    ['0>1 upsample2x', '1>2 conv 2 up'],
  ],
  [
    'an upsampling last → a stage',
    [conv3x3(16, 16), upsample2x()],
    ['0>1 conv 0', '1>2 upsample2x'],
  ],
  [
    'an upsampling before a convolution that is not Winograd’s or of stride 2 → a stage',
    [upsample2x(), conv3x3(5, 6), upsample2x(), conv3x3(16, 16, { stride: 2 }), conv1x1(16, 16)],
    ['0>1 upsample2x', '1>2 conv 1', '2>3 upsample2x', '3>4 conv 3', '4>5 conv 4'],
  ],
  [
    'an upsampling before a block → a stage',
    [upsample2x(), block(16)],
    ['0>1 upsample2x', ...plainBlock(1, 1)],
  ],
  ['ReLU after a block → a stage', [block(16), relu()], [...plainBlock(0, 0), '3>4 relu']],
  [
    'a block whose widths differ → a convolution on its skip path',
    [block(8, 16), clamp()],
    [
      '0>1 conv 0.conv.0 relu',
      '1>2 conv 0.conv.2 relu',
      '0>3 conv 0.skip',
      '2>4 conv 0.conv.4 relu +3',
      '4>5 clamp',
    ],
  ],
])('planNetwork: %s', (_, network, stages) => expect(planned(network)).toEqual(stages));

test('planNetwork: every network → a stage reads only maps made before it, map n is made by stage n − 1', () => {
  for (const network of [decoder(4), encoder(16), [block(8, 16), upsample2x(), block(16, 4)]]) {
    for (const [n, stage] of plan(network).stages.entries()) {
      expect(stage.output).toBe(n + 1);
      expect(stage.input).toBeLessThan(stage.output);
      if (stage.kind === 'conv' && stage.add !== undefined) {
        expect(stage.add).toBeLessThan(stage.output);
      }
    }
  }
});

test('Plan.shapes: sizes 1×1 to 19×19 → the last as the layers give it one by one', () => {
  for (const [network, channels] of [
    [decoder(4), 4],
    [encoder(4), 3],
  ] as const) {
    for (let height = 1; height < 20; height++) {
      for (const width of [1, 2, 7, 8, 9, 19]) {
        const shapes = plan(network).shapes([channels, height, width]);
        const rows = describeNetwork(network, [channels, height, width]);
        expect(shapes.at(-1)).toEqual(rows.at(-1)?.output);
      }
    }
  }
});

test('inputRows: 3×3 of stride 1 and 2, upsampled, 1×1, pointwise → the rows under the window, cut at the edges', () => {
  const [one, two, up, matrix, point, double] = [
    ...plan([conv3x3(4, 4), conv3x3(4, 16, { stride: 2 }), upsample2x(), conv3x3(16, 16)]).stages,
    ...plan([conv1x1(4, 4), clamp(), upsample2x()]).stages,
  ];
  const rows = (stage: Stage, first: number, end: number) => {
    const span = inputRows(stage, { first, end }, 10);
    return [span.first, span.end];
  };
  expect(rows(one, 0, 1)).toEqual([0, 2]);
  expect(rows(one, 3, 5)).toEqual([2, 6]);
  expect(rows(one, 9, 10)).toEqual([8, 10]);
  expect(rows(two, 0, 1)).toEqual([0, 2]);
  expect(rows(two, 2, 4)).toEqual([3, 8]);
  expect(rows(two, 4, 5)).toEqual([7, 10]);
  // Tiles of 6×6: rows 5 … 12 of the upsampling.
  expect(rows(up, 6, 12)).toEqual([2, 7]);
  expect(rows(up, 0, 6)).toEqual([0, 4]);
  expect(rows(up, 4, 8)).toEqual([0, 7]);
  expect(rows(up, 12, 18)).toEqual([5, 10]);
  expect(rows(up, 18, 20)).toEqual([8, 10]);
  expect(rows(matrix, 3, 5)).toEqual([3, 5]);
  expect(rows(point, 3, 5)).toEqual([3, 5]);
  expect(rows(double, 3, 5)).toEqual([1, 3]);
});
