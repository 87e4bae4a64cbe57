import { expect, test } from 'vitest';
import type { StepView } from '../../explorer/src/engine/protocol.ts';
import type { Follows } from '../../explorer/src/measure/follows.ts';
import {
  blockOffText,
  figure,
  fixed,
  followsText,
  ringsText,
  seamText,
  share,
  stepText,
  sumText,
  zerosText,
} from '../../explorer/src/text/measured.ts';

/** Runs one function on many inputs: each gives its sentence. */
function sentences<A extends readonly unknown[]>(
  name: string,
  tell: (...args: A) => string,
  cases: readonly (readonly [args: A, text: string])[],
) {
  for (const [args, text] of cases) {
    test(`${name}: ${JSON.stringify(args)} → “${text}”`, () => {
      expect(tell(...args)).toBe(text);
    });
  }
}

sentences('fixed', fixed, [
  [[0.856, 2], '0.86'],
  [[-0.62, 2], '−0.62'],
  [[-0.001, 2], '0.00'],
  [[0, 1], '0.0'],
]);

sentences('figure', figure, [
  [[0], '0'],
  [[0.0001], 'about 0'],
  [[-0.0001], 'about 0'],
  [[-0.205], '−0.205'],
  [[4.311], '4.31'],
  [[-43.21], '−43.2'],
  [[1234.5], '1235'],
]);

sentences('share', share, [
  [[0], '0 %'],
  [[0.004], 'fewer than 1 %'],
  [[0.37], '37 %'],
  [[0.996], 'more than 99 %'],
  [[1], '100 %'],
]);

sentences('block off', blockOffText, [
  [[32.19, 22.1], 'Without this block the picture loses 10.1 dB: 22.1 instead of 32.2.'],
  [[32.19, 31.94], 'Without this block the picture loses 0.3 dB: 31.9 instead of 32.2.'],
  [[32.19, 32.44], 'Without this block the picture gains 0.2 dB: 32.4 instead of 32.2.'],
  [[32.19, 32.21], 'Without this block the picture stays as it is: 32.2 dB.'],
  [[3, -1.5], 'Without this block the picture loses 4.5 dB: −1.5 instead of 3.0.'],
  [[Infinity, 30], 'The picture is equal to the original, so no loss can be told in dB.'],
]);

sentences('zeros', zerosText, [
  [[0], 'None of its numbers is 0.'],
  [[Number.NaN], 'None of its numbers is 0.'],
  [[0.001], 'Fewer than 1 % of its numbers are 0.'],
  [[0.37], '37 % of its numbers are 0.'],
  [[0.999], 'More than 99 % of its numbers are 0.'],
  [[1], 'All of its numbers are 0.'],
]);

/** Returns a step of these channels. */
function step(channels: readonly (readonly [min: number, max: number, zeros: number])[]): StepView {
  const ranges = channels.map(([min, max, zeros]) => ({ min, max, zeros }));
  const [mins, maxes] = [channels.map(([min]) => min), channels.map(([, max]) => max)];
  const summary = {
    min: Math.min(...mins),
    max: Math.max(...maxes),
    mean: 0.25,
    zeros: ranges.reduce((sum, { zeros }) => sum + zeros, 0) / ranges.length,
  };
  const shape = [1, channels.length, 2, 700];
  const rest = { multiplyAdds: 2_415_919_104, parameters: 36_928 };
  return { summary, channels: ranges, shape, ...rest } as unknown as StepView;
}

sentences('step', stepText, [
  [
    [
      step([
        [0, 2.5, 0.5],
        [0, 0, 1],
        [0, 4.311, 0.3],
      ]),
    ],
    '60 % of its numbers are 0. They go from 0 to 4.31, on average 0.250. The largest is in channel 2. 1 of 3 channels is 0 everywhere.',
  ],
  [
    [
      step([
        [-3, 2, 0],
        [0, 0, 1],
        [0, 0, 1],
        [0, 0, 1],
      ]),
    ],
    '75 % of its numbers are 0. They go from −3.00 to 2.00, on average 0.250. The largest is in channel 0. 3 of 4 channels are 0 everywhere.',
  ],
  [[step([[-1, 1, 0]])], 'None of its numbers is 0. They go from −1.00 to 1.00, on average 0.250.'],
  [[step([[0, 0, 1]])], 'All of its 1,400 numbers are 0.'],
]);

/** Returns a sum of these channels' windows. */
function sum(windows: readonly number[], bias: number, skip?: number) {
  const total = windows.reduce((all, one) => all + one, 0);
  const all = total + bias + (skip ?? 0);
  return {
    windows: windows.map((value, channel) => ({ channel, products: [], sum: value })),
    ...{ sum: total, bias, skip },
    beforeRelu: skip === undefined ? undefined : all,
    value: skip === undefined ? all : Math.max(all, 0),
  };
}

sentences('sum', sumText, [
  [
    [sum([-0.095, -0.197, -0.097], 0.205)],
    '3 channels add up to −0.389; channel 1 counts most, with −0.197. With the bias 0.205 that makes −0.184.',
  ],
  [
    [sum([0.5, 1], -0.25, 1)],
    '2 channels add up to 1.500; channel 1 counts most, with 1.000. With the bias −0.250 and the skip connection 1.000 that makes 2.250.',
  ],
  [
    [sum([-2, 0], 0, 0.5)],
    '2 channels add up to −2.000; channel 0 counts most, with −2.000. With the bias 0.000 and the skip connection 0.500 that makes −1.500, and the ReLU makes it 0.',
  ],
  [[sum([0.5], 0)], 'The channel gives 0.500. With the bias 0.000 that makes 0.500.'],
  [[sum([0, 0], 0)], '2 channels add up to 0.000. With the bias 0.000 that makes 0.000.'],
]);

const following = (channel: number, luma?: number, red?: number, blue?: number): [Follows] => [
  { channel, isConstant: false, luma, red, blue },
];

sentences('follows', followsText, [
  [following(1, 0.86, 0.14, -0.25), 'Channel 1 follows brightness (0.86).'],
  [following(3, -0.75, 0.14, -0.2), 'Channel 3 is high where the picture is dark (−0.75).'],
  [
    following(2, -0.11, -0.62, 0.53),
    'Channel 2 is high where the picture is blue (−0.62 red, 0.53 blue).',
  ],
  [
    following(2, -0.33, -0.62, 0.53),
    'Channel 2 is high where the picture is blue (−0.62 red, 0.53 blue), and less so where it is dark (−0.33).',
  ],
  [
    following(0, 0.77, 0.27, -0.32),
    'Channel 0 follows brightness (0.77), and less so where it is yellow or green (−0.32 blue).',
  ],
  [
    following(1, 0, 0.5, 0.4),
    'Channel 1 is high where the picture is purple (0.50 red, 0.40 blue).',
  ],
  [following(3, -0.01, 0.2, 0.29), 'Channel 3 follows neither brightness nor colour (below 0.3).'],
  [following(3, 0.9), 'Channel 3 follows brightness (0.90).'],
  [following(3, 0.1), 'Channel 3 does not follow brightness (below 0.3).'],
  [following(0), 'The picture is the same everywhere, so channel 0 has nothing to follow.'],
  [
    [{ ...following(5)[0], isConstant: true }],
    'Channel 5 is the same everywhere, so it follows nothing.',
  ],
]);

const RINGS = [44, 35, 15, 4, 4, 2, 1, 1];
const OWN = 'In its own square of the picture it changes up to 44 of 255.';

sentences('rings', ringsText, [
  [[RINGS, 5, 8], `${OWN} Beyond 16 px around it nothing changes by more than 4 of 255.`],
  [[RINGS, 36, 8], `${OWN} Outside of that square nothing changes by more than 35 of 255.`],
  [[RINGS, 1, 8], `${OWN} It changes the picture up to the edge by 1 or more.`],
  [[[44, 2, 0, 0], 1, 8], `${OWN} Beyond 8 px around it nothing changes.`],
  [[[0, 0], 1, 8], 'Nothing changes.'],
  [[[3, 1], 5, 8], 'Nothing changes by more than 4 of 255.'],
]);

sentences('seam', seamText, [
  [[3, 16], 'With 3 cells of overlap the halves differ from the whole by at most 16 of 255.'],
  [[1, 33], 'With 1 cell of overlap the halves differ from the whole by at most 33 of 255.'],
  [[0, 62], 'Without overlap the halves differ from the whole by at most 62 of 255.'],
  [[16, 0], 'With 16 cells of overlap the halves are equal to the whole picture.'],
]);
